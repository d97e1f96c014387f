package treesource_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover"
)

// TestEvalByHand compares what is read of public repositories with what a person
// counted in them: endpoints, clients and accesses of tables, a repository a
// language. ASHLAR_SYSTEMS names the folder with the trees; a missing one is
// listed. What stands twice in the list has to be found twice.
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
		b, err := os.ReadFile(l)
		if err != nil {
			t.Fatal(err)
		}
		tree, want := "", map[string][]string{}
		for line := range strings.Lines(string(b)) {
			kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch kind {
			case "tree":
				tree = rest
			case "entry", "client", "access":
				want[kind] = append(want[kind], rest)
			}
		}
		lang := strings.TrimSuffix(filepath.Base(l), ".txt")
		dir := filepath.Join(os.Getenv("ASHLAR_SYSTEMS"), tree)
		if _, err := os.Stat(dir); err != nil || os.Getenv("ASHLAR_SYSTEMS") == "" {
			t.Logf("%-12s its tree %s is missing (ASHLAR_SYSTEMS)", lang, tree)
			continue
		}
		got := counted(run(t, dir, nil))
		for _, kind := range []string{"entry", "client", "access"} {
			hit := 0
			left := slices.Clone(want[kind])
			var extra []string
			for _, g := range got[kind] {
				if i := slices.Index(left, g); i >= 0 {
					left = slices.Delete(left, i, i+1)
					hit++
				} else {
					extra = append(extra, g)
				}
			}
			t.Logf("%-12s %-9s %5d %5.2f %5.2f  %s", lang, kind, len(want[kind]), share(hit, len(got[kind])), share(hit, len(want[kind])), tree)
			for _, m := range left {
				t.Logf("    missing %s", m)
			}
			for _, m := range extra {
				t.Logf("    extra   %s", m)
			}
		}
	}
}

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func counted(r *discover.Result) map[string][]string {
	out := map[string][]string{}
	for _, e := range r.Code.Entries {
		if e.Kind != "main" {
			out["entry"] = append(out["entry"], e.Trigger)
		}
	}
	for _, c := range r.Code.Clients {
		out["client"] = append(out["client"], strings.TrimSpace(fmt.Sprintf("%s:%d %s %s", filepath.Base(c.Pos.File), c.Pos.Line, c.Target, c.Verb)))
	}
	for _, a := range r.Code.Access {
		m := r.Code.Methods[a.Method]
		out["access"] = append(out["access"], fmt.Sprintf("%s %s %s %s", a.Mode, a.Table.Member(), r.Code.Types[m.Type].Name, m.Name))
	}
	return out
}
