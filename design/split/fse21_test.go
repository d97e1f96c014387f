package split_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/metrics"
)

// row is BCP, ICP, SM, IFN, NED of a published tool's partition.
type row struct {
	tool string
	v    [5]float64
}

// Published in the sheet of the ESEC/FSE 2021 paper.
var published = map[string][]row{
	"jpetstore": {
		{"Mono2Micro", [5]float64{1.625, .333, .054, 1.857, .257}}, {"FoSCI", [5]float64{2.181, .478, .044, 3.75, .516}},
		{"CoGCN", [5]float64{1.905, .582, .091, 2.533, .392}}, {"MEM", [5]float64{2.496, .434, .124, 3.429, 1}},
	},
	"acmeair": {
		{"Mono2Micro", [5]float64{.953, .527, .072, 3.375, .429}}, {"FoSCI", [5]float64{1.539, .706, .095, 4.375, .407}},
		{"CoGCN", [5]float64{1.221, .444, .038, 2.846, .25}}, {"Bunch", [5]float64{1.545, .55, .177, 3.875, .692}},
		{"MEM", [5]float64{1.827, .589, .097, 4.333, .464}},
	},
}

// notBeaten are the rows beside which the recommended cut is more than a quarter
// worse in one figure, or better in fewer than three. They are kept here so that a
// change for better or worse is seen.
var notBeaten = map[string][]string{
	"jpetstore": {"MEM"}, // its SM of .124 comes with no context of 5 to 20 classes (NED 1)
	"acmeair":   {"Mono2Micro", "Bunch"},
}

// offered are rows that one of the other cuts that the tool prints beats, all but
// the last with the same cut: the number of its contexts. The recommended cut has
// fewer, since a service more costs more than these five figures know. The grains are
// the default ones, as for any other code.
//
// No cut of AcmeAir beats Bunch's row: its SM of .177 is that of small clusters
// around each interface. Annealing on the five figures themselves gets there only
// with contexts of a single class and all implementations apart from their interfaces
// (three to eight contexts tried, 120,000 moves each), which is worth proposing to
// nobody.
var offered = map[string]struct {
	contexts int
	beats    []string
}{
	"jpetstore": {5, []string{"Mono2Micro", "FoSCI", "CoGCN", "MEM"}},
	"acmeair":   {5, []string{"Mono2Micro", "FoSCI", "CoGCN", "MEM"}},
}

func TestBesidePublishedTools(t *testing.T) {
	t.Parallel()
	for app, rows := range published {
		g, cases := fse21(t, app)
		r := run(t, g, &split.Options{UseCases: cases})
		for i := range r.Candidates {
			c := &r.Candidates[i]
			beaten := beats(t, app, c, rows)
			if i == 0 {
				for _, p := range rows {
					if slices.Contains(beaten, p.tool) == slices.Contains(notBeaten[app], p.tool) {
						t.Errorf("%s, %d contexts, recommended: beats %v; notBeaten says otherwise of %s", app, len(c.Contexts), beaten, p.tool)
					}
				}
				if c.Scores.Largest > .4 {
					t.Errorf("%s: the largest context has %.0f %% of the classes", app, 100*c.Scores.Largest)
				}
			}
			if o := offered[app]; len(c.Contexts) == o.contexts && (!slices.Equal(beaten, o.beats) || c.Scores.Largest > .4) {
				t.Errorf("%s, %d contexts, the largest with %.0f %%: beats %v, want %v", app, len(c.Contexts), 100*c.Scores.Largest, beaten, o.beats)
			}
		}
		if !slices.ContainsFunc(r.Candidates, func(c split.Candidate) bool { return len(c.Contexts) == offered[app].contexts }) {
			t.Errorf("%s: no cut into %d contexts is offered", app, offered[app].contexts)
		}
	}
}

// beats lists the tools whose row a cut beats: at least three figures better, the
// others at most a quarter worse.
func beats(t *testing.T, app string, c *split.Candidate, rows []row) (tools []string) {
	m := c.Scores.FSE21
	t.Logf("%s: %d contexts, BCP %.3f ICP %.3f SM %.3f IFN %.3f NED %.3f, largest %.2f, grain %.2f, stability %.2f", app, len(c.Contexts), m.BCP, m.ICP, m.SM, m.IFN, m.NED, c.Scores.Largest, c.Grain, c.Stability)
	for _, x := range c.Contexts {
		var names []string
		for _, a := range x.Members {
			names = append(names, a.Name)
		}
		t.Logf("  %-12s %s", x.Name, strings.Join(names, " "))
	}
	for _, p := range rows {
		better, worst := beside(m, p.v)
		t.Logf("  %-10s better in %d, at worst %.2f times its figure", p.tool, better, worst)
		if better >= 3 && worst <= 1.25 {
			tools = append(tools, p.tool)
		}
	}
	return tools
}

// beside counts in how many metrics m is better, and how many times worse it is at
// worst (1: no worse).
func beside(m metrics.FSE21, v [5]float64) (better int, worst float64) {
	worst = 1
	for i, x := range [5]float64{m.BCP, m.ICP, m.SM, m.IFN, m.NED} {
		ratio := x / v[i]
		if i == 2 { // higher is better
			if ratio = 99; x > 0 {
				ratio = v[i] / x
			}
		}
		if ratio < 1 {
			better++
		}
		worst = max(worst, ratio)
	}
	return better, worst
}

// fse21 reads the run-time calls and use cases of an application as code.
func fse21(t testing.TB, app string) (*code.Graph, map[string][]code.TypeID) {
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set: the FSE'21 data was not read")
	}
	var contexts map[string][]string
	var volume map[string]int64
	var classes map[string]int
	for file, into := range map[string]any{"bcs_per_class.json": &contexts, "runtime_call_volume.json": &volume, "louvain.json": &classes} {
		b, err := os.ReadFile(filepath.Join(dir, "fse21", app, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(file, err)
		}
	}
	g := &code.Graph{Types: map[code.TypeID]code.Type{}, Methods: map[code.MethodID]code.Method{}}
	for c := range classes {
		g.Types[code.TypeID(c)] = code.Type{ID: code.TypeID(c), Name: c, Kind: code.KindClass}
		g.Methods[code.MethodID(c+"#")] = code.Method{ID: code.MethodID(c + "#"), Type: code.TypeID(c)}
	}
	for k, n := range volume {
		from, to, _ := strings.Cut(k, "--")
		g.Calls = append(g.Calls, code.Call{From: code.MethodID(from + "#"), To: code.MethodID(to + "#"), Count: n})
	}
	g.Sort()
	cases := map[string][]code.TypeID{}
	for c, us := range contexts {
		if _, ok := classes[c]; !ok {
			continue
		}
		for _, u := range us {
			cases[u] = append(cases[u], code.TypeID(c))
		}
	}
	return g, cases
}
