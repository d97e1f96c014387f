package treesource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// TestEvalByHand compares what is read of public repositories with what a person
// counted in them: endpoints, clients and accesses of tables, a list a language.
// ASHLAR_SYSTEMS names the folder with the trees; a missing one is listed. What
// stands twice in the list has to be found twice. A line that begins with a place,
// as "shop/app.py:10-12", is found by what is found there.
func TestEvalByHand(t *testing.T) {
	if os.Getenv("ASHLAR_EVAL") == "" {
		t.Skip("make eval runs this")
	}
	lists, err := filepath.Glob("testdata/eval/*.txt")
	if err != nil || len(lists) == 0 {
		t.Fatal("no lists")
	}
	t.Logf("%-12s %-9s %5s %5s %5s  %s", "language", "of", "count", "P", "R", "repository")
	for _, l := range lists {
		lang := strings.TrimSuffix(filepath.Base(l), ".txt")
		trees, want := readLabels(t, l)
		var dirs []string
		for _, tree := range trees {
			dir := filepath.Join(os.Getenv("ASHLAR_SYSTEMS"), tree)
			if _, err := os.Stat(dir); err != nil || os.Getenv("ASHLAR_SYSTEMS") == "" {
				t.Logf("%-12s its tree %s is missing (ASHLAR_SYSTEMS)", lang, tree)
				continue
			}
			dirs = append(dirs, dir)
		}
		if len(dirs) < len(trees) {
			continue
		}
		got := counted(run(t, nil, dirs...))
		for _, kind := range []string{"entry", "client", "access"} {
			left := slices.Clone(want[kind])
			var extra []finding
			for _, g := range got[kind] {
				if i := g.among(left); i >= 0 {
					left = slices.Delete(left, i, i+1)
				} else {
					extra = append(extra, g)
				}
			}
			hit := len(want[kind]) - len(left)
			t.Logf("%-12s %-9s %5d %5.2f %5.2f  %s", lang, kind, len(want[kind]), share(hit, len(got[kind])), share(hit, len(want[kind])), strings.Join(trees, ", "))
			for _, m := range left {
				t.Logf("    missing %s", m.text)
			}
			for _, m := range extra {
				t.Logf("    extra   %s:%d %s", m.file, m.line, m.what)
			}
		}
	}
}

// label is what a person counted: either what is there, by name, or a place and
// what is to be found at it.
type label struct {
	text     string
	file     string // "" for one without a place
	from, to int
	what     string
}

var placed = regexp.MustCompile(`^(\S+\.\w+):(\d+)(?:-(\d+))? (.*[/ ].*|\w+)$`)

func readLabels(t *testing.T, name string) (trees []string, want map[string][]label) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want = map[string][]label{}
	byPlace := false
	for line := range strings.Lines(string(b)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "tree":
			trees = append(trees, rest)
		case "places":
			byPlace = true
		case "entry", "client", "access":
			l := label{text: rest, what: rest}
			if m := placed.FindStringSubmatch(rest); byPlace && m != nil {
				l.file, l.what = "/"+m[1], m[4]
				l.from, _ = strconv.Atoi(m[2])
				if l.to, _ = strconv.Atoi(m[3]); l.to == 0 {
					l.to = l.from
				}
			}
			want[kind] = append(want[kind], l)
		}
	}
	return trees, want
}

// finding is what was read, as a list without places names it, and by its place.
type finding struct {
	name string
	file string
	line int
	what string
}

// among finds the label of a finding: the narrowest place that holds it.
func (f finding) among(ls []label) int {
	best := -1
	for i, l := range ls {
		switch {
		case l.file == "" && l.what != f.name:
		case l.file != "" && (!strings.HasSuffix(f.file, l.file) || f.line < l.from || f.line > l.to || !strings.EqualFold(f.what, l.what) && !strings.HasPrefix(f.what, l.what+" ")):
		case best < 0 || l.to-l.from < ls[best].to-ls[best].from:
			best = i
		}
	}
	return best
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func counted(r *discover.Result) map[string][]finding {
	out := map[string][]finding{}
	seen := map[finding]bool{}
	add := func(kind, name, what string, p code.Pos) {
		f := finding{name, "/" + p.File, p.Line, what}
		if key := (finding{kind + name, f.file, f.line, what}); seen[key] && kind != "access" {
			return
		} else {
			seen[key] = true
		}
		out[kind] = append(out[kind], f)
	}
	for _, e := range r.Code.Entries {
		if e.Kind != "main" {
			add("entry", e.Trigger, e.Trigger, e.Pos)
		}
	}
	for _, c := range r.Code.Clients {
		add("client", strings.TrimSpace(fmt.Sprintf("%s:%d %s %s", filepath.Base(c.Pos.File), c.Pos.Line, c.Target, c.Verb)), holes.ReplaceAllString(c.Kind+" "+c.Verb, "{}"), c.Pos)
	}
	for _, a := range r.Code.Access {
		m := r.Code.Methods[a.Method]
		add("access", fmt.Sprintf("%s %s %s %s", a.Mode, a.Table.Member(), r.Code.Types[m.Type].Name, m.Name), a.Mode+" "+a.Table.Member(), a.Pos)
	}
	return out
}

// holes: how a variable part of a path is called is nobody's count.
var holes = regexp.MustCompile(`\{\w*\}`)
