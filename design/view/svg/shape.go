package svg

import (
	"fmt"
	"math"
	"strings"

	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

// shape paints the outline of a sign into r. A changed thing has a thick line in
// the colour of its change.
func (c *canvas) shape(pt paint, r layout.Rect, ch view.Change) {
	line, width, dash := pt.class+"line", 1.4, pt.dash
	extra := ""
	if ch != view.Same {
		line, width = string(ch), 2.6
		extra = " s-" + string(ch) // wins over the kind's colour
		if ch == view.Removed {
			dash = "6 4"
		}
	}
	at := fmt.Sprintf(`class="k-%s%s" fill="%s" stroke="%s" stroke-width="%s"%s`, pt.class, extra, light[pt.class], light[line], num(width), dashes(dash))
	open := fmt.Sprintf(`class="s-%s" fill="none" stroke="%s" stroke-width="%s"`, line, light[line], num(math.Min(width, 1.4)))
	x, y, w, h := r.X, r.Y, r.W, r.H
	small := h < 20
	switch pt.shape {
	case "cylinder":
		ry := math.Min(6, h/5)
		c.f(`<path %s d="M%s %sa%s %s 0 0 1 %s 0v%sa%s %s 0 0 1 %s 0z"/>`, at, num(x), num(y+ry), num(w/2), num(ry), num(w), num(h-2*ry), num(w/2), num(ry), num(-w))
		c.f(`<path %s d="M%s %sa%s %s 0 0 0 %s 0"/>`, open, num(x), num(y+ry), num(w/2), num(ry), num(w))
	case "pipe":
		rx := math.Min(8, w/5)
		c.f(`<path %s d="M%s %sh%sa%s %s 0 0 1 0 %sh%sa%s %s 0 0 1 0 %sz"/>`, at, num(x+rx), num(y), num(w-2*rx), num(rx), num(h/2), num(h), num(2*rx-w), num(rx), num(h/2), num(-h))
		c.f(`<path %s d="M%s %sa%s %s 0 0 0 0 %s"/>`, open, num(x+w-rx), num(y), num(rx), num(h/2), num(h))
	case "hexagon":
		d := math.Min(14, w/5)
		c.f(`<path %s d="M%s %sl%s %sh%sl%s %sl%s %sh%sz"/>`, at, num(x), num(y+h/2), num(d), num(-h/2), num(w-2*d), num(d), num(h/2), num(-d), num(h/2), num(2*d-w))
	case "slanted":
		d := math.Min(12, w/4)
		c.f(`<path %s d="M%s %sh%sl%s %sh%sz"/>`, at, num(x+d), num(y), num(w-d), num(-d), num(h), num(d-w))
	case "cut":
		d := math.Min(8, h/3)
		c.f(`<path %s d="M%s %sh%sl%s %sv%sl%s %sh%sl%s %sv%sz"/>`, at, num(x+d), num(y), num(w-2*d), num(d), num(d), num(h-2*d), num(-d), num(d), num(2*d-w), num(-d), num(-d), num(2*d-h))
	case "window":
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s" rx="4"/>`, at, num(x), num(y), num(w), num(h))
		bar := math.Min(9, h/3)
		c.f(`<path %s d="M%s %sh%s"/>`, open, num(x), num(y+bar), num(w))
		for k := range 3 {
			if !small || k < 2 {
				c.f(`<circle %s cx="%s" cy="%s" r="1.2"/>`, open, num(x+6+float64(k)*5), num(y+bar/2))
			}
		}
	case "job":
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s" rx="5"/>`, at, num(x), num(y), num(w), num(h))
		c.f(`<path %s d="M%s %sv%sM%s %sv%s"/>`, open, num(x+5), num(y), num(h), num(x+w-5), num(y), num(h))
	case "double":
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s"/>`, at, num(x), num(y), num(w), num(h))
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s"/>`, open, num(x+3), num(y+3), num(w-6), num(h-6))
	case "table":
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s"/>`, at, num(x), num(y), num(w), num(h))
		c.f(`<path %s d="M%s %sh%s"/>`, open, num(x), num(y+4), num(w))
	case "arrowed":
		d := math.Min(12, w/4)
		c.f(`<path %s d="M%s %sh%sl%s %sl%s %sh%sl%s %sz"/>`, at, num(x), num(y), num(w-d), num(d), num(h/2), num(-d), num(h/2), num(d-w), num(d), num(-h/2))
	case "ellipse":
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s" rx="%s"/>`, at, num(x), num(y), num(w), num(h), num(h/2))
	case "person":
		k := math.Min(8, h/4)
		c.f(`<circle %s cx="%s" cy="%s" r="%s"/>`, at, num(x+w/2), num(y+k), num(k*.8))
		c.f(`<path %s d="M%s %sa%s %s 0 0 1 %s 0z"/>`, at, num(x+w/2-k*1.5), num(y+3.4*k), num(k*1.5), num(k*1.5), num(3*k))
	default:
		c.f(`<rect %s x="%s" y="%s" width="%s" height="%s" rx="6"/>`, at, num(x), num(y), num(w), num(h))
	}
}

func dashes(d string) string {
	if d == "" {
		return ""
	}
	return ` stroke-dasharray="` + d + `"`
}

// badge paints findings: an octagon for critical ones, a diamond for high, a
// triangle for medium, a disc for the rest, with how many there are.
func (c *canvas) badge(x, y float64, bs []view.Badge, on string) {
	worst := view.Worst(bs)
	c.f(`<g class="badge"%s>%s`, rules(bs), tooltip(on, nil, bs, view.Same))
	c.severity(x, y, worst)
	text, size := "!", 11.
	if n := len(bs); n > 1 {
		text, size = fmt.Sprint(min(n, 99)), 10
	}
	if worst == view.Medium {
		y++
	}
	c.anchored("f-onbadge", x, y+3.8, layout.Font{Size: size, Bold: true}, "onbadge", "middle", text)
	c.f("</g>")
}

func (c *canvas) severity(x, y float64, s view.Severity) {
	name := string(s)
	if light[name] == "" {
		name = string(view.Info)
	}
	at := fmt.Sprintf(`class="f-%s s-bg" fill="%s" stroke="%s" stroke-width="1.5" stroke-linejoin="round"`, name, light[name], light["bg"])
	switch s {
	case view.Critical:
		c.f(`<path %s d="%s"/>`, at, polygon(x, y, -4, -9.5, 4, -9.5, 9.5, -4, 9.5, 4, 4, 9.5, -4, 9.5, -9.5, 4, -9.5, -4))
	case view.High:
		c.f(`<path %s d="%s"/>`, at, polygon(x, y, 0, -11, 11, 0, 0, 11, -11, 0))
	case view.Medium:
		c.f(`<path %s d="%s"/>`, at, polygon(x, y, 0, -11, 11.5, 8, -11.5, 8))
	default:
		c.f(`<circle %s cx="%s" cy="%s" r="8.5"/>`, at, num(x), num(y))
	}
}

// polygon is a closed path through points given relative to x and y.
func polygon(x, y float64, d ...float64) string {
	var b strings.Builder
	for i := 0; i < len(d); i += 2 {
		b.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + num(x+d[i]) + " " + num(y+d[i+1]))
	}
	return b.String() + "z"
}
