package export

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// D2 writes a D2 diagram, or one of its sequence diagrams for a sequence.
func D2(g view.Graph) string {
	var b strings.Builder
	if g.Kind == view.KindSequence {
		d2Sequence(&b, g)
		return b.String()
	}
	if g.Title != "" {
		fmt.Fprintf(&b, "# %s\n", oneLine(g.Title))
	}
	b.WriteString("direction: right\n")
	n := newIDs(d2Words...)
	path := map[string]string{"": ""} // of groups, with the dot
	for _, gr := range g.Groups {
		path[gr.ID] = path[gr.Parent] + n.id(gr.ID) + "."
	}
	where := map[arch.Ref]string{}
	groupTree(g,
		func(gr view.Group, d int) { fmt.Fprintf(&b, "%s%s: %s {\n", indent(d), n.id(gr.ID), d2Text(gr.Label)) },
		func(nd view.Node, d int) {
			where[nd.Ref] = path[nd.Group] + n.node(nd.Ref)
			label := marked(nd.Label, nd.Badges, nd.Change)
			if nd.Detail != "" {
				label += "\n" + nd.Detail
			}
			fmt.Fprintf(&b, "%s%s: %s {\n%s\n%s}\n", indent(d), n.node(nd.Ref), d2Text(label), d2Style(nd, d+1), indent(d))
		},
		func(_ view.Group, d int) { fmt.Fprintf(&b, "%s}\n", indent(d)) })
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "%s -> %s", where[e.From], where[e.To])
		if text := marked(says(e), e.Badges, e.Change); text != "" {
			fmt.Fprintf(&b, ": %s", d2Text(text))
		}
		var style []string
		if dashed(e.Kind) {
			style = append(style, "style.stroke-dash: 4")
		}
		if c := changeColour(e.Change); c != "" {
			style = append(style, `style.stroke: "`+c+`"`)
		}
		if len(style) > 0 {
			fmt.Fprintf(&b, " {%s}", strings.Join(style, "; "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Words of the language that a name must not be.
var d2Words = []string{"label", "shape", "style", "near", "icon", "width", "height", "direction", "layers", "scenarios", "steps", "vars", "classes", "class", "link", "tooltip", "top", "left", "constraint", "source-arrowhead", "target-arrowhead", "null", "true", "false", "_"}

func d2Style(n view.Node, depth int) string {
	shape, dash, double := "rectangle", false, false
	switch m := n.Sign(); {
	case m.Missing:
		dash = true
	case m.Role == arch.RoleLoadgen:
		shape, dash = "parallelogram", true
	case m.Role == arch.RoleUI:
		shape = "page"
	case m.Role == arch.RoleJob:
		shape = "step"
	case m.Role == "infrastructure":
		shape = "package"
	case m.Node == view.Store:
		shape = "cylinder"
	case m.Node == view.Topic:
		shape = "queue"
	case m.Node == view.Event:
		shape = "document"
	case m.Node == view.Gateway:
		shape = "hexagon"
	case m.Node == view.External:
		double = true
	case m.Node == view.Context:
		shape = "oval"
	case m.Node == view.Person:
		shape = "person"
	}
	lines := []string{indent(depth) + "shape: " + shape}
	if dash {
		lines = append(lines, indent(depth)+"style.stroke-dash: 4")
	}
	if double {
		lines = append(lines, indent(depth)+"style.double-border: true")
	}
	if c := changeColour(n.Change); c != "" {
		lines = append(lines, indent(depth)+`style.stroke: "`+c+`"`, indent(depth)+"style.stroke-width: 3")
	}
	return strings.Join(lines, "\n")
}

func d2Sequence(b *strings.Builder, g view.Graph) {
	n := newIDs(d2Words...)
	fmt.Fprintf(b, "# %s\nshape: sequence_diagram\n", oneLine(g.Title))
	for _, nd := range g.Nodes {
		fmt.Fprintf(b, "%s: %s\n", n.node(nd.Ref), d2Text(nd.Label))
	}
	depth := 0
	for i, e := range g.Edges {
		for k, f := range g.Frames {
			if f.First == i {
				fmt.Fprintf(b, "%sframe_%d: %s {\n", indent(depth), k+1, d2Text(strings.TrimSpace(f.Kind+" "+f.Label)))
				depth++
			}
		}
		fmt.Fprintf(b, "%s%s -> %s: %s", indent(depth), n.node(e.From), n.node(e.To), d2Text(e.Label))
		if dashed(e.Kind) {
			b.WriteString(" {style.stroke-dash: 4}")
		}
		b.WriteByte('\n')
		for k := len(g.Frames) - 1; k >= 0; k-- {
			if g.Frames[k].Last == i {
				depth--
				fmt.Fprintf(b, "%s}\n", indent(depth))
			}
		}
	}
}

// d2Text quotes; $ would begin a substitution.
func d2Text(s string) string {
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		lines = append(lines, strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(oneLine(l)))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
