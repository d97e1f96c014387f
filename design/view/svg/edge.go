package svg

import (
	"fmt"
	"math"
	"strings"

	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

const corner = 7. // radius of a bend

// rateScale turns rates into widths: the busiest edge is three pixels wider than
// one without traffic, on a logarithmic scale. Nil when nothing is known.
func rateScale(es []view.Edge) func(view.Edge) float64 {
	top := 0.
	for _, e := range es {
		top = math.Max(top, e.Rate.Or(0))
	}
	return func(e view.Edge) float64 {
		r, ok := e.Rate.Get()
		if !ok || top <= 0 || r <= 0 {
			return 1.4
		}
		return 1.4 + 2.6*math.Max(0, 1+math.Log10(r/top)/3)
	}
}

func (c *canvas) edge(i int, width func(view.Edge) float64) {
	e, p := c.p.Edges[i], c.p.Routes[i].Points
	if len(p) < 2 {
		return
	}
	pts := make([]layout.Point, len(p))
	for k, q := range p {
		pts[k] = layout.Point{X: q.X + c.x, Y: q.Y + c.y}
	}
	st, w := strokeOf(e.Kind), width(e)
	class := st.class
	if e.Change != view.Same {
		class, w = string(e.Change), math.Max(w, 2.4)
	}
	c.f(`<g class="e %s" data-from="%s" data-to="%s" data-kind="%s"%s>%s`, c.ends(e), escape(string(e.From)), escape(string(e.To)), escape(string(e.Kind)), rules(e.Badges),
		tooltip(c.edgeTitle(e), edgeFacts(e), e.Badges, e.Change))
	d := path(shorten(pts, 6+w))
	c.f(`<path d="%s" fill="none" stroke="none" stroke-width="12" pointer-events="stroke"/>`, d)
	c.f(`<path class="s-%s" d="%s" fill="none" stroke="%s" stroke-width="%s"%s/>`, class, d, light[class], num(w), dashes(st.dash))
	c.head2(pts[len(pts)-2], pts[len(pts)-1], st.head, class, w)
	for _, j := range c.p.Routes[i].Joins {
		c.f(`<circle class="f-%s" cx="%s" cy="%s" r="2.6" fill="%s"/>`, class, num(j.X+c.x), num(j.Y+c.y), light[class])
	}
	c.f("</g>")
}

// ends are the classes by which pointing at a node finds its edges.
func (c *canvas) ends(e view.Edge) string {
	var out []string
	for i, n := range c.p.Nodes {
		if n.Ref == e.From || n.Ref == e.To {
			out = append(out, fmt.Sprintf("e%d", i))
		}
	}
	return strings.Join(append(out, changeClass(e.Change)), " ")
}

func (c *canvas) edgeTitle(e view.Edge) string {
	name := func(i view.Node, ok bool) string { return i.Label }
	return name(c.p.Node(e.From)) + " → " + name(c.p.Node(e.To)) + " (" + string(e.Kind) + ")"
}

func edgeFacts(e view.Edge) []view.Fact {
	var fs []view.Fact
	if e.Protocol != "" {
		fs = append(fs, view.Fact{Name: "protocol", Value: e.Protocol})
	}
	if e.Calls > 1 {
		fs = append(fs, view.Fact{Name: "call sites", Value: fmt.Sprint(e.Calls)})
	}
	if r, ok := e.Rate.Get(); ok {
		fs = append(fs, view.Fact{Name: "rate", Value: view.PerSecond(r)})
	}
	return append(fs, e.Facts...)
}

// head2 paints the head of an arrow that comes from a and ends at b.
func (c *canvas) head2(a, b layout.Point, kind, class string, w float64) {
	dx, dy := b.X-a.X, b.Y-a.Y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return
	}
	dx, dy = dx/n, dy/n
	long, half := 8+w, 3.4+w*.7
	p := func(back, side float64) string { return num(b.X-dx*back-dy*side) + " " + num(b.Y-dy*back+dx*side) }
	switch kind {
	case "open":
		c.f(`<path class="s-%s" d="M%sL%sL%s" fill="none" stroke="%s" stroke-width="%s"/>`, class, p(long, half), p(0, 0), p(long, -half), light[class], num(math.Max(1.6, w)))
		c.f(`<path class="s-%s" d="M%sL%s" fill="none" stroke="%s" stroke-width="%s"/>`, class, p(long, 0), p(1, 0), light[class], num(w))
	case "hollow":
		c.f(`<path class="s-%s plate" d="M%sL%sL%sz" fill="%s" stroke="%s" stroke-width="1.4"/>`, class, p(0.7, 0), p(long, half), p(long, -half), light["bg"], light[class])
	default:
		c.f(`<path class="f-%s" d="M%sL%sL%sz" fill="%s"/>`, class, p(0, 0), p(long, half), p(long, -half), light[class])
	}
}

// shorten pulls the end back to where the arrow's head begins.
func shorten(pts []layout.Point, by float64) []layout.Point {
	out := append([]layout.Point(nil), pts...)
	a, b := out[len(out)-2], &out[len(out)-1]
	if n := math.Hypot(b.X-a.X, b.Y-a.Y); n > by {
		b.X -= (b.X - a.X) / n * by
		b.Y -= (b.Y - a.Y) / n * by
	}
	return out
}

// path draws straight lines with rounded bends.
func path(p []layout.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", num(p[0].X), num(p[0].Y))
	for i := 1; i < len(p)-1; i++ {
		in, out := toward(p[i], p[i-1]), toward(p[i], p[i+1])
		fmt.Fprintf(&b, "L%s %sQ%s %s %s %s", num(in.X), num(in.Y), num(p[i].X), num(p[i].Y), num(out.X), num(out.Y))
	}
	last := p[len(p)-1]
	fmt.Fprintf(&b, "L%s %s", num(last.X), num(last.Y))
	return b.String()
}

func toward(from, to layout.Point) layout.Point {
	n := math.Hypot(to.X-from.X, to.Y-from.Y)
	if n == 0 {
		return from
	}
	k := math.Min(corner, n/2) / n
	return layout.Point{X: from.X + (to.X-from.X)*k, Y: from.Y + (to.Y-from.Y)*k}
}

// edgeLabel paints text and findings over everything that lies beneath.
func (c *canvas) edgeLabel(i int) {
	e, rt := c.p.Edges[i], c.p.Routes[i]
	if len(rt.Points) < 2 {
		return
	}
	r := rt.Label
	if len(e.Badges) > 0 && r.W > 0 {
		r.W -= layout.BadgeSize
		c.badge(c.x+r.X+r.W+layout.BadgeSize/2, c.y+r.Y+r.H/2, e.Badges, c.edgeTitle(e))
	} else if len(e.Badges) > 0 {
		at := middle(rt.Points)
		c.badge(c.x+at.X, c.y+at.Y, e.Badges, c.edgeTitle(e))
	}
	if rt.Text != "" {
		mid := c.y + r.Y + r.H/2
		c.f(`<g class="e %s"><rect class="plate" x="%s" y="%s" width="%s" height="14" rx="3" fill="%s" fill-opacity=".9"/>`, c.ends(e), num(c.x+r.X), num(mid-7), num(r.W), light["bg"])
		c.anchored("f-muted", c.x+r.X+r.W/2, mid+3.8, layout.SmallFont, "muted", "middle", rt.Text)
		c.f("</g>")
	}
}

// middle of the longest straight piece.
func middle(p []layout.Point) layout.Point {
	best, at := -1., p[0]
	for i := 1; i < len(p); i++ {
		if n := math.Hypot(p[i].X-p[i-1].X, p[i].Y-p[i-1].Y); n > best+.5 {
			best, at = n, layout.Point{X: (p[i].X + p[i-1].X) / 2, Y: (p[i].Y + p[i-1].Y) / 2}
		}
	}
	return at
}
