package svg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
)

const fonts = "ui-sans-serif, system-ui, &apos;Segoe UI&apos;, Roboto, &apos;Helvetica Neue&apos;, Arial, sans-serif"

// Colours by name. Text on its fill has a contrast of at least 4.5 to 1 in both
// themes, lines on the background 3 to 1.
var (
	light = map[string]string{
		"bg": "#ffffff", "ink": "#1c2430", "muted": "#57606c", "group": "#f6f8fa", "groupline": "#c4ccd6",
		"service": "#eaf1fb", "serviceline": "#3462a3", "ui": "#efedfc", "uiline": "#6248ae",
		"gateway": "#e2f4ec", "gatewayline": "#1c7556", "store": "#fdf1da", "storeline": "#95650f",
		"cache": "#fce9e2", "cacheline": "#ad4d28", "topic": "#f7e8f6", "topicline": "#8c3a8b",
		"external": "#f3f3f1", "externalline": "#5f625c", "infra": "#f4f5f7", "infraline": "#77818d",
		"missing": "#ffffff", "missingline": "#b3261e", "call": "#4b5a6d",
		"critical": "#8c1028", "high": "#b3261e", "medium": "#a85400", "low": "#3462a3", "info": "#57606c", "onbadge": "#ffffff",
		"added": "#1a7f37", "removed": "#b3261e", "changed": "#9a6700",
		"g0": "#3b82c4", "g1": "#d9822b", "g2": "#3f9c6b", "g3": "#b3489a", "g4": "#8a6fd1", "g5": "#b09c12", "g6": "#c9504f", "g7": "#2f9aa3", "g8": "#7d8b99", "g9": "#8a6d4b",
	}
	dark = map[string]string{
		"bg": "#12161c", "ink": "#e8edf3", "muted": "#a2adba", "group": "#191f28", "groupline": "#3a4552",
		"service": "#1b2a40", "serviceline": "#7fadec", "ui": "#27234a", "uiline": "#a897ee",
		"gateway": "#15322a", "gatewayline": "#5cc39b", "store": "#372a10", "storeline": "#dda94a",
		"cache": "#3a2118", "cacheline": "#ea9069", "topic": "#371e38", "topicline": "#d88ad6",
		"external": "#262826", "externalline": "#a6aaa2", "infra": "#1e232a", "infraline": "#87929f",
		"missing": "#12161c", "missingline": "#ff8a80", "call": "#93a2b4",
		"critical": "#ff6b81", "high": "#ff8a80", "medium": "#f5b04d", "low": "#7fadec", "info": "#a2adba", "onbadge": "#12161c",
		"added": "#56d364", "removed": "#ff8a80", "changed": "#e3b341",
		"g0": "#5aa0e0", "g1": "#e8994a", "g2": "#58b886", "g3": "#cf6ab8", "g4": "#a58ce6", "g5": "#cbb62c", "g6": "#e07170", "g7": "#4bb8c1", "g8": "#98a6b3", "g9": "#a88a66",
	}
)

// groupColours is how many colours of groups there are: g0 and so on.
const groupColours = 10

// paint is the colours and the shape of a sign.
type paint struct {
	class string // name of the fill colour; the line is class+"line"
	shape string
	dash  string
}

func paintOf(m view.Mark) paint {
	switch {
	case m.Missing:
		return paint{"missing", "box", "5 4"}
	case m.Role == arch.RoleLoadgen:
		return paint{"infra", "slanted", "5 3"}
	case m.Role == "infrastructure":
		return paint{"infra", "cut", ""}
	case m.Role == arch.RoleUI:
		return paint{"ui", "window", ""}
	case m.Role == arch.RoleJob:
		return paint{"service", "job", ""}
	case m.Role == "cache":
		return paint{"cache", "cylinder", "4 2"}
	}
	switch m.Node {
	case view.Store:
		return paint{"store", "cylinder", ""}
	case view.Table:
		return paint{"store", "table", ""}
	case view.Topic:
		return paint{"topic", "pipe", ""}
	case view.Event:
		return paint{"topic", "arrowed", ""}
	case view.Gateway:
		return paint{"gateway", "hexagon", ""}
	case view.External:
		return paint{"external", "double", ""}
	case view.Context:
		return paint{"service", "ellipse", ""}
	case view.Person:
		return paint{"external", "person", ""}
	}
	return paint{"service", "box", ""}
}

// stroke is how an edge is drawn: colour, dashes, and its head.
type stroke struct {
	class string
	dash  string
	head  string // full, open, hollow
}

func strokeOf(k view.EdgeKind) stroke {
	switch k {
	case view.Async:
		return stroke{"call", "7 4", "open"}
	case view.Route:
		return stroke{"gatewayline", "", "full"}
	case view.Read:
		return stroke{"storeline", "", "hollow"}
	case view.Write:
		return stroke{"storeline", "", "full"}
	case view.Use:
		return stroke{"storeline", "2 3", "full"}
	case view.Publish:
		return stroke{"topicline", "7 4", "full"}
	case view.Subscribe:
		return stroke{"topicline", "7 4", "open"}
	case view.DeadLetter:
		return stroke{"missingline", "2 3", "open"}
	case view.Relation, view.Reference:
		return stroke{"muted", "", "open"}
	case view.Return:
		return stroke{"call", "3 3", "open"}
	case view.Undo:
		return stroke{"missingline", "7 4", "full"}
	}
	return stroke{"call", "", "full"}
}

// style is the style sheet. Attributes already say what light looks like; rules
// with variables win over them where variables are known.
func style(id, theme string, p layout.Placed) string {
	root := "#" + cssName(id)
	var b strings.Builder
	b.WriteString("<style>\n")
	vars := func(m map[string]string) string {
		var v strings.Builder
		for _, k := range arch.Sorted(m) {
			fmt.Fprintf(&v, "--%s:%s;", k, m[k])
		}
		return v.String()
	}
	if theme == "dark" {
		fmt.Fprintf(&b, "%s{%s}\n", root, vars(dark))
	} else {
		fmt.Fprintf(&b, "%s{%s}\n", root, vars(light))
	}
	if theme == "" {
		fmt.Fprintf(&b, "@media screen and (prefers-color-scheme:dark){%s{%s}}\n", root, vars(dark))
	}
	fmt.Fprintf(&b, "%s .bg{fill:var(--bg)}%s .gr{fill:var(--group);stroke:var(--groupline)}\n", root, root)
	for _, k := range arch.Sorted(light) {
		if fill, ok := strings.CutSuffix(k, "line"); ok && fill != "group" {
			fmt.Fprintf(&b, "%s .k-%s{fill:var(--%s);stroke:var(--%s)}", root, fill, fill, k)
		}
	}
	for _, k := range arch.Sorted(light) { // after the kinds, so that a change wins over a kind
		fmt.Fprintf(&b, "%s .s-%s{stroke:var(--%s)}%s .f-%s{fill:var(--%s)}\n", root, k, k, root, k, k)
	}
	fmt.Fprintf(&b, "%s .halo{stroke:var(--bg)}%s .plate{fill:var(--bg)}\n", root, root)
	fmt.Fprintf(&b, "%s .e,%s .n{transition:opacity .12s}\n", root, root)
	for _, i := range connected(p) {
		fmt.Fprintf(&b, "%s:has(.n%d:hover) .e:not(.e%d){opacity:.1}\n", root, i, i)
	}
	b.WriteString("</style>\n")
	return b.String()
}

// connected lists the nodes with edges.
func connected(p layout.Placed) []int {
	index := map[arch.Ref]int{}
	for i, n := range p.Nodes {
		index[n.Ref] = i
	}
	var out []int
	for i, e := range p.Edges {
		if len(p.Routes[i].Points) > 0 {
			out = append(out, index[e.From], index[e.To])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cssName keeps what may stand in a selector without escapes.
func cssName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

func changeClass(c view.Change) string {
	if c == view.Same {
		return ""
	}
	return "c-" + string(c)
}
