package decide

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Records are decision records, one for each decision, by their file name. The
// names that a folder has already stay as they are, so that a number once given
// is never given again; what people wrote below [Mark] stays, too.
//
// The form is that of MADR (Markdown Architectural Decision Records): title,
// context, options, outcome, consequences, confirmation.
func Records(dir string, answers []Answer) (changed []string, err error) {
	there, err := existing(dir)
	if err != nil {
		return nil, err
	}
	next := 1
	for _, name := range there {
		var n int
		_, _ = fmt.Sscanf(name, "%04d", &n)
		next = max(next, n+1)
	}
	for _, g := range grouped(answers) {
		if g[0].Verdict == Moot {
			continue // a record says what was decided
		}
		name, ok := there[g[0].Decision]
		if !ok {
			name = fmt.Sprintf("%04d-%s.md", next, g[0].Decision)
			next++
		}
		file := filepath.Join(dir, name)
		old, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return changed, err
		}
		b := record(g, old)
		if bytes.Equal(old, b) {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return changed, err
		}
		if err := os.WriteFile(file, b, 0o644); err != nil {
			return changed, err
		}
		changed = append(changed, file)
	}
	return changed, nil
}

// Mark ends what is written anew; below it people write.
const Mark = "<!-- ashlar: what is above this line is computed; what is below stays -->"

var recordName = regexp.MustCompile(`^\d{4,}-([a-z-]+)\.md$`)

// existing are the records of a folder by their decision, the first of several.
func existing(dir string) (map[string]string, error) {
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if m := recordName.FindStringSubmatch(e.Name()); m != nil && out[m[1]] == "" {
			out[m[1]] = e.Name()
		}
	}
	return out, nil
}

// record writes the answers of one decision over an older record.
func record(g []Answer, old []byte) []byte {
	var b bytes.Buffer
	a := &g[0]
	fmt.Fprintf(&b, "---\nstatus: proposed\ndecision: %s\n---\n\n# %s\n\n", a.Decision, a.Question)
	for i := range g {
		one(&b, &g[i], len(g) > 1)
	}
	fmt.Fprintf(&b, "## More\n\n%s\n\n", a.Source)
	b.WriteString(Mark + "\n")
	if _, rest, ok := bytes.Cut(old, []byte(Mark+"\n")); ok {
		b.Write(rest)
	}
	return keepStatus(b.Bytes(), old)
}

var statusLine = regexp.MustCompile(`(?m)^status: .*$`)

// keepStatus keeps "status: accepted" that people set.
func keepStatus(b, old []byte) []byte {
	if s := statusLine.Find(old); s != nil {
		done := false
		return statusLine.ReplaceAllFunc(b, func(x []byte) []byte {
			if done {
				return x
			}
			done = true
			return s
		})
	}
	return b
}

func one(b *bytes.Buffer, a *Answer, named bool) {
	h := "##"
	if named {
		fmt.Fprintf(b, "## %s\n\n", a.Subject)
		h = "###"
	}
	fmt.Fprintf(b, "%s Outcome\n\n**%s%s.** %s, confidence %.0f %%: %s.\n\n", h, strings.ToUpper(a.What[:1]), a.What[1:], strings.ToLower(mark(a.Verdict)), 100*a.Confidence, a.Sure)
	for _, r := range a.Because {
		fmt.Fprintf(b, "- %s\n", r)
	}
	fmt.Fprintf(b, "\n%s Context\n\n", h)
	b.WriteString("| factor | known | unknown | choice against the next best |\n|---|---|---|---|\n")
	for _, f := range a.Factors {
		var known, open []string
		for _, m := range f.Measures {
			if m.Value == nil {
				open = append(open, m.Key)
			} else {
				known = append(known, m.Text)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.About, cell(known), cell(open), f.Says)
	}
	fmt.Fprintf(b, "\n%s Options, in days of work a year\n\n", h)
	for i := range a.Alternatives {
		s := &a.Alternatives[i]
		switch {
		case s.Vetoed != "":
			fmt.Fprintf(b, "- %s: out, %s\n", s.What, s.Vetoed)
			continue
		case s.Here:
			fmt.Fprintf(b, "- %s (there now): %s\n", s.What, s.total())
		default:
			fmt.Fprintf(b, "- %s: %s\n", s.What, s.total())
		}
		for _, l := range s.Lines {
			fmt.Fprintf(b, "  - %s: %s = %s (%s)\n", days(l.Days), l.What, l.Formula, l.Factor)
		}
	}
	if text := a.priced(); text != "" {
		fmt.Fprintf(b, "\nPrices: %s.\n", text)
	}
	if len(a.Flips) > 0 {
		fmt.Fprintf(b, "\n%s What would change it\n\n", h)
		for _, f := range a.Flips[:min(4, len(a.Flips))] {
			fmt.Fprintf(b, "- %s\n", f)
		}
	}
	if a.Test != "" {
		fmt.Fprintf(b, "\n%s Confirmation\n\n- test: %s\n- observe: %s\n- maintain: %s\n- who: %s\n", h, a.Test, a.Observe, a.Maintain, a.Who)
	}
	b.WriteByte('\n')
}

func cell(all []string) string {
	if len(all) == 0 {
		return ""
	}
	all = slices.Clone(all)
	return strings.ReplaceAll(strings.Join(all, ", "), "|", `\|`)
}
