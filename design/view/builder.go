package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// builder gathers nodes and edges under keys, so that many call sites become one
// arrow, and puts them in order at the end.
type builder struct {
	s     arch.System
	o     Options
	kind  Kind
	nodes map[arch.Ref]*Node
	edges map[edgeKey]*Edge
	said  map[edgeKey]map[Fact]bool // facts that an edge already has
	// home maps an element to the node that stands for it: a gateway's
	// configuration to the service that runs it.
	home   map[arch.Ref]arch.Ref
	groups map[string]Group
	notes  []string
}

type edgeKey struct {
	from, to arch.Ref
	kind     EdgeKind
}

func newBuilder(k Kind, s arch.System, o *Options) *builder {
	b := &builder{s: s, kind: k, nodes: map[arch.Ref]*Node{}, edges: map[edgeKey]*Edge{}, said: map[edgeKey]map[Fact]bool{},
		home: map[arch.Ref]arch.Ref{}, groups: map[string]Group{}}
	if o != nil {
		b.o = *o
	}
	b.o.Radius = max(1, b.o.Radius)
	for _, name := range arch.Sorted(s.Gateways) {
		if svc := s.Gateways[name].Service; svc.Kind() == arch.KindService && s.Has(svc) {
			b.home[arch.NewRef(arch.KindGateway, name)] = svc
		}
	}
	for _, name := range arch.Sorted(s.Sagas) {
		if owner := s.Sagas[name].Owner; owner != "" && owner.Kind() != arch.KindSaga {
			b.home[arch.NewRef(arch.KindSaga, name)] = owner
		}
	}
	return b
}

// of is the node that stands for an element in this picture.
func (b *builder) of(r arch.Ref) arch.Ref {
	switch r.Kind() {
	case arch.KindDeployment:
		if _, ok := b.nodes[r]; ok {
			return r
		}
		if d, ok := b.s.Deployments[arch.DeploymentKey(r.Env(), r.Name())]; ok && d.Of != "" {
			return b.of(d.Of)
		}
		return arch.NewRef(arch.KindService, r.Name())
	case arch.KindOp, arch.KindTable:
		if _, ok := b.nodes[r]; ok {
			return r
		}
		return b.of(r.Parent())
	}
	if h, ok := b.home[r]; ok && h != r {
		return b.of(h)
	}
	return r
}

// node adds a node, or returns the one that is there.
func (b *builder) node(n Node) *Node {
	if old, ok := b.nodes[n.Ref]; ok {
		return old
	}
	if n.Label == "" {
		n.Label = n.Ref.Short()
	}
	b.nodes[n.Ref] = &n
	return &n
}

// edge adds an arrow between what stands for two elements; nil when that is one
// and the same. Ends that nothing describes become missing nodes.
func (b *builder) edge(from, to arch.Ref, k EdgeKind) *Edge {
	from, to = b.of(from), b.of(to)
	if from == to || from == "" || to == "" {
		return nil
	}
	for _, r := range []arch.Ref{from, to} {
		if _, ok := b.nodes[r]; !ok {
			b.node(Node{Ref: r, Kind: nodeKind(r), Missing: true})
		}
	}
	key := edgeKey{from, to, k}
	e, ok := b.edges[key]
	if !ok {
		e = &Edge{From: from, To: to, Kind: k}
		b.edges[key] = e
		b.said[key] = map[Fact]bool{}
	}
	return e
}

// say adds a fact to an edge, once.
func (b *builder) say(e *Edge, name, value string) {
	f, seen := Fact{name, value}, b.said[edgeKey{e.From, e.To, e.Kind}]
	if value == "" || seen[f] {
		return
	}
	seen[f] = true
	e.Facts = append(e.Facts, f)
}

func nodeKind(r arch.Ref) NodeKind {
	switch r.Kind() {
	case arch.KindStore:
		return Store
	case arch.KindTable:
		return Table
	case arch.KindTopic:
		return Topic
	case arch.KindGateway:
		return Gateway
	case arch.KindExternal:
		return External
	case arch.KindContext:
		return Context
	}
	return Service
}

func (b *builder) group(g Group) string {
	if _, ok := b.groups[g.ID]; !ok {
		b.groups[g.ID] = g
	}
	return g.ID
}

// drop removes nodes and what hangs on them.
func (b *builder) drop(gone func(*Node) bool) int {
	n := 0
	for r, node := range b.nodes {
		if gone(node) {
			delete(b.nodes, r)
			n++
		}
	}
	for k := range b.edges {
		if b.nodes[k.from] == nil || b.nodes[k.to] == nil {
			delete(b.edges, k)
		}
	}
	return n
}

// graph puts everything in order.
func (b *builder) graph() Graph {
	b.leaveOut()
	b.focus()
	b.badges()
	g := Graph{Kind: b.kind, Title: b.title(), Notes: b.notes}
	for _, n := range b.nodes {
		g.Nodes = append(g.Nodes, *n)
	}
	slices.SortFunc(g.Nodes, func(x, y Node) int { return cmp.Compare(x.Ref, y.Ref) })
	for _, e := range b.edges {
		g.Edges = append(g.Edges, *e)
	}
	slices.SortFunc(g.Edges, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To), cmp.Compare(x.Kind, y.Kind))
	})
	g.Groups = b.usedGroups()
	stubs(&g)
	label(&g, b.o.Labels)
	g.Subtitle = subtitle(g)
	g.Legend = legend(g)
	return g
}

func (b *builder) title() string {
	what := map[Kind]string{KindServices: "Services", KindContexts: "Context map", KindData: "Data ownership", KindEvents: "Events", KindDeployment: "Deployment", KindSequence: "Journey", KindDiff: "What changed"}[b.kind]
	t := cmp.Or(b.o.Title, strings.TrimPrefix(b.s.Name+": "+what, ": "))
	if b.o.Env != "" && b.o.Title == "" {
		t += " (" + b.o.Env + ")"
	}
	return t
}

// usedGroups lists the groups that hold a node, and the ones around them, each
// after the one around it.
func (b *builder) usedGroups() []Group {
	used := map[string]bool{}
	for _, n := range b.nodes {
		for id := n.Group; id != "" && !used[id]; id = b.groups[id].Parent {
			used[id] = true
		}
	}
	depth := func(g Group) int {
		d := 0
		for g.Parent != "" {
			g, d = b.groups[g.Parent], d+1
		}
		return d
	}
	var gs []Group
	for id := range used {
		gs = append(gs, b.groups[id])
	}
	slices.SortFunc(gs, func(x, y Group) int { return cmp.Or(depth(x)-depth(y), cmp.Compare(x.ID, y.ID)) })
	return gs
}
