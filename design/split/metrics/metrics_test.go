package metrics_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/split/metrics"
)

// a -> b (2 calls) and c -> d (1) inside, b -> c (3) across, d -> d on itself;
// parts {a b} {c d}.
var (
	calls    = metrics.Calls{{"a", "b"}: 2, {"c", "d"}: 1, {"b", "c"}: 3, {"d", "d"}: 5, {"Root", "a"}: 9}
	parts    = metrics.Partition{"a": 0, "b": 0, "c": 1, "d": 1}
	contexts = map[string][]string{"a": {"buy", "look"}, "b": {"buy"}, "c": {"pay"}}
)

func TestFSE21ByHand(t *testing.T) {
	t.Parallel()
	m := metrics.ComputeFSE21(parts, calls, contexts)
	l2, l3 := math.Log(2), math.Log(3)
	near(t, "BCP", m.BCP, (l2+l2)/2) // {buy look} {pay Unknown}
	near(t, "ICP", m.ICP, (l3+1)/((l2+1)+(0+1)+(l3+1)))
	near(t, "SM", m.SM, (1./4+1./4)/2-2./2*(1./4)) // d's self call: last of its part, not counted
	near(t, "IFN", m.IFN, 1./2)
	near(t, "NED", m.NED, 1)
	near(t, "MQ", m.MQ, 2./3+1)
}

func TestCARGOByHand(t *testing.T) {
	t.Parallel()
	tx := []metrics.Transactional{{"a", "t1"}, {"c", "t1"}, {"a", "t1"}, {"b", "t2"}, {"a", "t2"}, {"x", "t3"}}
	inner := metrics.Calls{{"a", "b"}: 2, {"c", "d"}: 1, {"b", "c"}: 3, {"x", "a"}: 4}
	m := metrics.ComputeCARGO(parts, inner, contexts, tx)
	near(t, "Coupling", m.Coupling, 7./10) // x -> a has one end outside
	near(t, "Cohesion", m.Cohesion, (4./(4+7)+2./(2+3))/2)
	near(t, "ICP", m.ICP, 3./6)
	near(t, "BCP", m.BCP, (-(2./3*math.Log(2./3)+1./3*math.Log(1./3))+0)/2)
	near(t, "Purity", m.Purity, ((1-math.Log(2))+1+1)/3)
}

func TestMoJoFMByHand(t *testing.T) {
	t.Parallel()
	expert := metrics.Partition{"a": 0, "b": 0, "c": 0, "d": 1, "e": 1, "f": 1}
	for name, tc := range map[string]struct {
		p    metrics.Partition
		want float64
	}{
		"equal":    {expert, 100},
		"one move": {metrics.Partition{"a": 0, "b": 0, "c": 1, "d": 1, "e": 1, "f": 1}, 75},
		"one join": {metrics.Partition{"a": 0, "b": 0, "c": 2, "d": 1, "e": 1, "f": 1}, 75},
		"worst":    {metrics.Partition{"a": 0, "b": 1, "c": 2, "d": 0, "e": 1, "f": 2}, 0},
	} {
		if got := metrics.MoJoFM(tc.p, expert); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// The published partitions' figures, to the last digit given.
func TestFSE21OnPublishedData(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is not set: the FSE'21 data was not read")
	}
	for app, want := range map[string]metrics.FSE21{
		"jpetstore": {ICP: .284, SM: .115, IFN: 1.80, NED: .243, BCP: 1.793},
		"acmeair":   {ICP: .359, SM: .117, IFN: 3.14, NED: .429, BCP: 1.566},
	} {
		var p metrics.Partition
		var cs map[string][]string
		var volume map[string]float64
		for file, into := range map[string]any{"louvain.json": &p, "bcs_per_class.json": &cs, "runtime_call_volume.json": &volume} {
			b, err := os.ReadFile(filepath.Join(dir, "fse21", app, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatal(err)
			}
		}
		calls := metrics.Calls{}
		for k, v := range volume {
			from, to, _ := strings.Cut(k, "--")
			calls[[2]string{from, to}] = v
		}
		m := metrics.ComputeFSE21(p, calls, cs)
		t.Logf("%s: %+v", app, m)
		for name, x := range map[string][3]float64{"ICP": {m.ICP, want.ICP, .0005}, "SM": {m.SM, want.SM, .0005}, "IFN": {m.IFN, want.IFN, .005}, "NED": {m.NED, want.NED, .0005}, "BCP": {m.BCP, want.BCP, .0005}} {
			if math.Abs(x[0]-x[1]) > x[2]+1e-9 {
				t.Errorf("%s %s = %.4f, want %v", app, name, x[0], x[1])
			}
		}
	}
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s = %v, want %v", name, got, want)
	}
}
