package export

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/formats/structurizr"
)

// Structurizr writes a C4 workspace: one software system whose containers are
// services, stores, topics and gateways, grouped as the graph is; external
// systems stand beside it. Properties that begin with "ashlar." say what the
// elements are, so that ashlar discover reads them back.
func Structurizr(g view.Graph) string {
	n := newIDs("workspace", "model", "views", "system", "element", "relationship", "group", "person", "container", "component", "this")
	n.used["main_system"] = true
	w := &structurizr.Workspace{Name: oneLine(g.Title), Appendix: dslViews + dslStyles}
	add := func(e structurizr.Element) { w.Elements = append(w.Elements, e) }
	for _, nd := range g.Nodes {
		switch nd.Kind {
		case view.External:
			add(structurizr.Element{ID: n.node(nd.Ref), Kind: structurizr.SoftwareSystem, Name: oneLine(nd.Label), Description: oneLine(marked(nd.Detail, nd.Badges, nd.Change)), Tags: []string{"external"}, Properties: dslProperties(nd)})
		case view.Person:
			add(structurizr.Element{ID: n.node(nd.Ref), Kind: structurizr.Person, Name: oneLine(nd.Label)})
		}
	}
	add(structurizr.Element{ID: "main_system", Kind: structurizr.SoftwareSystem, Name: oneLine(g.Title)})
	names, around := dslNames(g), []string{"main_system"}
	groupTree(g,
		func(gr view.Group, _ int) {
			add(structurizr.Element{ID: "group/" + gr.ID, Kind: structurizr.Group, Name: oneLine(gr.Label), Parent: around[len(around)-1]})
			around = append(around, "group/"+gr.ID)
		},
		func(nd view.Node, _ int) {
			if nd.Kind == view.External || nd.Kind == view.Person || nd.Kind == view.Event {
				return
			}
			add(structurizr.Element{ID: n.node(nd.Ref), Kind: structurizr.Container, Name: oneLine(names[nd.Ref]), Description: oneLine(marked("", nd.Badges, nd.Change)), Technology: oneLine(nd.Detail),
				Tags: []string{dslTag(nd)}, Properties: dslProperties(nd), Parent: around[len(around)-1]})
		},
		func(view.Group, int) { around = around[:len(around)-1] })
	w.Relationships = dslRelations(g, n)
	return string(w.DSL())
}

// dslProperties say what no word of C4 does.
func dslProperties(n view.Node) map[string]string {
	props := map[string]string{"ashlar.ref": string(n.Ref)}
	if n.Context != "" {
		props["ashlar.context"] = n.Context
	}
	if n.Team != "" && n.Kind == view.Service {
		props["ashlar.team"] = n.Team
	}
	return props
}

const dslViews = `  views {
    container main_system "containers" {
      include *
      autoLayout lr
    }
`

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
func dslRelations(g view.Graph, n *ids) []structurizr.Relationship {
	var out []structurizr.Relationship
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
		tags := []string{string(e.Kind)}
		if dashed(e.Kind) {
			tags = append(tags, "asynchronous")
		}
		out = append(out, structurizr.Relationship{From: n.node(e.From), To: n.node(e.To), Description: oneLine(marked(what, e.Badges, e.Change)), Technology: oneLine(e.Protocol), Tags: tags})
	}
	return slices.Clip(out)
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
