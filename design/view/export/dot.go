package export

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// DOT writes a digraph for Graphviz.
func DOT(g view.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n", dotText(g.Title))
	b.WriteString("  rankdir=LR; labelloc=t; fontname=\"Helvetica\"; compound=true;\n")
	fmt.Fprintf(&b, "  label=%s;\n", dotText(g.Title))
	b.WriteString("  node [fontname=\"Helvetica\", fontsize=11, style=\"filled\", margin=\"0.16,0.08\"];\n")
	b.WriteString("  edge [fontname=\"Helvetica\", fontsize=9, color=\"#4b5a6d\"];\n")
	groupTree(g,
		func(gr view.Group, d int) {
			fmt.Fprintf(&b, "%ssubgraph %s {\n%slabel=%s; style=\"rounded\"; color=\"#c4ccd6\";\n", indent(d+1), dotText("cluster_"+gr.ID), indent(d+2), dotText(gr.Label))
		},
		func(n view.Node, d int) {
			label := marked(n.Label, n.Badges, n.Change)
			if n.Detail != "" {
				label += "\n" + n.Detail
			}
			fmt.Fprintf(&b, "%s%s [label=%s, %s];\n", indent(d+1), dotText(string(n.Ref)), dotText(label), dotShape(n))
		},
		func(_ view.Group, d int) { fmt.Fprintf(&b, "%s}\n", indent(d+1)) })
	for _, e := range g.Edges {
		var at []string
		if text := marked(says(e), e.Badges, e.Change); text != "" {
			at = append(at, "label="+dotText(text))
		}
		if dashed(e.Kind) {
			at = append(at, "style=dashed")
		}
		if e.Kind == view.Read || e.Kind == view.Async || e.Kind == view.Subscribe {
			at = append(at, "arrowhead="+map[bool]string{true: "empty", false: "vee"}[e.Kind == view.Read])
		}
		if c := changeColour(e.Change); c != "" {
			at = append(at, "color=\""+c+"\", penwidth=2")
		}
		tail := ""
		if len(at) > 0 {
			tail = " [" + strings.Join(at, ", ") + "]"
		}
		fmt.Fprintf(&b, "  %s -> %s%s;\n", dotText(string(e.From)), dotText(string(e.To)), tail)
	}
	b.WriteString("}\n")
	return b.String()
}

func dotShape(n view.Node) string {
	shape := `shape=box, style="filled,rounded", fillcolor="#eaf1fb", color="#3462a3"`
	switch m := n.Sign(); {
	case m.Missing:
		shape = `shape=box, style="dashed", color="#b3261e"`
	case m.Role == arch.RoleLoadgen:
		shape = `shape=parallelogram, style="filled,dashed", fillcolor="#f4f5f7", color="#77818d"`
	case m.Role == "infrastructure":
		shape = `shape=octagon, fillcolor="#f4f5f7", color="#77818d"`
	case m.Role == arch.RoleUI:
		shape = `shape=tab, fillcolor="#efedfc", color="#6248ae"`
	case m.Role == arch.RoleJob:
		shape = `shape=component, fillcolor="#eaf1fb", color="#3462a3"`
	case m.Node == view.Store:
		shape = `shape=cylinder, fillcolor="#fdf1da", color="#95650f"`
	case m.Node == view.Table:
		shape = `shape=box, fillcolor="#fdf1da", color="#95650f"`
	case m.Node == view.Topic:
		shape = `shape=cds, fillcolor="#f7e8f6", color="#8c3a8b"`
	case m.Node == view.Event:
		shape = `shape=note, fillcolor="#f7e8f6", color="#8c3a8b"`
	case m.Node == view.Gateway:
		shape = `shape=hexagon, fillcolor="#e2f4ec", color="#1c7556"`
	case m.Node == view.External:
		shape = `shape=box, peripheries=2, fillcolor="#f3f3f1", color="#5f625c"`
	case m.Node == view.Context:
		shape = `shape=ellipse, fillcolor="#eaf1fb", color="#3462a3"`
	}
	if c := changeColour(n.Change); c != "" {
		shape += `, color="` + c + `", penwidth=3`
	}
	return shape
}

func changeColour(c view.Change) string {
	switch c {
	case view.Added:
		return "#1a7f37"
	case view.Removed:
		return "#b3261e"
	case view.Changed:
		return "#9a6700"
	}
	return ""
}

// dotText quotes; a line break in a label stays one.
func dotText(s string) string {
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		lines = append(lines, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(l)))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
