package view

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// leaveOut removes what the options do not want, and says so.
func (b *builder) leaveOut() {
	if b.o.Env != "" {
		if n := b.drop(func(n *Node) bool { return b.elsewhere(n.Ref) }); n > 0 {
			b.note(plural(n, "element that runs", "elements that run") + " only in environments other than " + b.o.Env)
		}
	}
	if !b.o.HideInfrastructure {
		return
	}
	var names []string
	b.drop(func(n *Node) bool {
		if n.Kind != Service || n.Role == arch.RoleGateway || n.Role == arch.RoleIdentity || !arch.Infrastructure(n.Role) {
			return false
		}
		names = append(names, n.Label)
		return true
	})
	if len(names) > 0 {
		slices.Sort(names)
		b.note("infrastructure: " + strings.Join(names, ", "))
	}
}

func (b *builder) note(text string) { b.notes = append(b.notes, text) }

// elsewhere reports whether an element is deployed, but only in environments
// other than the chosen one.
func (b *builder) elsewhere(r arch.Ref) bool {
	other := false
	for key, d := range b.s.Deployments {
		ref := arch.Ref("deployment/" + key)
		if d.Of != r && (d.Of != "" || ref.Name() != r.Name() || r.Kind() != arch.KindService) {
			continue
		}
		if env := ref.Env(); env == "" || env == b.o.Env {
			return false
		}
		other = true
	}
	return other
}

// focus keeps what lies within the radius of one element.
func (b *builder) focus() {
	if b.o.Focus == "" {
		return
	}
	start := b.of(b.o.Focus)
	if b.nodes[start] == nil {
		b.note(start.Short() + " is not in this view, so all of it is shown")
		return
	}
	near := map[arch.Ref]bool{start: true}
	for range b.o.Radius {
		reached := map[arch.Ref]bool{}
		for k := range b.edges {
			if near[k.from] {
				reached[k.to] = true
			}
			if near[k.to] {
				reached[k.from] = true
			}
		}
		for r := range reached {
			near[r] = true
		}
	}
	for r, n := range b.nodes { // what lies inside comes along
		if n.Inside != "" && near[n.Inside] {
			near[r] = true
		}
	}
	if n := b.drop(func(n *Node) bool { return !near[n.Ref] }); n > 0 {
		b.note(plural(n, "element", "elements") + " further than " + plural(b.o.Radius, "step", "steps") + " from " + start.Short())
	}
}

// badges hangs findings on what stands for their elements.
func (b *builder) badges() {
	lost := 0
	for _, f := range b.o.Findings {
		switch {
		case f.From != "" && f.To != "":
			if !b.edgeBadge(f) {
				lost++
			}
		default:
			n := b.nodes[b.of(f.Of)]
			if n == nil {
				lost++
				continue
			}
			n.Badges = append(n.Badges, f.Badge)
		}
	}
	for _, n := range b.nodes {
		slices.SortFunc(n.Badges, compareBadges)
	}
	for _, e := range b.edges {
		slices.SortFunc(e.Badges, compareBadges)
	}
	if lost > 0 {
		b.note(plural(lost, "finding", "findings") + " on elements that this view leaves out")
	}
}

// edgeBadge hangs a finding on the first arrow from one element to another that
// is there; on their nodes when a store lies inside its service.
func (b *builder) edgeBadge(f Finding) bool {
	from, to := b.of(f.From), b.of(f.To)
	if n := b.nodes[to]; n != nil && n.Inside == from {
		n.Badges = append(n.Badges, f.Badge)
		return true
	}
	for _, k := range []EdgeKind{Sync, Async, Route, Write, Read, Use, Publish, Subscribe, DeadLetter, Relation, Reference} {
		for _, key := range []edgeKey{{from, to, k}, {to, from, k}} {
			if key.from == to && k != Subscribe { // only there an arrow runs against the call
				continue
			}
			if e := b.edges[key]; e != nil {
				e.Badges = append(e.Badges, f.Badge)
				return true
			}
		}
	}
	if n := b.nodes[from]; from == to && n != nil {
		n.Badges = append(n.Badges, f.Badge)
		return true
	}
	return false
}

// placeInGroups puts nodes into contexts or teams. What has none of its own goes
// where the one who owns it, or all who use it, are.
func (b *builder) placeInGroups() {
	by := b.o.Group
	if by == "" {
		by = NoGroups
		for _, n := range b.nodes {
			if n.Context != "" {
				by = ByContext
			}
		}
	}
	if by == NoGroups {
		return
	}
	for _, r := range arch.Sorted(b.nodes) {
		n := b.nodes[r]
		if by == ByTeam && n.Kind != External && n.Team != "" {
			n.Group = b.group(Group{ID: "team/" + n.Team, Ref: arch.NewRef(arch.KindTeam, n.Team), Kind: "team", Label: n.Team})
		}
		if by == ByContext && n.Context != "" {
			n.Group = b.group(Group{ID: "context/" + n.Context, Ref: arch.NewRef(arch.KindContext, n.Context), Kind: "context", Label: n.Context})
		}
	}
	for _, r := range arch.Sorted(b.nodes) {
		if n := b.nodes[r]; n.Group == "" && !n.Missing {
			n.Group = b.adopted(r, n)
		}
	}
}

func (b *builder) adopted(r arch.Ref, n *Node) string {
	switch n.Kind {
	case Store:
		if n.Inside != "" {
			return b.nodes[n.Inside].Group
		}
		if o := b.nodes[b.s.Stores[r.Name()].Owner]; o != nil {
			return o.Group
		}
	case Topic:
	default:
		return ""
	}
	group, first := "", true
	for k := range b.edges {
		other := k.from
		if k.from == r || (n.Kind == Topic && k.kind == Subscribe) {
			continue
		}
		if k.to != r {
			continue
		}
		g := b.nodes[other].Group
		if !first && g != group {
			return ""
		}
		group, first = g, false
	}
	return group
}

// A hub of infrastructure becomes stubs from so many edges on; a gateway needs
// more, since its edges are the way in.
const (
	stubsFrom        = 6
	stubsFromGateway = 10
)

// stubs marks the edges of hubs. What has a finding stays a line.
func stubs(g *Graph) {
	hubs := map[arch.Ref]int{}
	limit := map[arch.Ref]int{}
	for _, n := range g.Nodes {
		if n.hub() {
			limit[n.Ref] = stubsFrom
			if n.Kind == Gateway || n.Role == arch.RoleGateway {
				limit[n.Ref] = stubsFromGateway
			}
		}
	}
	for _, e := range g.Edges {
		hubs[e.From]++
		hubs[e.To]++
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		for _, r := range []arch.Ref{e.From, e.To} {
			if limit[r] > 0 && hubs[r] >= limit[r] && len(e.Badges) == 0 && e.Change == Same && !g.single(e, r) {
				e.Stub = true
			}
		}
	}
}

// single reports whether an edge at a hub comes from a user interface, a load
// generator or another hub: the few that show where the hub stands.
func (g *Graph) single(e *Edge, hub arch.Ref) bool {
	other := e.From
	if other == hub {
		other = e.To
	}
	n, _ := g.Node(other)
	return n.hub() || n.Role == arch.RoleUI || n.Role == arch.RoleLoadgen || n.Kind == External
}

// label decides which edges say something, and what.
func label(g *Graph, want Labels) {
	if want == NoLabels {
		return
	}
	protocols := map[string]int{}
	drawn, calls := 0, 0
	for _, e := range g.Edges {
		if e.Kind == Sync || e.Kind == Async {
			protocols[e.Protocol]++
			calls++
		}
		if n, _ := g.Node(e.To); n.Inside != e.From && !e.Stub {
			drawn++
		}
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		if e.Label != "" {
			continue
		}
		var parts []string
		if r, ok := e.Rate.Get(); ok && (want == AllLabels || drawn <= 60) {
			parts = append(parts, PerSecond(r))
		}
		// A protocol that nearly all share tells nobody anything.
		rare := protocols[e.Protocol]*2 < calls
		if e.Protocol != "" && (want == AllLabels || rare && drawn <= 25 && (e.Kind == Sync || e.Kind == Async)) {
			parts = append(parts, e.Protocol)
		}
		e.Label = strings.Join(parts, " ")
	}
}

func subtitle(g Graph) string {
	count := map[NodeKind]int{}
	missing := 0
	for _, n := range g.Nodes {
		if n.Missing {
			missing++
			continue
		}
		count[n.Kind]++
	}
	var parts []string
	for _, k := range []struct {
		kind      NodeKind
		one, many string
	}{{Context, "context", "contexts"}, {Service, "service", "services"}, {Store, "store", "stores"}, {Table, "table", "tables"}, {Topic, "topic", "topics"},
		{Event, "event", "events"}, {Gateway, "gateway", "gateways"}, {External, "external system", "external systems"}} {
		if n := count[k.kind]; n > 0 {
			parts = append(parts, plural(n, k.one, k.many))
		}
	}
	if len(g.Edges) > 0 {
		parts = append(parts, plural(len(g.Edges), "connection", "connections"))
	}
	if missing > 0 {
		parts = append(parts, plural(missing, "name that nothing describes", "names that nothing describes"))
	}
	return strings.Join(parts, ", ")
}
