package rules_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// The fault of every rule says the same under other names of the services: their
// names are exchanged in all files of the bad example, and back in what is found.
func TestEveryRuleUnderOtherNames(t *testing.T) {
	t.Parallel()
	renamed := 0
	for _, r := range rules.All() {
		ar, err := txtar.ParseFile(filepath.Join("testdata", strings.ReplaceAll(r.ID, "/", "-")+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		bad, _, before, _ := split(ar)
		names := servicesOf(t, bad)
		if len(names) == 0 {
			continue
		}
		renamed++
		there, back := exchange(names)
		want := lines(check(t, r, bad, before), nil)
		got := lines(check(t, r, rename(t, bad, there, names), rename(t, before, there, names)), back)
		if !slices.Equal(want, got) {
			t.Errorf("%s, without %v:\n%s\nunder other names:\n%s", r.ID, names, strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
	if all := len(rules.All()); renamed < all/2 {
		t.Errorf("only %d of %d examples have services to rename", renamed, all)
	}
}

// servicesOf are the names of the services that make up a system's own work: what
// is infrastructure is known by its name.
func servicesOf(t *testing.T, ins []*discover.Input) []string {
	t.Helper()
	res, _ := found(t, ins)
	var names []string
	for _, n := range arch.Sorted(res.System.Services) {
		if s := res.System.Services[n]; s.Role == "" && plain.MatchString(n) {
			names = append(names, n)
		}
	}
	return names
}

var plain = regexp.MustCompile(`^[a-z][a-z-]{2,}$`)

// exchange gives each name another one; their order in the alphabet stays, since
// findings list what they name in that order: the first letter is the same.
func exchange(names []string) (there, back *strings.Replacer) {
	var to, from []string
	for i, n := range names {
		other := fmt.Sprintf("%czork%c%c", n[0], 'a'+i/26, 'a'+i%26)
		upper := func(w string) string { return strings.ToUpper(w[:1]) + w[1:] }
		from = append(from, other, n, upper(other), upper(n), strings.ToUpper(other), strings.ToUpper(n))
		to = append(to, n, other)
	}
	return strings.NewReplacer(to...), strings.NewReplacer(from...)
}

// rename exchanges names in files and in their paths: as whole words, and, those of
// one word, where a contract, a class or a variable is named after them: Order,
// OrdersApi, ORDER_URL.
func rename(t *testing.T, ins []*discover.Input, there *strings.Replacer, names []string) []*discover.Input {
	t.Helper()
	word, part := regexp.MustCompile(`[a-z]+(-[a-z]+)*`), regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]{2,}`)
	swap := func(s string) string {
		s = word.ReplaceAllStringFunc(s, func(w string) string {
			if slices.Contains(names, w) {
				return there.Replace(w)
			}
			return w
		})
		return part.ReplaceAllStringFunc(s, func(w string) string {
			stem, many := strings.CutSuffix(strings.ToLower(w), "s")
			if !slices.Contains(names, stem) || !many && w == stem {
				return w
			}
			x := there.Replace(stem)
			switch {
			case len(w) > 1 && w == strings.ToUpper(w):
				return strings.ToUpper(x)
			case w[0] < 'a':
				x = strings.ToUpper(x[:1]) + x[1:]
			}
			if many {
				x += "s"
			}
			return x
		})
	}
	var out []*discover.Input
	for _, in := range ins {
		b, err := in.Bytes(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, discover.NewInput(swap(in.Path), []byte(swap(string(b)))))
	}
	return out
}

// lines are the findings in the alphabet's order, with their first names.
func lines(findings string, back *strings.Replacer) []string {
	if back != nil {
		findings = back.Replace(findings)
	}
	out := strings.Split(strings.TrimSpace(findings), "\n")
	slices.Sort(out)
	return out
}

// Each rule's fault, put into a system that is clean but for what the good example
// has, brings findings of that rule, and nothing is left of it when it is taken out
// again.
func TestEveryRulesFaultComesAndGoes(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		ar, err := txtar.ParseFile(filepath.Join("testdata", strings.ReplaceAll(r.ID, "/", "-")+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		bad, good, before, _ := split(ar)
		dir := t.TempDir()
		judge := func(ins []*discover.Input) map[string]bool {
			res, paths := foundIn(t, dir, ins)
			c := &review.Case{System: res.System, Documents: res.Documents, Code: res.Code, Paths: paths}
			if len(before) > 0 {
				old, was := found(t, before)
				c.Before = &review.Before{Name: "main", Paths: was, System: old.System, Documents: old.Documents}
			}
			keys := map[string]bool{}
			for _, f := range review.Run(c, []review.Rule{r}).Findings {
				keys[f.Key] = true
			}
			return keys
		}
		if k := judge(good); len(k) > 0 {
			t.Errorf("%s: before the fault: %v", r.ID, arch.Sorted(k))
		}
		if k := judge(bad); len(k) == 0 {
			t.Errorf("%s: the fault brings nothing", r.ID)
		}
		if k := judge(good); len(k) > 0 {
			t.Errorf("%s: after the fault is gone: %v", r.ID, arch.Sorted(k))
		}
	}
}
