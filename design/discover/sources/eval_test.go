package sources_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// TestEvalMicroSecEnD compares what discovery finds in the source trees of the
// microSecEnD systems with their hand-made dataflow diagrams. ASHLAR_SYSTEMS names
// the folder with one tree a system (owner_repository); those that are missing
// are listed. Flows are compared without their direction, which the diagrams draw
// as data flows and not as calls.
func TestEvalMicroSecEnD(t *testing.T) {
	labels, systems := os.Getenv("ASHLAR_CORPUS"), os.Getenv("ASHLAR_SYSTEMS")
	if os.Getenv("ASHLAR_EVAL") == "" || labels == "" {
		t.Skip("make eval runs this")
	}
	files, err := filepath.Glob(filepath.Join(labels, "microsecend", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%-52s %-22s %-22s %s", "system", "services P R F1", "flows P R F1", "flows without source code P R F1")
	var allS, allF, allC score
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		if strings.HasSuffix(name, "_traceability") || strings.HasSuffix(name, "_rules_model_items") {
			continue
		}
		dir := filepath.Join(systems, name)
		if _, err := os.Stat(dir); systems == "" || err != nil {
			t.Logf("%-52s its source tree is missing (ASHLAR_SYSTEMS)", name)
			continue
		}
		wantS, wantF := labelled(t, f)
		gotS, gotF := found(t, everything(t), dir, wantS)
		_, gotC := found(t, slices.DeleteFunc(everything(t), readsCode), dir, wantS)
		s, fl, cf := compare(gotS, wantS), compare(gotF, wantF), compare(gotC, wantF)
		allS, allF, allC = allS.plus(s), allF.plus(fl), allC.plus(cf)
		t.Logf("%-52s %.2f %.2f %.2f         %.2f %.2f %.2f         %.2f %.2f %.2f", name, s.p(), s.r(), s.f1(), fl.p(), fl.r(), fl.f1(), cf.p(), cf.r(), cf.f1())
		t.Logf("    missing %v, extra %v", s.missing, s.extra)
		t.Logf("    flows missing %v", fl.missing)
		t.Logf("    flows extra %v", fl.extra)
	}
	t.Logf("%-52s %.2f %.2f %.2f         %.2f %.2f %.2f         %.2f %.2f %.2f", "all", allS.p(), allS.r(), allS.f1(), allF.p(), allF.r(), allF.f1(), allC.p(), allC.r(), allC.f1())
}

// readsCode: what is left without it are settings, manifests and contracts.
func readsCode(s discover.Source) bool {
	return slices.Contains([]string{"treesource", "gosource", "marks", "migrations"}, s.Name())
}

func labelled(t *testing.T, file string) (services, flows map[string]bool) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Services []struct{ Name string }
		Flows    []struct{ Sender, Receiver string } `json:"information_flows"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	services, flows = map[string]bool{}, map[string]bool{}
	for _, s := range d.Services {
		services[form(s.Name)] = true
	}
	for _, f := range d.Flows {
		if services[form(f.Sender)] && services[form(f.Receiver)] { // users and systems outside are no services
			flows[pair(f.Sender, f.Receiver)] = true
		}
	}
	return services, flows
}

func found(t *testing.T, by []discover.Source, dir string, want map[string]bool) (services, flows map[string]bool) {
	t.Helper()
	r, err := discover.Run(t.Context(), by, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	services, flows = map[string]bool{}, map[string]bool{}
	called := map[string]string{} // a service may be drawn under any of its names
	for n, svc := range r.System.Services {
		called[form(n)] = form(n)
		for _, a := range append(slices.Clone(svc.Aliases), n) {
			if want[form(a)] {
				called[form(n)] = form(a)
			}
		}
		services[called[form(n)]] = true
	}
	name := func(s string) string {
		if c, ok := called[form(s)]; ok {
			return c
		}
		return form(s)
	}
	for n := range r.System.Stores {
		services[form(n)] = true
	}
	for _, e := range r.System.Edges() {
		from, to := e.From.Parent(), e.Call.To.Parent()
		if (to.Kind() == arch.KindService || to.Kind() == arch.KindStore) && r.System.Has(to) {
			flows[pair(name(from.Name()), name(to.Name()))] = true
		}
	}
	return services, flows
}

func form(s string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(s))
}

func pair(a, b string) string {
	p := []string{form(a), form(b)}
	slices.Sort(p)
	return p[0] + "~" + p[1]
}

type score struct {
	hit, got, want int
	missing, extra []string
}

func compare(got, want map[string]bool) score {
	s := score{got: len(got), want: len(want)}
	for w := range want {
		if got[w] {
			s.hit++
		} else {
			s.missing = append(s.missing, w)
		}
	}
	for g := range got {
		if !want[g] {
			s.extra = append(s.extra, g)
		}
	}
	slices.Sort(s.missing)
	slices.Sort(s.extra)
	return s
}

func (s score) plus(o score) score {
	return score{hit: s.hit + o.hit, got: s.got + o.got, want: s.want + o.want}
}
func (s score) p() float64  { return float64(s.hit) / float64(max(1, s.got)) }
func (s score) r() float64  { return float64(s.hit) / float64(max(1, s.want)) }
func (s score) f1() float64 { return 2 * s.p() * s.r() / max(1e-9, s.p()+s.r()) }
