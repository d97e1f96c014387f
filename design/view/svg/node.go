package svg

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

func (c *canvas) node(i int) {
	n, b := c.p.Nodes[i], c.p.NodeBoxes[i]
	r := layout.Rect{X: c.x + b.X, Y: c.y + b.Y, W: b.W, H: b.H}
	pt := paintOf(n.Sign())
	if b.Head < b.H && pt.shape != "window" {
		pt.shape = "box" // rows fit into no other shape
	}
	c.f(`<g class="n n%d %s" data-ref="%s" data-kind="%s" data-role="%s"%s>%s`, i, changeClass(n.Change), escape(string(n.Ref)), escape(string(n.Kind)), escape(n.Role), rules(n.Badges),
		tooltip(c.headOf(n), n.Facts, n.Badges, n.Change))
	c.shape(pt, r, n.Change)
	if k := c.groupColour(n.Group); k != "" {
		c.f(`<rect class="f-%s" x="%s" y="%s" width="4" height="%s" rx="2" fill="%s"/>`, k, num(r.X+4), num(r.Y+6), num(b.Head-12), light[k])
	}
	head := layout.Rect{X: r.X, Y: r.Y, W: r.W, H: b.Head}
	c.nodeText(pt, head, b)
	if b.Head < b.H {
		c.f(`<path class="s-%sline" d="M%s %sh%s" stroke="%s" stroke-opacity=".45" fill="none"/>`, pt.class, num(r.X), num(r.Y+b.Head), num(r.W), light[pt.class+"line"])
	}
	c.f("</g>")
}

func (c *canvas) headOf(n view.Node) string {
	what := string(n.Kind)
	if n.Missing {
		return n.Label + ": something names this " + what + ", nothing describes it"
	}
	return n.Label + " (" + what + ")"
}

func (c *canvas) nodeText(pt paint, r layout.Rect, b layout.Box) {
	lines := float64(len(b.Lines)) * 16
	if b.Detail != "" {
		lines += 14
	}
	shift := 0.
	switch pt.shape {
	case "cylinder", "window":
		shift = 4
	case "person":
		shift = 12
	}
	y := r.Y + (r.H-lines)/2 + shift + 12
	mid := r.X + r.W/2
	if pt.shape == "pipe" {
		mid -= 5
	}
	for _, l := range b.Lines {
		c.anchored("f-ink", mid, y, layout.LabelFont, "ink", "middle", l)
		y += 16
	}
	if b.Detail != "" {
		c.anchored("f-muted", mid, y-1.5, layout.DetailFont, "muted", "middle", b.Detail)
	}
}

// groupColour names the colour of a group where groups are not drawn as areas.
func (c *canvas) groupColour(id string) string {
	if !c.p.Flat || id == "" {
		return ""
	}
	n := 0
	for _, m := range c.p.Legend {
		if m.Group == id {
			return fmt.Sprintf("g%d", n%groupColours)
		}
		if m.Group != "" {
			n++
		}
	}
	return ""
}

// pills name, on the edge of a node, the hubs whose lines are left out.
func (c *canvas) pills(i int) {
	n, b := c.p.Nodes[i], c.p.NodeBoxes[i]
	x, y := c.x+b.X+8, c.y+b.Y-7
	count, hubs := 0, 0
	for _, e := range c.p.Edges {
		if !e.Stub || e.From != n.Ref && e.To != n.Ref {
			continue
		}
		hub, _ := c.p.Node(c.p.Hub(e))
		if hub.Ref == n.Ref {
			hubs++
			continue
		}
		text := layout.Pill(c.p.Graph, e)
		w := layout.PillFont.Width(text) + 10
		if left := c.x + b.X + b.W - 7 - x; w > left {
			count++
			continue
		}
		c.pill(x, y, w, text, paintOf(hub.Sign()).class, tooltip(c.edgeTitle(e), edgeFacts(e), nil, e.Change))
		x += w + 3
	}
	if count > 0 {
		c.pill(x, y, 24, fmt.Sprintf("+%d", count), "infra", "")
	}
	if hubs > 0 {
		text := fmt.Sprintf("%d lines not drawn", hubs)
		w := layout.PillFont.Width(text) + 10
		c.pill(c.x+b.X+(b.W-w)/2, c.y+b.Y+b.H-7, w, text, paintOf(n.Sign()).class, "")
	}
}

func (c *canvas) pill(x, y, w float64, text, class, title string) {
	c.f(`<g class="pill">%s<rect class="plate s-%sline" x="%s" y="%s" width="%s" height="13" rx="6.5" fill="%s" stroke="%s"/>`, title, class, num(x), num(y), num(w), light["bg"], light[class+"line"])
	c.anchored("f-ink", x+w/2, y+9.6, layout.PillFont, "ink", "middle", text)
	c.f("</g>")
}

// compartment paints a store as a row of the service that alone uses it.
func (c *canvas) compartment(i int) {
	n, b := c.p.Nodes[i], c.p.NodeBoxes[i]
	pt := paintOf(n.Sign())
	x, y := c.x+b.X, c.y+b.Y
	c.f(`<g class="n n%d %s" data-ref="%s" data-kind="%s" data-role="%s"%s>%s`, i, changeClass(n.Change), escape(string(n.Ref)), escape(string(n.Kind)), escape(n.Role), rules(n.Badges),
		tooltip(c.headOf(n), n.Facts, n.Badges, n.Change))
	c.f(`<rect x="%s" y="%s" width="%s" height="%s" fill="none" pointer-events="all"/>`, num(x), num(y), num(b.W), num(b.H))
	c.shape(pt, layout.Rect{X: x + 9, Y: y + 4, W: 13, H: 14}, n.Change)
	label := layout.SmallFont
	c.text("f-ink", x+28, y+15, label, "ink", b.Lines[0])
	if b.Detail != "" {
		c.anchored("f-muted", x+b.W-9, y+15, label, "muted", "end", b.Detail)
	}
	c.f("</g>")
}

// nodeBadge paints the worst severity with the number of findings on the top
// right corner.
func (c *canvas) nodeBadge(i int) {
	n, b := c.p.Nodes[i], c.p.NodeBoxes[i]
	if len(n.Badges) == 0 {
		return
	}
	x, y := c.x+b.X+b.W-5, c.y+b.Y+2
	if b.Row {
		x, y = c.x+b.X+b.W+2, c.y+b.Y+b.H/2
	}
	c.badge(x, y, n.Badges, n.Label)
}
