package svg

import (
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

// foot paints the legend in lines that fit the width, from y on, and returns the
// height of the whole picture.
func (c *canvas) foot(y, width float64) float64 {
	if len(c.p.Legend) == 0 {
		return y
	}
	const sample, line = 34., 24.
	x := margin
	y += 6
	c.f(`<g class="legend">`)
	for _, m := range c.p.Legend {
		w := sample + 8 + layout.SmallFont.Width(m.Text) + 22
		if x > margin && x+w > width-margin+22 {
			x, y = margin, y+line
		}
		c.sample(m, x, y, sample)
		c.text("f-muted", x+sample+8, y+4, layout.SmallFont, "muted", m.Text)
		x += w
	}
	c.f("</g>")
	return y + line
}

func (c *canvas) sample(m view.Mark, x, y, w float64) {
	switch {
	case m.Edge != "":
		st := strokeOf(m.Edge)
		a, b := layout.Point{X: x, Y: y}, layout.Point{X: x + w, Y: y}
		c.f(`<path class="s-%s" d="%s" fill="none" stroke="%s" stroke-width="1.4"%s/>`, st.class, path(shorten([]layout.Point{a, b}, 7.4)), light[st.class], dashes(st.dash))
		c.head2(a, b, st.head, st.class, 1.4)
	case m.Group != "":
		k := c.groupColour(m.Group)
		c.f(`<rect class="f-%s" x="%s" y="%s" width="4" height="16" rx="2" fill="%s"/>`, k, num(x+w/2), num(y-8), light[k])
	case m.Stub:
		c.pill(x-2, y-6.5, w+4, "hub →", "gateway", "")
	case m.Severity != "":
		c.severity(x+w/2, y, m.Severity)
	case m.Change != view.Same:
		c.shape(paint{class: "infra", shape: "box"}, layout.Rect{X: x + 4, Y: y - 8, W: w - 8, H: 16}, m.Change)
	default:
		c.shape(paintOf(m), layout.Rect{X: x + 2, Y: y - 8, W: w - 4, H: 16}, view.Same)
	}
}
