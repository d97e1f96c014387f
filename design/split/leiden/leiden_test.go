package leiden_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/design/split/leiden"
)

// The friendships in a karate club: W. Zachary, Journal of Anthropological
// Research 33, 1977. The best modularity known is 0.4198.
var karate = [][2]int{{2, 1}, {3, 1}, {3, 2}, {4, 1}, {4, 2}, {4, 3}, {5, 1}, {6, 1}, {7, 1}, {7, 5}, {7, 6}, {8, 1}, {8, 2}, {8, 3}, {8, 4}, {9, 1}, {9, 3}, {10, 3}, {11, 1}, {11, 5}, {11, 6}, {12, 1}, {13, 1}, {13, 4}, {14, 1}, {14, 2}, {14, 3}, {14, 4}, {17, 6}, {17, 7}, {18, 1}, {18, 2}, {20, 1}, {20, 2}, {22, 1}, {22, 2}, {26, 24}, {26, 25}, {28, 3}, {28, 24}, {28, 25}, {29, 3}, {30, 24}, {30, 27}, {31, 2}, {31, 9}, {32, 1}, {32, 25}, {32, 26}, {32, 29}, {33, 3}, {33, 9}, {33, 15}, {33, 16}, {33, 19}, {33, 21}, {33, 23}, {33, 24}, {33, 30}, {33, 31}, {33, 32}, {34, 9}, {34, 10}, {34, 14}, {34, 15}, {34, 16}, {34, 19}, {34, 20}, {34, 21}, {34, 23}, {34, 24}, {34, 27}, {34, 28}, {34, 29}, {34, 30}, {34, 31}, {34, 32}, {34, 33}}

func club() []leiden.Edge {
	var es []leiden.Edge
	for _, e := range karate {
		es = append(es, leiden.Edge{A: e[0] - 1, B: e[1] - 1, Weight: 1})
	}
	return es
}

func TestKarateClub(t *testing.T) {
	t.Parallel()
	worst := 1.
	for seed := range uint64(50) {
		m := leiden.Find(34, club(), &leiden.Options{Seed: seed})
		worst = min(worst, leiden.Modularity(34, club(), m, 1))
	}
	if worst < .415 {
		t.Errorf("the worst of 50 seeds has modularity %.4f; 0.4198 is known", worst)
	}
}

func TestSameSeedSameResult(t *testing.T) {
	t.Parallel()
	es := planted(rand.New(rand.NewPCG(1, 1)), 400, 8)
	a := leiden.Find(400, es, &leiden.Options{Seed: 7})
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
	if b := leiden.Find(400, es, &leiden.Options{Seed: 7}); !slices.Equal(a, b) {
		t.Error("the order of edges shows in the result")
	}
}

func TestFindsWhatWasPlanted(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		m := leiden.Find(400, planted(rand.New(rand.NewPCG(seed, 3)), 400, 8), &leiden.Options{Seed: seed})
		wrong := 0
		for i := range 400 {
			for j := range i {
				if (m[i] == m[j]) != (i%8 == j%8) {
					wrong++
				}
			}
		}
		if wrong > 0 {
			t.Errorf("seed %d: %d pairs are wrong", seed, wrong)
		}
	}
}

// No community falls apart: the promise that Louvain does not keep.
func TestCommunitiesAreConnected(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 4))
		n := 20 + r.IntN(120)
		var es []leiden.Edge
		for range n * (1 + r.IntN(3)) {
			es = append(es, leiden.Edge{A: r.IntN(n), B: r.IntN(n), Weight: float64(1 + r.IntN(9))})
		}
		m := leiden.Find(n, es, &leiden.Options{Seed: seed, Resolution: .3 + r.Float64()*2})
		for c := range slices.Max(m) + 1 {
			if !connected(n, es, m, c) {
				t.Fatalf("seed %d: community %d falls apart", seed, c)
			}
		}
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	fixed := make([]int, 34)
	for i := range fixed {
		fixed[i] = -1
	}
	fixed[0], fixed[33] = 5, 5 // the two who fell out
	m := leiden.Find(34, club(), &leiden.Options{Fixed: fixed})
	if m[0] != m[33] {
		t.Error("what is pinned together is apart")
	}
}

func TestGrainAndEdgesOfTheWorld(t *testing.T) {
	t.Parallel()
	few := slices.Max(leiden.Find(34, club(), &leiden.Options{Resolution: .3})) + 1
	many := slices.Max(leiden.Find(34, club(), &leiden.Options{Resolution: 3})) + 1
	if few >= many {
		t.Errorf("%d communities at .3, %d at 3", few, many)
	}
	if m := leiden.Find(3, nil, nil); !slices.Equal(m, []int{0, 1, 2}) {
		t.Errorf("without edges: %v", m)
	}
	if m := leiden.Find(0, nil, nil); len(m) != 0 {
		t.Errorf("without nodes: %v", m)
	}
}

func TestTenThousandNodes(t *testing.T) {
	es := planted(rand.New(rand.NewPCG(5, 5)), 10_000, 40)
	start := time.Now()
	m := leiden.Find(10_000, es, nil)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%d edges took %s", len(es), d)
	}
	if k := slices.Max(m) + 1; k != 40 {
		t.Errorf("%d communities, 40 were planted", k)
	}
}

// planted is a graph of k groups, i%k, with many edges inside and few between.
func planted(r *rand.Rand, n, k int) []leiden.Edge {
	var es []leiden.Edge
	for i := range n {
		for range 12 {
			es = append(es, leiden.Edge{A: i, B: (i + k*r.IntN(n/k)) % n, Weight: 1})
		}
		es = append(es, leiden.Edge{A: i, B: r.IntN(n), Weight: 1})
	}
	return es
}

func connected(n int, es []leiden.Edge, m []int, c int) bool {
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if parent[i] != i {
			parent[i] = find(parent[i])
		}
		return parent[i]
	}
	for _, e := range es {
		if m[e.A] == c && m[e.B] == c {
			parent[find(e.A)] = find(e.B)
		}
	}
	root := -1
	for i := range n {
		if m[i] == c {
			if root >= 0 && find(i) != root {
				return false
			}
			root = find(i)
		}
	}
	return true
}
