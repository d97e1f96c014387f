// Package svg paints a placed graph as one self-contained SVG: no scripts, no
// fonts and no files from elsewhere.
//
// Kinds differ by shape and by line, not by colour alone. The picture follows the
// reader's light or dark theme through CSS variables; every colour stands as a
// plain attribute, too, for readers that know no variables. On paper it is light.
//
// Nodes and edges carry data-ref, data-kind, data-from, data-to and data-rules,
// by which a page can find them, and a <title> that browsers show as a tooltip.
// In browsers that know :has, pointing at a node dims the edges of others.
package svg

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

// Options of a picture; nil and the zero value are the defaults.
type Options struct {
	// ID of the svg element and prefix of the IDs in it, so that several
	// pictures fit into one page. Default: "ashlar".
	ID string
	// Theme: "light", "dark", or "" for what the reader prefers.
	Theme string
	// Bare leaves out title and legend.
	Bare bool
}

const margin = 20.

// Render paints p.
func Render(p layout.Placed, o *Options) []byte {
	if o == nil {
		o = &Options{}
	}
	c := &canvas{p: p, id: o.ID}
	if c.id == "" {
		c.id = "ashlar"
	}
	top := margin
	if !o.Bare {
		top = c.head(p)
	}
	c.x, c.y = margin, top
	width := max(p.Width+2*margin, c.titleWidth+2*margin)
	var legend canvas
	height := top + p.Height + margin
	if !o.Bare {
		legend = canvas{p: p, id: c.id}
		width = max(width, 420)
		height = legend.foot(height, width)
	}
	c.body()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" id="%s" class="ashlar-map" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-title" font-family="%s">`+"\n",
		escape(c.id), num(width), num(height), num(width), num(height), escape(c.id), fonts)
	fmt.Fprintf(&b, "<title id=\"%s-title\">%s</title>\n", escape(c.id), escape(joinText(p.Title, string(p.Kind), p.Subtitle)))
	b.WriteString(style(c.id, o.Theme, p))
	fmt.Fprintf(&b, `<rect class="bg" width="%s" height="%s" fill="%s"/>`+"\n", num(width), num(height), light["bg"])
	b.WriteString(c.String())
	b.WriteString(legend.String())
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// canvas gathers elements; x and y is where the graph's own origin lies.
type canvas struct {
	strings.Builder
	p          layout.Placed
	id         string
	x, y       float64
	titleWidth float64
}

func (c *canvas) f(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

// head paints title and subtitle and returns where the graph begins.
func (c *canvas) head(p layout.Placed) float64 {
	y := margin
	if p.Title != "" {
		y += 20
		c.text("f-ink", margin, y, layout.TitleFont, "ink", p.Title)
		c.titleWidth = layout.TitleFont.Width(p.Title)
	}
	for i, line := range append([]string{p.Subtitle}, p.Notes...) {
		if line == "" {
			continue
		}
		y += 18
		if i > 0 {
			line = "Not shown: " + line
		}
		line = layout.DetailFont.Cut(line, max(p.Width, 380))
		c.text("f-muted", margin, y, layout.DetailFont, "muted", line)
		c.titleWidth = max(c.titleWidth, layout.DetailFont.Width(line))
	}
	return y + 18
}

// body paints areas, then edges, then nodes, so that no line covers a text.
func (c *canvas) body() {
	for i := range c.p.Groups {
		c.group(i)
	}
	c.lifelines()
	for i := range c.p.FrameBoxes {
		c.frame(i)
	}
	scale := rateScale(c.p.Edges)
	for i := range c.p.Edges {
		c.edge(i, scale)
	}
	for i, n := range c.p.Nodes {
		if n.Inside == "" {
			c.node(i)
		}
	}
	for i, n := range c.p.Nodes {
		if n.Inside != "" {
			c.compartment(i)
		}
	}
	for i := range c.p.Edges {
		c.edgeLabel(i)
	}
	for i := range c.p.Nodes {
		c.pills(i)
		c.nodeBadge(i)
	}
}

func (c *canvas) text(class string, x, y float64, f layout.Font, fill, text string) {
	c.anchored(class, x, y, f, fill, "start", text)
}

func (c *canvas) anchored(class string, x, y float64, f layout.Font, fill, anchor, text string) {
	weight := ""
	if f.Bold {
		weight = ` font-weight="600"`
	}
	if anchor != "start" {
		weight += ` text-anchor="` + anchor + `"`
	}
	c.f(`<text class="t %s" x="%s" y="%s" font-size="%s"%s fill="%s">%s</text>`, class, num(x), num(y), num(f.Size), weight, light[fill], escape(text))
}

func (c *canvas) group(i int) {
	g, r := c.p.Groups[i], c.p.GroupBoxes[i]
	c.f(`<g class="group %s" data-ref="%s" data-kind="%s"><rect class="gr" x="%s" y="%s" width="%s" height="%s" rx="10" fill="%s" stroke="%s"/>`,
		changeClass(g.Change), escape(string(g.Ref)), escape(g.Kind), num(c.x+r.X), num(c.y+r.Y), num(r.W), num(r.H), light["group"], light["groupline"])
	c.text("f-muted", c.x+r.X+12, c.y+r.Y+20, layout.GroupFont, "muted", layout.GroupFont.Cut(g.Label, r.W-20))
	c.f("</g>")
}

// tooltip is the <title> of an element.
func tooltip(head string, facts []view.Fact, badges []view.Badge, change view.Change) string {
	var b strings.Builder
	b.WriteString(head)
	if change != view.Same {
		b.WriteString(" (" + string(change) + ")")
	}
	for _, x := range badges {
		b.WriteString("\n" + string(x.Severity) + ": " + x.Title + " [" + x.Rule + "]")
	}
	for _, f := range facts {
		b.WriteString("\n" + f.Name + ": " + f.Value)
	}
	return "<title>" + escape(b.String()) + "</title>"
}

func rules(badges []view.Badge) string {
	if len(badges) == 0 {
		return ""
	}
	ids := make([]string, len(badges))
	for i, b := range badges {
		ids[i] = b.Rule
	}
	return ` data-severity="` + escape(string(view.Worst(badges))) + `" data-rules="` + escape(strings.Join(ids, " ")) + `"`
}
