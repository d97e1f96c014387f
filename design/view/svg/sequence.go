package svg

import (
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

// frame paints a part of a sequence that is parallel, repeated or conditional:
// a box with its kind in the corner and a dashed line at each cut.
func (c *canvas) frame(i int) {
	f, r := c.p.Frames[i], c.p.FrameBoxes[i]
	x, y := c.x+r.X, c.y+r.Y
	c.f(`<g class="frame" data-kind="%s"><rect class="s-muted" x="%s" y="%s" width="%s" height="%s" rx="4" fill="none" stroke="%s" stroke-opacity=".6"/>`,
		escape(f.Kind), num(x), num(y), num(r.W), num(r.H), light["muted"])
	at := x + 8
	if f.Kind != "" {
		w := layout.GroupFont.Width(f.Kind) + 14
		c.f(`<path class="gr" d="M%s %sh%sv10l-6 7h%sz" fill="%s" stroke="%s"/>`, num(x), num(y), num(w), num(6-w), light["group"], light["groupline"])
		c.text("f-ink", x+6, y+12.5, layout.GroupFont, "ink", f.Kind)
		at = x + w + 8
	}
	if f.Label != "" {
		c.text("f-muted", at, y+12.5, layout.SmallFont, "muted", f.Label)
	}
	for k, cut := range c.p.CutLines[i] {
		c.f(`<path class="s-muted" d="M%s %sh%s" stroke="%s" stroke-opacity=".6" stroke-dasharray="4 4"/>`, num(x), num(c.y+cut), num(r.W), light["muted"])
		if k < len(f.Cuts) && f.Cuts[k].Label != "" {
			c.text("f-muted", x+10, c.y+cut+14, layout.SmallFont, "muted", f.Cuts[k].Label)
		}
	}
	c.f("</g>")
}

// lifelines run from the participants down to the end.
func (c *canvas) lifelines() {
	if c.p.Kind != view.KindSequence {
		return
	}
	for _, b := range c.p.NodeBoxes {
		c.f(`<path class="s-muted" d="M%s %sV%s" stroke="%s" stroke-opacity=".55" stroke-dasharray="2 4"/>`, num(c.x+b.X+b.W/2), num(c.y+b.Y+b.H), num(c.y+b.Line), light["muted"])
	}
}
