package layout_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/internal/sample"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

func graphs() map[string]view.Graph {
	shop, rail := sample.Shop(), sample.Railway()
	badges := &view.Options{Findings: []view.Finding{{From: "service/booking", To: "service/order", Badge: view.Badge{Severity: view.High}}}, Labels: view.AllLabels}
	return map[string]view.Graph{
		"empty": {}, "shop": view.Services(shop, nil), "bookshop": view.Services(sample.Bookshop(), nil),
		"bare finding": view.Services(sample.Bookshop(), &view.Options{Labels: view.NoLabels, Findings: []view.Finding{{From: "service/checkout", To: "service/mail", Badge: view.Badge{Severity: view.High}}}}),
		"railway":      view.Services(rail, nil), "railway with labels": view.Services(rail, badges), "railway by hand": view.Services(rail, &view.Options{Group: view.NoGroups}),
		"contexts": view.Contexts(rail, nil), "data": view.DataOwnership(shop, nil), "events": view.Events(shop, nil), "deployment": view.Deployment(shop, nil),
		"diff": view.Diff(shop, sample.Bookshop(), nil), "sequence": view.Sequence(shop, "journey/buy"),
	}
}

func place(t *testing.T, g view.Graph, o *layout.Options) layout.Placed {
	t.Helper()
	p, err := layout.Place(g, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for name, g := range graphs() {
		directions := []string{"", "right", "down"}
		if len(g.Nodes) > 50 { // these take a second each under the race detector
			directions = directions[:1]
		}
		for _, direction := range directions {
			t.Run(name+" "+direction, func(t *testing.T) {
				t.Parallel()
				check(t, place(t, g, &layout.Options{Direction: direction}))
			})
		}
		if name != "shop" && name != "deployment" && name != "railway" {
			continue
		}
		t.Run(name+" with areas", func(t *testing.T) {
			t.Parallel()
			check(t, place(t, g, &layout.Options{KeepGroups: true}))
		})
	}
}

// check holds a picture to what every picture must keep.
func check(t *testing.T, p layout.Placed) {
	t.Helper()
	for i, a := range p.NodeBoxes {
		if a.X < -.5 || a.Y < -.5 || a.X+a.W > p.Width+.5 || a.Y+a.H > p.Height+.5 {
			t.Errorf("%s lies outside: %+v of %.0f x %.0f", p.Nodes[i].Ref, a.Rect, p.Width, p.Height)
		}
		for j, b := range p.NodeBoxes[:i] {
			if !a.Row && !b.Row && overlap(a.Rect, b.Rect) {
				t.Errorf("%s and %s overlap: %+v %+v", p.Nodes[i].Ref, p.Nodes[j].Ref, a.Rect, b.Rect)
			}
		}
		fits(t, p, i)
	}
	if p.Kind == view.KindSequence {
		sequenceKeeps(t, p)
		return
	}
	for i, e := range p.Edges {
		ends(t, p, i, e)
	}
	honest(t, p)
}

// fits: no text is wider than what it is written in.
func fits(t *testing.T, p layout.Placed, i int) {
	t.Helper()
	b := p.NodeBoxes[i]
	if b.Row {
		used := layout.SmallFont.Width(b.Lines[0]) + layout.SmallFont.Width(b.Detail) + 28 + 9
		if used > b.W+.5 {
			t.Errorf("the row %s needs %.0f of %.0f pixels", p.Nodes[i].Ref, used, b.W)
		}
		return
	}
	for _, l := range b.Lines {
		if layout.LabelFont.Width(l) > b.W-10 {
			t.Errorf("%q is wider than its node", l)
		}
	}
	if layout.DetailFont.Width(b.Detail) > b.W-10 {
		t.Errorf("%q is wider than its node", b.Detail)
	}
}

// ends: an edge begins and ends on the border of its nodes, unless it is not
// drawn for a reason that the graph gives.
func ends(t *testing.T, p layout.Placed, i int, e view.Edge) {
	t.Helper()
	pts := p.Routes[i].Points
	from, to := outer(p, e.From), outer(p, e.To)
	if len(pts) == 0 {
		if !e.Stub && from != to {
			t.Errorf("%s is not drawn", e.ID())
		}
		return
	}
	if !onBorder(p.NodeBoxes[from].Rect, pts[0]) || !onBorder(p.NodeBoxes[to].Rect, pts[len(pts)-1]) {
		t.Errorf("%s runs from %v to %v, not between %+v and %+v", e.ID(), pts[0], pts[len(pts)-1], p.NodeBoxes[from].Rect, p.NodeBoxes[to].Rect)
	}
	if r := p.Routes[i].Label; e.Label != "" || len(e.Badges) > 0 {
		onLine := false
		for k := 1; k < len(pts); k++ {
			onLine = onLine || overlap(r, span(pts[k-1], pts[k]))
		}
		if !onLine {
			t.Errorf("the label of %s lies at %+v, off its line %v", e.ID(), r, pts)
		}
	}
	for k := 1; k < len(pts); k++ {
		for n, b := range p.NodeBoxes {
			if n != from && n != to && !b.Row && overlap(shrink(b.Rect), span(pts[k-1], pts[k])) {
				t.Errorf("%s runs through %s", e.ID(), p.Nodes[n].Ref)
			}
		}
	}
}

// honest: where two edges share a piece, they share an end. Else lines would
// show a connection that is not there.
func honest(t *testing.T, p layout.Placed) {
	t.Helper()
	for i, a := range p.Edges {
		for j, b := range p.Edges[:i] {
			if a.From == b.From || a.To == b.To {
				continue
			}
			if outer(p, a.From) == outer(p, b.From) || outer(p, a.To) == outer(p, b.To) {
				continue
			}
			if share(p.Routes[i].Points, p.Routes[j].Points) {
				t.Errorf("%s and %s share a piece", a.ID(), b.ID())
			}
		}
	}
}

func sequenceKeeps(t *testing.T, p layout.Placed) {
	t.Helper()
	last := 0.
	for i, r := range p.Routes {
		if r.Points[0].Y <= last {
			t.Errorf("message %d is not below the one before", i)
		}
		last = r.Points[0].Y
		if w := math.Abs(r.Points[len(r.Points)-1].X - r.Points[0].X); r.Text != "" && w > 0 && layout.SmallFont.Width(r.Text) > w {
			t.Errorf("%q is wider than its arrow", r.Text)
		}
	}
	for i, f := range p.Frames {
		if b := p.FrameBoxes[i]; b.Y > p.Routes[f.First].Points[0].Y || b.Y+b.H < p.Routes[f.Last].Points[0].Y {
			t.Errorf("frame %+v does not hold its messages", f)
		}
	}
}

func outer(p layout.Placed, r arch.Ref) int {
	for i, n := range p.Nodes {
		if n.Ref == r {
			if n.Inside != "" {
				return outer(p, n.Inside)
			}
			return i
		}
	}
	return -1
}

func overlap(a, b layout.Rect) bool {
	return a.X < b.X+b.W-.01 && b.X < a.X+a.W-.01 && a.Y < b.Y+b.H-.01 && b.Y < a.Y+a.H-.01
}

func shrink(r layout.Rect) layout.Rect {
	return layout.Rect{X: r.X + 1, Y: r.Y + 1, W: r.W - 2, H: r.H - 2}
}

func span(a, b layout.Point) layout.Rect {
	return layout.Rect{X: math.Min(a.X, b.X) - .1, Y: math.Min(a.Y, b.Y) - .1, W: math.Abs(a.X-b.X) + .2, H: math.Abs(a.Y-b.Y) + .2}
}

func onBorder(r layout.Rect, q layout.Point) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1 }
	inX, inY := q.X > r.X-1 && q.X < r.X+r.W+1, q.Y > r.Y-1 && q.Y < r.Y+r.H+1
	return inX && inY && (near(q.X, r.X) || near(q.X, r.X+r.W) || near(q.Y, r.Y) || near(q.Y, r.Y+r.H))
}

// share: two right-angled ways run along each other for more than a pixel.
func share(a, b []layout.Point) bool {
	for i := 1; i < len(a); i++ {
		for j := 1; j < len(b); j++ {
			p, q := span(a[i-1], a[i]), span(b[j-1], b[j])
			w := math.Min(p.X+p.W, q.X+q.W) - math.Max(p.X, q.X)
			h := math.Min(p.Y+p.H, q.Y+q.H) - math.Max(p.Y, q.Y)
			if w > .05 && h > .05 && (w > 2 || h > 2) {
				return true
			}
		}
	}
	return false
}

func TestPlaceIsDeterministic(t *testing.T) {
	t.Parallel()
	all := graphs()
	for _, name := range []string{"shop", "bookshop", "deployment", "sequence"} {
		g := all[name]
		if a, b := place(t, g, nil), place(t, g, nil); !reflect.DeepEqual(a, b) {
			t.Errorf("%s was placed in two ways", name)
		}
	}
}

func TestPlaceDoesNotChangeTheGraph(t *testing.T) {
	t.Parallel()
	g, same := view.Services(sample.Railway(), nil), view.Services(sample.Railway(), nil)
	if p := place(t, g, nil); !p.Flat {
		t.Error("a map of 44 services in areas is wider than one without")
	}
	if !reflect.DeepEqual(g, same) {
		t.Error("placing changed the graph")
	}
}

func TestRailwayFitsAScreen(t *testing.T) {
	t.Parallel()
	p := place(t, view.Services(sample.Railway(), nil), nil)
	if p.Width > 2000 || p.Height > 1300 {
		t.Errorf("44 services take %.0f x %.0f pixels", p.Width, p.Height)
	}
}

func TestUnknownDirection(t *testing.T) {
	t.Parallel()
	if _, err := layout.Place(view.Graph{}, &layout.Options{Direction: "up"}); err == nil || !strings.Contains(err.Error(), "want right or down") {
		t.Errorf("error = %v", err)
	}
}

// Random systems: whatever the shape, a picture keeps what pictures must keep.
func FuzzPlace(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(seed, uint8(3+seed*4), uint8(seed*9))
	}
	f.Fuzz(func(t *testing.T, seed uint64, services, calls uint8) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // no secret
		check(t, place(t, view.Services(random(r, int(services%70)+1, int(calls)), nil), nil))
	})
}

func random(r *rand.Rand, services, calls int) arch.System {
	roles := []string{"", "", "", arch.RoleUI, arch.RoleJob, arch.RoleGateway, arch.RoleTelemetry, arch.RoleLoadgen}
	s := arch.System{Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}}
	name := func() string { return fmt.Sprint("service-", r.IntN(services)) }
	for i := range services {
		s.Services[fmt.Sprint("service-", i)] = arch.Service{Role: roles[r.IntN(len(roles))], Context: []string{"", "a", "b", "c"}[r.IntN(4)], Uses: map[string]arch.Call{}}
		s.Stores[fmt.Sprint("store-", r.IntN(services))] = arch.Store{Kind: "postgres"}
		s.Topics[fmt.Sprint("topic-", r.IntN(1+services/4))] = arch.Topic{}
	}
	for i := range calls {
		to := arch.NewRef(arch.KindService, name())
		switch r.IntN(5) {
		case 0:
			to = arch.NewRef(arch.KindStore, fmt.Sprint("store-", r.IntN(services)))
		case 1:
			to = arch.NewRef(arch.KindTopic, fmt.Sprint("topic-", r.IntN(1+services/4)))
		case 2:
			to = arch.NewRef(arch.KindExternal, fmt.Sprint("x", r.IntN(3)))
		}
		c := arch.Call{To: to, Access: []string{"", "call", "read", "write", "subscribe"}[r.IntN(5)]}
		if r.IntN(3) == 0 {
			c.Rate = arch.Some(r.Float64() * 100)
		}
		s.Services[name()].Uses[fmt.Sprint(i)] = c
	}
	return s
}

func BenchmarkPlace(b *testing.B) {
	for _, n := range []int{12, 45, 120} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := view.Services(random(rand.New(rand.NewPCG(1, 1)), n, n*3), &view.Options{Group: view.NoGroups}) //nolint:gosec // no secret
			for b.Loop() {
				if _, err := layout.Place(g, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
