// Package patterns_test keeps the pages of docs/patterns true.
package patterns_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/review/rules"
	"github.com/ashlar-dev/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

// The commands on the pages are run from the repository's root.
func TestMain(m *testing.M) {
	treesitter.Child()
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

const folder = "docs/patterns"

// page is a page with its fenced blocks taken out.
type page struct {
	name   string
	prose  string
	blocks []block
}

type block struct {
	kind  string // what stands behind the fence: go, console, text
	lines []string
}

func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(folder + "/*.md")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d pages, %v", len(names), err)
	}
	var out []page
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, read(filepath.Base(n), string(b)))
	}
	return out
}

func read(name, text string) page {
	p := page{name: name}
	var prose strings.Builder
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			p.blocks, open = append(p.blocks, block{kind: kind}), true
		case fence:
			open = false
		case open:
			b := &p.blocks[len(p.blocks)-1]
			b.lines = append(b.lines, line)
		default:
			prose.WriteString(line + "\n")
		}
	}
	p.prose = prose.String()
	return p
}

var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)

// Links lead to files; one that is called Example leads to that example, and
// one to a rule's page to a rule that exists.
func TestLinks(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, r := range rules.All() {
		ids[strings.ReplaceAll(r.ID, "/", "-")] = true
	}
	for _, p := range pages(t) {
		for _, l := range link.FindAllStringSubmatch(p.prose, -1) {
			text, to := l[1], filepath.Join(folder, l[2])
			b, err := os.ReadFile(to)
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
				continue
			}
			if strings.HasPrefix(text, "Example") && !bytes.Contains(b, []byte("func "+text+"()")) {
				t.Errorf("%s: %s has no %s", p.name, to, text)
			}
			if rule, ok := strings.CutPrefix(to, "docs/rules/"); ok && rule != "README.md" && !ids[strings.TrimSuffix(rule, ".md")] {
				t.Errorf("%s: no rule %s", p.name, rule)
			}
		}
	}
}

var code = regexp.MustCompile("`([^`]+)`")

// Packages and folders that are named exist, and commands that stand in a
// sentence are commands.
func TestNamesExist(t *testing.T) {
	t.Parallel()
	rooms := regexp.MustCompile(`^(patterns|design|docs|examples|bench)/[\w/.-]+$`)
	targets, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]bool{}
	ids := map[string]bool{}
	for _, r := range rules.All() {
		family, _, _ := strings.Cut(r.ID, "/")
		families[family], ids[r.ID] = true, true
	}
	for _, p := range pages(t) {
		for _, c := range code.FindAllStringSubmatch(p.prose, -1) {
			s := c[1]
			family, _, _ := strings.Cut(s, "/")
			word := strings.Fields(s)
			switch {
			case rooms.MatchString(s):
				if _, err := os.Stat(s); err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
			case families[family] && !strings.Contains(s, " ") && strings.Contains(s, "/") && !ids[s]:
				t.Errorf("%s: no rule %s", p.name, s)
			case len(word) == 2 && word[0] == "make" && !bytes.Contains(targets, []byte("\n"+word[1]+":")):
				t.Errorf("%s: no target %s", p.name, s)
			case len(word) > 1 && word[0] == "ashlar":
				if err := known(t.Context(), word[1:]); err != nil {
					t.Errorf("%s: %s: %v", p.name, s, err)
				}
			}
		}
	}
}

// known asks for a command's help with its flags, of which help must speak.
func known(ctx context.Context, words []string) error {
	verb := []string{words[0]}
	var out, faults bytes.Buffer
	if words[0] == "saga" || words[0] == "dlq" || words[0] == "readmodel" || words[0] == "advise" {
		verb = words[:min(2, len(words))]
	}
	verb = slices.DeleteFunc(slices.Clone(verb), func(s string) bool { return strings.HasPrefix(s, "-") })
	if code := cli.Do(ctx, append(verb, "--help"), strings.NewReader(""), &out, &faults); code != 0 {
		return fmt.Errorf("%s", faults.String())
	}
	if !strings.Contains(out.String(), "ashlar "+strings.Join(verb, " ")) {
		return fmt.Errorf("its help speaks of something else")
	}
	for _, w := range words {
		if strings.HasPrefix(w, "-") && !strings.Contains(out.String(), w) {
			return fmt.Errorf("no flag %s", w)
		}
	}
	return nil
}

// Go on a page is part of a file that the page leads to, line by line: it is
// compiled, and run where it is an example's.
func TestCodeIsOfTheTree(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		var files []string
		for _, l := range link.FindAllStringSubmatch(p.prose, -1) {
			if strings.HasSuffix(l[2], ".go") {
				b, err := os.ReadFile(filepath.Join(folder, l[2]))
				if err != nil {
					continue // TestLinks says so
				}
				files = append(files, squeeze(strings.Split(string(b), "\n")))
			}
		}
		for _, b := range p.blocks {
			if b.kind == "go" && !slices.ContainsFunc(files, func(f string) bool { return strings.Contains(f, squeeze(b.lines)) }) {
				t.Errorf("%s: no file that it leads to has\n%s", p.name, strings.Join(b.lines, "\n"))
			}
		}
	}
}

// squeeze drops indentation.
func squeeze(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimSpace(l) + "\n")
	}
	return b.String()
}

// Every page but the index is in the index, has the same sections, a command, a
// package and an example.
func TestEveryPageSaysTheSameThings(t *testing.T) {
	t.Parallel()
	all := pages(t)
	i := slices.IndexFunc(all, func(p page) bool { return p.name == "README.md" })
	index := all[i].prose
	for _, p := range slices.Delete(slices.Clone(all), i, i+1) {
		for _, want := range []string{"\n**", "\n## When\n", "\n## When not\n", "\n## Command\n", "\n## In code\n", "\n## What the copied snippet gets wrong\n"} {
			if !strings.Contains(p.prose, want) {
				t.Errorf("%s lacks %q", p.name, want)
			}
		}
		if !strings.Contains(index, "("+p.name+")") {
			t.Errorf("the index does not lead to %s", p.name)
		}
		if !slices.ContainsFunc(p.blocks, func(b block) bool { return b.kind == "console" }) {
			t.Errorf("%s shows no command", p.name)
		}
		if strings.Count(p.prose, "\n") > 90 {
			t.Errorf("%s is long", p.name)
		}
	}
}

// What a page shows of a command's output is what it prints; "..." stands for
// any lines.
func TestCommandsPrintWhatStandsThere(t *testing.T) {
	t.Parallel()
	if len(treesitter.Languages()) == 0 {
		t.Skip("built without cgo: the trees of the monolith are not read")
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.kind != "console" {
				continue
			}
			for _, c := range commands(t, p.name, b.lines) {
				t.Run(p.name+"/"+c.line, func(t *testing.T) {
					t.Parallel()
					var out, faults bytes.Buffer
					args := strings.Fields(c.line)[1:]
					if code := cli.Do(t.Context(), append(args, "--no-color"), strings.NewReader(""), &out, &faults); code > 1 {
						t.Fatalf("code %d: %s", code, faults.String())
					}
					if missing := c.missing(strings.Split(out.String(), "\n")); missing != "" {
						t.Errorf("it does not print, in this order,\n%s\nbut\n%s", missing, out.String())
					}
				})
			}
		}
	}
}

// command is one command of a block with what it is said to print.
type command struct {
	line string
	want []string
}

func commands(t *testing.T, name string, lines []string) []command {
	t.Helper()
	var out []command
	for _, l := range lines {
		if c, ok := strings.CutPrefix(l, "$ "); ok {
			if !strings.HasPrefix(c, "ashlar ") {
				t.Fatalf("%s: %q is not run by this test", name, c)
			}
			out = append(out, command{line: c})
			continue
		}
		if len(out) == 0 {
			t.Fatalf("%s: output before a command: %q", name, l)
		}
		out[len(out)-1].want = append(out[len(out)-1].want, l)
	}
	return out
}

// missing is the first line that is not printed where it should be; lines that
// no "..." stands between follow each other.
func (c *command) missing(got []string) string {
	at, loose := 0, false
	for _, w := range c.want {
		if w == "..." {
			loose = true
			continue
		}
		found := -1
		for i := at; i < len(got); i++ {
			if strings.TrimRight(got[i], " ") == strings.TrimRight(w, " ") {
				found = i
				break
			}
			if !loose {
				break
			}
		}
		if found < 0 {
			return w
		}
		at, loose = found+1, false
	}
	return ""
}

// The comparison itself can fail.
func TestMissing(t *testing.T) {
	t.Parallel()
	got := []string{"a", "b", "c", "d"}
	for want, missing := range map[string]string{
		"a|b": "", "...|c": "", "a|...|d": "", "b": "b", "a|c": "c", "...|d|a": "a", "...|x": "x", "a|...": "",
	} {
		c := command{want: strings.Split(want, "|")}
		if m := c.missing(got); m != missing {
			t.Errorf("%s: %q, want %q", want, m, missing)
		}
	}
}
