package layout

import (
	"fmt"
	"math"
	"strconv"

	elk "github.com/d2lang/elk-go"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

// layered runs the layout engine. Node i of the graph has the ID "n<i>" there,
// group i "g<i>", edge i "e<i>".
func layered(g view.Graph, direction string) (Placed, error) {
	l := &layering{g: g, boxes: measure(g), byRef: map[arch.Ref]int{}, linked: map[int]bool{}, side: [2]string{"WEST", "EAST"}, nodes: map[int]*elk.Node{}}
	if direction == "down" {
		l.side = [2]string{"NORTH", "SOUTH"}
	}
	root := l.build(direction)
	if err := run(root); err != nil {
		return Placed{}, fmt.Errorf("laying out %d nodes and %d edges: %w", len(g.Nodes), len(g.Edges), err)
	}
	p := l.read(root)
	l.loose(&p)
	return p, nil
}

// run turns a panic of the engine into an error: a picture that fails must not
// take a review with it.
func run(root *elk.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the layout engine gave up: %v", r)
		}
	}()
	return elk.Layout(root)
}

type layering struct {
	g      view.Graph
	boxes  []Box
	byRef  map[arch.Ref]int
	linked map[int]bool // nodes with an edge that is drawn
	side   [2]string    // where edges come in and go out
	nodes  map[int]*elk.Node
}

func id(prefix string, i int) elk.ID { return elk.StringID(prefix + strconv.Itoa(i)) }

func (l *layering) build(direction string) *elk.Node {
	root := &elk.Node{ID: elk.StringID("root"), LayoutOptions: options(l.g, direction), Children: []*elk.Node{}}
	for i, n := range l.g.Nodes {
		l.byRef[n.Ref] = i
	}
	for _, e := range l.g.Edges {
		if l.drawn(e) {
			l.linked[l.outer(e.From)], l.linked[l.outer(e.To)] = true, true
		}
	}
	groups := map[string]*elk.Node{}
	for i, gr := range l.g.Groups {
		head := GroupFont.Width(gr.Label) + 24
		opts := options(l.g, direction) // spacing does not come down from the root
		opts["elk.padding"] = "[top=34,left=16,bottom=16,right=16]"
		opts["elk.nodeSize.constraints"] = "[MINIMUM_SIZE]"
		opts["elk.nodeSize.minimum"] = fmt.Sprintf("(%d,40)", int(math.Ceil(head)))
		n := &elk.Node{ID: id("g", i), LayoutOptions: opts}
		groups[gr.ID] = n
		parent := groups[gr.Parent]
		if parent == nil {
			parent = root
		}
		parent.Children = append(parent.Children, n)
	}
	for i, n := range l.g.Nodes {
		if n.Inside != "" || groups[n.Group] == nil && !l.linked[i] {
			continue
		}
		b := l.boxes[i]
		leaf := &elk.Node{ID: id("n", i), Width: elk.Float64(b.W), Height: elk.Float64(b.H), LayoutOptions: elk.LayoutOptions{}}
		parent := groups[n.Group]
		if parent == nil {
			parent = root
		}
		parent.Children = append(parent.Children, leaf)
		l.nodes[i] = leaf
	}
	l.edges(root)
	return root
}

// drawn: an edge into a compartment says nothing that the compartment does not.
func (l *layering) drawn(e view.Edge) bool {
	from, to := l.g.Nodes[l.byRef[e.From]], l.g.Nodes[l.byRef[e.To]]
	return !e.Stub && from.Inside != to.Ref && to.Inside != from.Ref
}

// outer is the node that an edge ends at: a compartment's edges end at what
// it lies in.
func (l *layering) outer(r arch.Ref) int {
	n := l.byRef[r]
	if in := l.g.Nodes[n].Inside; in != "" {
		return l.byRef[in]
	}
	return n
}

// From so many like edges on, those of one side of a node leave as one line that
// branches, or join before they arrive.
const (
	branchFrom = 4
	joinFrom   = 4
)

// edges adds the edges. Lines that share a piece must never suggest an edge that
// is not there, so an edge shares a piece at one of its ends at most: of two
// trees that met in one line, every root would seem to lead to every leaf.
func (l *layering) edges(root *elk.Node) {
	type end struct {
		node int
		kind view.EdgeKind
		out  bool
	}
	count := map[end]int{}
	plain := func(e view.Edge) bool { return e.Label == "" && len(e.Badges) == 0 && e.Change == view.Same }
	for _, e := range l.g.Edges {
		if l.drawn(e) && plain(e) {
			count[end{l.outer(e.From), e.Kind, true}]++
			count[end{l.outer(e.To), e.Kind, false}]++
		}
	}
	ports := map[end]elk.ID{}
	port := func(at end) elk.ID {
		if p, ok := ports[at]; ok {
			return p
		}
		p, side := id("p", len(ports)), l.side[0]
		if at.out {
			side = l.side[1]
		}
		n := l.nodes[at.node]
		n.LayoutOptions["elk.portConstraints"] = "FIXED_SIDE"
		n.Ports = append(n.Ports, &elk.Port{ID: p, Width: elk.Float64(0), Height: elk.Float64(0), LayoutOptions: elk.LayoutOptions{"elk.port.side": side}})
		ports[at] = p
		return p
	}
	for i, e := range l.g.Edges {
		if !l.drawn(e) {
			continue
		}
		from, to := l.outer(e.From), l.outer(e.To)
		source, target := id("n", from), id("n", to)
		out, in := end{from, e.Kind, true}, end{to, e.Kind, false}
		switch {
		case !plain(e):
		case count[out] >= branchFrom && count[out] >= count[in]:
			source = port(out)
		case count[in] >= joinFrom:
			target = port(in)
		}
		root.Edges = append(root.Edges, l.edge(i, e, source, target))
	}
}

func (l *layering) edge(i int, e view.Edge, source, target elk.ID) *elk.Edge {
	out := &elk.Edge{ID: id("e", i), Sources: []elk.ID{source}, Targets: []elk.ID{target}}
	if e.Label != "" || len(e.Badges) > 0 {
		text := SmallFont.Cut(e.Label, maxLabel)
		lid := id("l", i)
		shown := text
		if shown == "" {
			shown = "!" // the engine leaves a label without text where it is
		}
		w, h := 0., detailLine
		if text != "" {
			w = SmallFont.Width(text) + 6
		}
		if len(e.Badges) > 0 {
			w, h = w+BadgeSize, BadgeSize
		}
		out.Labels = []*elk.Label{{ID: &lid, Text: &shown, Width: elk.Float64(w), Height: elk.Float64(h),
			LayoutOptions: elk.LayoutOptions{"elk.edgeLabels.inline": "true", "elk.edgeLabels.placement": "CENTER"}}}
	}
	return out
}

func options(g view.Graph, direction string) elk.LayoutOptions {
	dir := map[string]string{"right": "RIGHT", "down": "DOWN"}[direction]
	between := "56"
	if len(g.Edges) > 60 {
		between = "72" // the more edges, the more lanes between two layers
	}
	return elk.LayoutOptions{
		"elk.algorithm":         "layered",
		"elk.direction":         dir,
		"elk.hierarchyHandling": "INCLUDE_CHILDREN",
		"elk.edgeRouting":       "ORTHOGONAL",
		"elk.padding":           "[top=8,left=8,bottom=8,right=8]",
		"elk.spacing.nodeNode":  "22",
		"elk.layered.spacing.nodeNodeBetweenLayers":      between,
		"elk.layered.spacing.edgeNodeBetweenLayers":      "18",
		"elk.layered.spacing.edgeEdgeBetweenLayers":      "9",
		"elk.spacing.edgeNode":                           "14",
		"elk.spacing.edgeEdge":                           "9",
		"elk.spacing.componentComponent":                 "28",
		"elk.layered.nodePlacement.strategy":             "NETWORK_SIMPLEX",
		"elk.layered.crossingMinimization.strategy":      "LAYER_SWEEP",
		"elk.layered.considerModelOrder.strategy":        "NONE",
		"elk.layered.thoroughness":                       strconv.Itoa(tries(len(g.Edges))),
		"elk.layered.cycleBreaking.strategy":             "GREEDY",
		"elk.layered.nodePlacement.favorStraightEdges":   "true",
		"elk.layered.compaction.postCompaction.strategy": "NONE",
		"elk.randomSeed":                                 "1",
	}
}

// tries is how often the engine looks for fewer crossings: often while that is
// cheap.
func tries(edges int) int { return min(40, max(7, 2400/(edges+1))) }

func (l *layering) read(root *elk.Node) Placed {
	p := Placed{Graph: l.g, NodeBoxes: l.boxes, GroupBoxes: make([]Rect, len(l.g.Groups)), Routes: make([]Path, len(l.g.Edges)),
		Width: elk.Number(root.Width), Height: elk.Number(root.Height)}
	at := map[string]Point{}
	var walk func(n *elk.Node, x, y float64)
	walk = func(n *elk.Node, x, y float64) {
		x, y = x+elk.Number(n.X), y+elk.Number(n.Y)
		at[n.ID.String()] = Point{x, y}
		if name := n.ID.String(); name != "root" {
			i, _ := strconv.Atoi(name[1:]) // our own IDs
			if name[0] == 'g' {
				p.GroupBoxes[i] = Rect{x, y, elk.Number(n.Width), elk.Number(n.Height)}
			} else {
				p.NodeBoxes[i].X, p.NodeBoxes[i].Y = x, y
			}
		}
		for _, c := range n.Children {
			walk(c, x, y)
		}
	}
	walk(root, 0, 0)
	for _, e := range root.Edges {
		i, _ := strconv.Atoi(e.ID.String()[1:])
		off := Point{}
		if e.Container != nil {
			off = at[e.Container.String()]
		}
		p.Routes[i] = route(e, off)
		p.Routes[i].Text = SmallFont.Cut(l.g.Edges[i].Label, maxLabel)
	}
	l.compartments(&p)
	return p
}

// compartments moves rows along with the nodes that they lie in.
func (l *layering) compartments(p *Placed) {
	for i, n := range l.g.Nodes {
		if n.Inside != "" {
			around := p.NodeBoxes[l.byRef[n.Inside]]
			p.NodeBoxes[i].X = around.X
			p.NodeBoxes[i].Y += around.Y
		}
	}
}

func route(e *elk.Edge, off Point) Path {
	var p Path
	add := func(q *elk.Point) {
		if q != nil {
			p.Points = append(p.Points, Point{q.X + off.X, q.Y + off.Y})
		}
	}
	for _, s := range e.Sections {
		add(s.StartPoint)
		for i := range s.BendPoints {
			add(&s.BendPoints[i])
		}
		add(s.EndPoint)
	}
	for _, j := range e.JunctionPoints {
		p.Joins = append(p.Joins, Point{j.X + off.X, j.Y + off.Y})
	}
	for _, lb := range e.Labels {
		p.Label = Rect{elk.Number(lb.X) + off.X, elk.Number(lb.Y) + off.Y, elk.Number(lb.Width), elk.Number(lb.Height)}
	}
	return p
}
