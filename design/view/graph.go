// Package view turns a system into pictures as plain data: a [Graph] says what
// is drawn and what it means, and nothing of where or in which colour.
//
// Each view is a pure function of a system: [Services], [Contexts],
// [DataOwnership], [Events], [Deployment], [Sequence], and [Diff] of two
// systems. Package layout places a graph on a plane, package svg paints a placed
// graph, and package export writes a graph in the languages of other tools.
//
// Graphs are deterministic: the same system and options give the same graph, in
// the same order.
package view

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

// Kind names a view.
type Kind string

const (
	KindServices   Kind = "services"
	KindContexts   Kind = "contexts"
	KindData       Kind = "data"
	KindEvents     Kind = "events"
	KindDeployment Kind = "deployment"
	KindSequence   Kind = "sequence"
	KindDiff       Kind = "diff"
)

// Graph is one picture. Nodes are sorted by Ref, groups by ID (parents before
// children), edges by From, To and Kind, save for a sequence, whose nodes stand
// in order of appearance and whose edges stand in order of time.
type Graph struct {
	Kind     Kind
	Title    string
	Subtitle string // what is in the picture: "11 services, 2 stores"
	Nodes    []Node
	Edges    []Edge
	Groups   []Group
	Frames   []Frame  // of a sequence
	Legend   []Mark   // what the signs in this picture mean
	Notes    []string // what is not in the picture, and why
}

// NodeKind is what a node stands for.
type NodeKind string

const (
	Service  NodeKind = "service"
	Store    NodeKind = "store"
	Topic    NodeKind = "topic"
	Gateway  NodeKind = "gateway"
	External NodeKind = "external"
	Context  NodeKind = "context"
	Table    NodeKind = "table"
	Event    NodeKind = "event"
	Person   NodeKind = "person" // who starts a journey
)

// Node is one thing in a picture. Its Ref is unique in the graph.
type Node struct {
	Ref    arch.Ref
	Kind   NodeKind
	Role   string // of a service: arch.RoleUI and so on; of a store: "cache" or ""
	Label  string
	Detail string // a second, smaller line: "go", "postgres"
	Group  string // ID of the group that it lies in, or ""
	// Inside is the node that this one is drawn within: a store that one service
	// alone uses is a compartment of that service. Formats that cannot draw this
	// draw the edge between the two instead.
	Inside  arch.Ref
	Context string
	Team    string
	// Missing: something names it, nothing describes it.
	Missing bool
	Badges  []Badge
	Facts   []Fact
	Change  Change
}

// EdgeKind is what an edge stands for.
type EdgeKind string

const (
	Sync       EdgeKind = "sync"  // the caller waits for the answer
	Async      EdgeKind = "async" // the caller does not wait
	Route      EdgeKind = "route" // a gateway leads requests there
	Read       EdgeKind = "read"
	Write      EdgeKind = "write" // reads, perhaps, and writes
	Use        EdgeKind = "use"   // of a store; whether it writes is not known
	Publish    EdgeKind = "publish"
	Subscribe  EdgeKind = "subscribe"   // from the topic to who reads it
	DeadLetter EdgeKind = "dead-letter" // from a topic to where it puts what nobody could handle
	Relation   EdgeKind = "relation"    // between contexts
	Reference  EdgeKind = "reference"   // a foreign key
	Return     EdgeKind = "return"      // of a sequence: the answer
	Undo       EdgeKind = "undo"        // of a saga
)

// Edge is an arrow. From, To and Kind are unique together, save in a sequence.
type Edge struct {
	From, To arch.Ref
	Kind     EdgeKind
	Label    string
	Protocol string
	Calls    int               // call sites that it stands for
	Rate     arch.Opt[float64] // per second, summed over the call sites whose rate is known
	// Stub: one end is a hub of infrastructure with so many edges that lines would
	// hide the rest; a sign at the other end, naming the hub, says the same.
	Stub   bool
	Badges []Badge
	Facts  []Fact
	Change Change
}

// Hub is the end of a stub that the sign names: the one with infrastructure's
// role.
func (g Graph) Hub(e Edge) arch.Ref {
	if n, ok := g.Node(e.From); ok && n.hub() {
		return e.From
	}
	return e.To
}

func (n Node) hub() bool {
	return n.Kind == Gateway || n.Kind == Service && arch.Infrastructure(n.Role) && n.Role != arch.RoleLoadgen
}

// ID names the edge in its graph, save in a sequence.
func (e Edge) ID() string { return string(e.From) + " " + string(e.Kind) + " " + string(e.To) }

// Group is an area with nodes in it.
type Group struct {
	ID     string
	Ref    arch.Ref // of a context or team, or ""
	Kind   string   // context, team, environment, zone, owner
	Label  string
	Parent string // ID of the group around it, or ""
	Change Change
}

// Frame is a part of a sequence that runs in parallel, repeatedly, or not
// always. Frames nest and never overlap otherwise.
type Frame struct {
	Kind  string // par, alt, opt, loop
	Label string
	First int // index of the first edge in it
	Last  int // index of the last edge in it
	// Cuts are the indices of the edges before which the frame is divided, with
	// what the part that starts there says: "or 20 %".
	Cuts []Cut
}

// Cut divides a frame.
type Cut struct {
	Before int
	Label  string
}

// Severity of a finding, in the words of a review.
type Severity string

const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

var severities = []Severity{Critical, High, Medium, Low, Info}

// Rank orders severities, the worst first; unknown ones come last.
func (s Severity) Rank() int {
	if i := slices.Index(severities, s); i >= 0 {
		return i
	}
	return len(severities)
}

// Badge is a finding on a node or an edge.
type Badge struct {
	Severity Severity
	Rule     string
	Title    string
}

func compareBadges(a, b Badge) int {
	return cmp.Or(a.Severity.Rank()-b.Severity.Rank(), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Title, b.Title))
}

// Worst is the gravest severity among badges; "" when there are none.
func Worst(bs []Badge) Severity {
	if len(bs) == 0 {
		return ""
	}
	return slices.MinFunc(bs, compareBadges).Severity
}

// Fact is a line for a tooltip.
type Fact struct{ Name, Value string }

// Change says how a thing differs between two systems.
type Change string

const (
	Same    Change = ""
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Mark is one line of a legend: exactly one of Node, Missing, Edge, Severity,
// Change, Group and Stub is set, and Role goes with Node.
type Mark struct {
	Node     NodeKind
	Role     string
	Missing  bool
	Edge     EdgeKind
	Severity Severity
	Change   Change
	Group    string
	Stub     bool
	Text     string
}

// Node returns the node of a Ref.
func (g Graph) Node(r arch.Ref) (Node, bool) {
	for _, n := range g.Nodes {
		if n.Ref == r {
			return n, true
		}
	}
	return Node{}, false
}
