package export

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// Structurizr writes a C4 workspace: one software system whose containers are
// services, stores, topics and gateways, grouped as the graph is; external
// systems stand beside it.
func Structurizr(g view.Graph) string {
	var b strings.Builder
	n := newIDs("workspace", "model", "views", "system", "element", "relationship", "group", "person", "container", "component", "this")
	n.used["system"] = true
	fmt.Fprintf(&b, "workspace %s {\n  !identifiers flat\n  model {\n", dslText(g.Title))
	for _, nd := range g.Nodes {
		switch nd.Kind {
		case view.External:
			fmt.Fprintf(&b, "    %s = softwareSystem %s %s \"external\"\n", n.node(nd.Ref), dslText(nd.Label), dslText(marked(nd.Detail, nd.Badges, nd.Change)))
		case view.Person:
			fmt.Fprintf(&b, "    %s = person %s\n", n.node(nd.Ref), dslText(nd.Label))
		}
	}
	fmt.Fprintf(&b, "    main_system = softwareSystem %s {\n", dslText(g.Title))
	names := dslNames(g)
	groupTree(g,
		func(gr view.Group, d int) { fmt.Fprintf(&b, "%sgroup %s {\n", indent(d+3), dslText(gr.Label)) },
		func(nd view.Node, d int) {
			if nd.Kind == view.External || nd.Kind == view.Person || nd.Kind == view.Event {
				return
			}
			fmt.Fprintf(&b, "%s%s = container %s %s %s %s\n", indent(d+3), n.node(nd.Ref), dslText(names[nd.Ref]), dslText(marked("", nd.Badges, nd.Change)), dslText(nd.Detail), dslText(dslTag(nd)))
		},
		func(_ view.Group, d int) { fmt.Fprintf(&b, "%s}\n", indent(d+3)) })
	b.WriteString("    }\n")
	dslRelations(&b, g, n)
	b.WriteString("  }\n  views {\n    container main_system \"containers\" {\n      include *\n      autoLayout lr\n    }\n")
	b.WriteString(dslStyles)
	b.WriteString("  }\n}\n")
	return b.String()
}

const dslStyles = `    styles {
      element "store" {
        shape cylinder
      }
      element "topic" {
        shape pipe
      }
      element "gateway" {
        shape hexagon
      }
      element "ui" {
        shape webBrowser
      }
      element "infrastructure" {
        shape component
        background #f4f5f7
        color #1c2430
      }
      element "load generator" {
        shape robot
        background #f4f5f7
        color #1c2430
      }
      element "missing" {
        border dashed
        background #ffffff
        color #b3261e
      }
      relationship "asynchronous" {
        style dashed
      }
    }
`

// dslNames: the names of containers must differ, also between a service and a
// topic.
func dslNames(g view.Graph) map[arch.Ref]string {
	seen := map[string]int{}
	for _, n := range g.Nodes {
		seen[strings.ToLower(n.Label)]++
	}
	names := map[arch.Ref]string{}
	for _, n := range g.Nodes {
		names[n.Ref] = n.Label
		if seen[strings.ToLower(n.Label)] > 1 {
			names[n.Ref] = n.Label + " (" + string(n.Kind) + ")"
		}
	}
	return names
}

// dslRelations: two elements may have one relation of a description only.
func dslRelations(b *strings.Builder, g view.Graph, n *ids) {
	for _, e := range g.Edges {
		from, _ := g.Node(e.From)
		to, _ := g.Node(e.To)
		if from.Kind == view.Event || to.Kind == view.Event {
			continue
		}
		what := says(e)
		if what == "" || e.Label != "" && (e.Kind == view.Sync || e.Kind == view.Async) {
			what = strings.TrimSpace(map[bool]string{true: "routes to", false: "calls"}[e.Kind == view.Route] + " " + what)
		}
		tags := string(e.Kind)
		if dashed(e.Kind) {
			tags += ",asynchronous"
		}
		fmt.Fprintf(b, "    %s -> %s %s %s %s\n", n.node(e.From), n.node(e.To), dslText(marked(what, e.Badges, e.Change)), dslText(e.Protocol), dslText(tags))
	}
}

func dslTag(n view.Node) string {
	m := n.Sign()
	switch {
	case m.Missing:
		return "missing"
	case m.Role == arch.RoleLoadgen:
		return "load generator"
	case m.Role != "" && m.Node != view.Store:
		return m.Role
	}
	return string(m.Node)
}

func dslText(s string) string {
	return `"` + strings.NewReplacer(`\`, `/`, `"`, `'`, "\n", " ", "${", "$ {").Replace(oneLine(s)) + `"`
}
