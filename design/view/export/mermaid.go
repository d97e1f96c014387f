package export

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// Mermaid writes a flowchart, or a sequence diagram for a sequence.
func Mermaid(g view.Graph) string {
	if g.Kind == view.KindSequence {
		return mermaidSequence(g)
	}
	var b strings.Builder
	mermaidTitle(&b, g)
	b.WriteString("flowchart LR\n")
	// Words of the language that an id must not be.
	n := newIDs("end", "graph", "subgraph", "flowchart", "class", "style", "click", "default", "direction", "o", "x")
	groupTree(g,
		func(gr view.Group, d int) {
			fmt.Fprintf(&b, "%ssubgraph %s[\"%s\"]\n", indent(d+1), n.id(gr.ID), mermaidText(gr.Label))
		},
		func(nd view.Node, d int) {
			left, right := mermaidShape(nd)
			text := mermaidText(marked(nd.Label, nd.Badges, nd.Change))
			if nd.Detail != "" {
				text += "<br/><small>" + mermaidText(nd.Detail) + "</small>"
			}
			fmt.Fprintf(&b, "%s%s%s\"%s\"%s:::%s\n", indent(d+1), n.node(nd.Ref), left, text, right, mermaidClass(nd))
		},
		func(_ view.Group, d int) { fmt.Fprintf(&b, "%send\n", indent(d+1)) })
	for _, e := range g.Edges {
		arrow := "-->"
		if dashed(e.Kind) {
			arrow = "-.->"
		}
		text := mermaidText(marked(says(e), e.Badges, e.Change))
		if text != "" {
			text = `|"` + text + `"|`
		}
		fmt.Fprintf(&b, "  %s %s%s %s\n", n.node(e.From), arrow, text, n.node(e.To))
	}
	for _, c := range mermaidClasses {
		fmt.Fprintf(&b, "  classDef %s %s\n", c[0], c[1])
	}
	return b.String()
}

func mermaidTitle(b *strings.Builder, g view.Graph) {
	if g.Title != "" {
		fmt.Fprintf(b, "---\ntitle: %q\n---\n", oneLine(g.Title))
	}
}

// The colours of the SVG's light theme; lines are told apart by kind as well.
var mermaidClasses = [][2]string{
	{"service", "fill:#eaf1fb,stroke:#3462a3,color:#1c2430"},
	{"ui", "fill:#efedfc,stroke:#6248ae,color:#1c2430"},
	{"gateway", "fill:#e2f4ec,stroke:#1c7556,color:#1c2430"},
	{"store", "fill:#fdf1da,stroke:#95650f,color:#1c2430"},
	{"topic", "fill:#f7e8f6,stroke:#8c3a8b,color:#1c2430"},
	{"external", "fill:#f3f3f1,stroke:#5f625c,color:#1c2430"},
	{"infrastructure", "fill:#f4f5f7,stroke:#77818d,color:#1c2430"},
	{"missing", "fill:#ffffff,stroke:#b3261e,color:#1c2430,stroke-dasharray:5 4"},
	{"added", "stroke:#1a7f37,stroke-width:3px"},
	{"removed", "stroke:#b3261e,stroke-width:3px,stroke-dasharray:6 4"},
	{"changed", "stroke:#9a6700,stroke-width:3px"},
}

func mermaidClass(n view.Node) string {
	if n.Change != view.Same {
		return string(n.Change)
	}
	switch m := n.Sign(); {
	case m.Missing:
		return "missing"
	case m.Role == arch.RoleUI:
		return "ui"
	case m.Role == "infrastructure", m.Role == arch.RoleLoadgen:
		return "infrastructure"
	case m.Node == view.Gateway:
		return "gateway"
	case m.Node == view.Store, m.Node == view.Table:
		return "store"
	case m.Node == view.Topic, m.Node == view.Event:
		return "topic"
	case m.Node == view.External:
		return "external"
	}
	return "service"
}

func mermaidShape(n view.Node) (left, right string) {
	switch m := n.Sign(); {
	case m.Role == arch.RoleLoadgen:
		return "[/", "/]"
	case m.Role == arch.RoleJob:
		return "[[", "]]"
	case m.Node == view.Store:
		return "[(", ")]"
	case m.Node == view.Gateway:
		return "{{", "}}"
	case m.Node == view.Topic:
		return "([", "])"
	case m.Node == view.Event:
		return ">", "]"
	case m.Node == view.External:
		return "[[", "]]"
	case m.Node == view.Context:
		return "(", ")"
	}
	return "[", "]"
}

var mermaidEscape = strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#", "#35;", "`", "#96;", ";", "#59;")

func mermaidText(s string) string { return mermaidEscape.Replace(oneLine(s)) }

func mermaidSequence(g view.Graph) string {
	var b strings.Builder
	mermaidTitle(&b, g)
	b.WriteString("sequenceDiagram\n")
	n := newIDs("end", "loop", "alt", "opt", "par", "and", "else", "rect", "note", "activate", "participant", "actor")
	for _, nd := range g.Nodes {
		word := "participant"
		if nd.Kind == view.Person {
			word = "actor"
		}
		fmt.Fprintf(&b, "  %s %s as %s\n", word, n.node(nd.Ref), mermaidText(nd.Label))
	}
	depth := 1
	for i, e := range g.Edges {
		for _, f := range g.Frames {
			if f.First == i {
				fmt.Fprintf(&b, "%s%s\n", indent(depth), mermaidFrame(f))
				depth++
			}
			for _, c := range f.Cuts {
				if c.Before == i {
					fmt.Fprintf(&b, "%s%s %s\n", indent(depth-1), map[bool]string{true: "and", false: "else"}[f.Kind == "par"], mermaidText(c.Label))
				}
			}
		}
		arrow := "->>"
		switch {
		case e.Kind == view.Return:
			arrow = "-->>"
		case dashed(e.Kind):
			arrow = "-)"
		}
		text := mermaidText(e.Label)
		if text == "" {
			text = " "
		}
		fmt.Fprintf(&b, "%s%s%s%s: %s\n", indent(depth), n.node(e.From), arrow, n.node(e.To), text)
		for k := len(g.Frames) - 1; k >= 0; k-- {
			if g.Frames[k].Last == i {
				depth--
				fmt.Fprintf(&b, "%send\n", indent(depth))
			}
		}
	}
	return b.String()
}

// mermaidFrame: the language knows par, alt, opt, loop, and rect for the rest,
// which has no text.
func mermaidFrame(f view.Frame) string {
	switch f.Kind {
	case "par", "alt", "opt", "loop":
		return strings.TrimSpace(f.Kind + " " + mermaidText(f.Label))
	}
	return "critical " + mermaidText(strings.TrimSpace(f.Kind+" "+f.Label))
}
