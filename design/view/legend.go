package view

import "github.com/ashlar-dev/ashlar/arch"

// signs is every sign there is, in the order of a legend.
var signs = []Mark{
	{Node: Person, Text: "user"},
	{Node: Context, Text: "bounded context"},
	{Node: Service, Role: arch.RoleUI, Text: "user interface"},
	{Node: Service, Text: "service"},
	{Node: Service, Role: arch.RoleJob, Text: "job"},
	{Node: Gateway, Text: "gateway"},
	{Node: Service, Role: "infrastructure", Text: "infrastructure"},
	{Node: Service, Role: arch.RoleLoadgen, Text: "load generator"},
	{Node: Store, Text: "store"},
	{Node: Store, Role: "cache", Text: "cache"},
	{Node: Table, Text: "table"},
	{Node: Topic, Text: "topic or queue"},
	{Node: Event, Text: "event"},
	{Node: External, Text: "external system"},
	{Missing: true, Text: "named, but not described anywhere"},
	{Edge: Sync, Text: "call, waits for the answer"},
	{Edge: Async, Text: "call, does not wait"},
	{Edge: Route, Text: "route"},
	{Edge: Read, Text: "reads"},
	{Edge: Write, Text: "writes"},
	{Edge: Use, Text: "uses; reads or writes, not known which"},
	{Edge: Publish, Text: "publishes"},
	{Edge: Subscribe, Text: "is read by"},
	{Edge: DeadLetter, Text: "dead letters"},
	{Edge: Relation, Text: "relation"},
	{Edge: Reference, Text: "foreign key"},
	{Edge: Return, Text: "answer"},
	{Edge: Undo, Text: "undoes"},
	{Stub: true, Text: "leads here; its lines are left out"},
	{Severity: Critical, Text: "finding: critical"},
	{Severity: High, Text: "high"},
	{Severity: Medium, Text: "medium"},
	{Severity: Low, Text: "low"},
	{Severity: Info, Text: "info"},
	{Change: Added, Text: "added"},
	{Change: Removed, Text: "removed"},
	{Change: Changed, Text: "changed"},
}

// Sign is the mark that a node is drawn with: infrastructure looks alike
// whatever its role, a service in the role of a gateway like a gateway.
func (n Node) Sign() Mark {
	m := Mark{Node: n.Kind, Role: n.Role}
	switch {
	case n.Missing:
		return Mark{Missing: true}
	case n.Kind == Store && n.Role == "cache":
	case n.Kind != Service:
		m.Role = ""
	case n.Role == arch.RoleGateway:
		return Mark{Node: Gateway}
	case n.Role == arch.RoleUI, n.Role == arch.RoleJob, n.Role == arch.RoleLoadgen:
	case arch.Infrastructure(n.Role):
		m.Role = "infrastructure"
	default:
		m.Role = ""
	}
	return m
}

// legend lists the signs that a graph uses.
func legend(g Graph) []Mark {
	used := map[Mark]bool{}
	inside := map[[2]arch.Ref]bool{}
	badges := func(bs []Badge) {
		for _, b := range bs {
			used[Mark{Severity: b.Severity}] = true
		}
	}
	for _, n := range g.Nodes {
		used[n.Sign()] = true
		badges(n.Badges)
		used[Mark{Change: n.Change}] = true
		if n.Inside != "" {
			inside[[2]arch.Ref{n.Inside, n.Ref}] = true
		}
	}
	for _, e := range g.Edges {
		switch {
		case e.Stub:
			used[Mark{Stub: true}] = true
		case !inside[[2]arch.Ref{e.From, e.To}]:
			used[Mark{Edge: e.Kind}] = true
		}
		badges(e.Badges)
		used[Mark{Change: e.Change}] = true
	}
	var out []Mark
	for _, s := range signs {
		key := s
		key.Text = ""
		if used[key] {
			out = append(out, s)
		}
	}
	return out
}
