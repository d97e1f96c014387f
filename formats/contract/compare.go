package contract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Weight says how sure it is that a change breaks somebody.
type Weight uint8

const (
	// May break those who rely on more than the contract promises, such as a
	// closed list of values.
	May Weight = iota + 1
	// Breaks those who do no more than the old contract allows.
	Breaks
)

// Change is one thing that a newer contract does differently, to the harm of
// those who rely on the older.
type Change struct {
	Kind string // "operation removed", "field removed", "number changed" ...
	// Operation is the key of the operation, or Event the name of the event, or
	// Type the name of the type that it is about.
	Operation, Event, Type string
	Channel                string // of the event
	Where                  string // "answer 200 application/json: items[].price"
	What                   string // one sentence without the operation
	Weight                 Weight
	Old, New               doc.Pos // New: the nearest thing that is still there
}

// Direction is who writes a value.
type Direction uint8

const (
	In   Direction = 1 << iota // those who rely on the contract write it
	Out                        // those who rely on the contract read it
	Both = In | Out
)

// Compare lists what breaks those who rely on old when it becomes now, in the
// order of old. Operations are matched by key, events by channel and name, types
// by name; fields of proto by their number, all others by name.
//
// What may be done freely does not show: new operations, new optional input, new
// fields in answers, wider input.
func Compare(old, now *Contract) []Change {
	c := &comparer{proto: old.Kind == Proto, avro: old.Kind == Avro, graphql: old.Kind == GraphQL, byType: old.Kind == Proto}
	for _, o := range old.Operations {
		c.operation(o, now)
	}
	for _, e := range old.Events {
		c.event(e, now)
	}
	for _, t := range old.Types {
		c.typ(t, now)
	}
	return c.out
}

// CompareShapes compares two shapes of one thing, as Compare does.
func CompareShapes(kind string, old, now *Shape, d Direction) []Change {
	c := &comparer{proto: kind == Proto, avro: kind == Avro, graphql: kind == GraphQL}
	c.shape(old, now, d, "", nil)
	return c.out
}

type comparer struct {
	proto, avro, graphql bool
	byType               bool   // named types are compared by themselves, once
	at                   Change // what is compared
	part                 string
	seen                 map[pair]bool
	out                  []Change
}

type pair struct {
	old, now *Shape
	d        Direction
}

func (c *comparer) add(w Weight, kind, path, what string, old, now doc.Pos) {
	x := c.at
	x.Kind, x.Weight, x.What, x.Old, x.New = kind, w, what, old, now
	x.Where = strings.Trim(c.part+": "+path, ": ")
	if x.New.Line == 0 {
		x.New = c.at.New
	}
	c.out = append(c.out, x)
}

// begin is a new thing to compare: what was seen inside another counts anew,
// except among proto messages, which are compared once by themselves.
func (c *comparer) begin(at Change) {
	c.at, c.part = at, ""
	c.seen = map[pair]bool{}
}

func (c *comparer) operation(o Operation, now *Contract) {
	i := slices.IndexFunc(now.Operations, func(n Operation) bool { return n.Key == o.Key })
	c.begin(Change{Operation: o.Key, New: now.Pos})
	switch {
	case i < 0 && o.Deprecated:
		c.add(May, "operation removed", "", "it is gone, as was announced", o.Pos, now.Pos)
		return
	case i < 0:
		c.add(Breaks, "operation removed", "", "it is gone", o.Pos, now.Pos)
		return
	}
	n := now.Operations[i]
	c.at.New = n.Pos
	if o.Stream != n.Stream {
		c.add(Breaks, "stream changed", "", fmt.Sprintf("it streams %s instead of %s", cmp.Or(n.Stream, "nothing"), cmp.Or(o.Stream, "nothing")), o.Pos, n.Pos)
	}
	for _, p := range o.Parts {
		c.partOf(p, n)
	}
	for _, p := range n.Parts {
		if !p.Out && p.Required && !slices.ContainsFunc(o.Parts, func(q Part) bool { return q.Name == p.Name && !q.Out }) && !sameBody(o.Parts, p) {
			c.part = p.Name
			c.add(Breaks, "new required input", "", "it is required and was not there", o.Pos, p.Pos)
		}
	}
}

// sameBody: one more media type of a body is no new input.
func sameBody(old []Part, p Part) bool {
	return strings.HasPrefix(p.Name, "body ") && slices.ContainsFunc(old, func(q Part) bool { return strings.HasPrefix(q.Name, "body ") })
}

func (c *comparer) partOf(p Part, n Operation) {
	c.part = p.Name
	i := slices.IndexFunc(n.Parts, func(q Part) bool { return q.Name == p.Name && q.Out == p.Out })
	switch {
	case i < 0 && !p.Out && strings.HasPrefix(p.Name, "body "):
		c.add(Breaks, "input removed", "", "it is no longer taken", p.Pos, n.Pos)
		return
	case i < 0 && !p.Out:
		c.add(May, "input removed", "", "it is no longer taken, so what callers send goes unheard", p.Pos, n.Pos)
		return
	case i < 0 && strings.HasPrefix(p.Name, "answer 2"):
		c.add(Breaks, "answer removed", "", "it no longer comes", p.Pos, n.Pos)
		return
	case i < 0:
		return
	}
	q := n.Parts[i]
	d := In
	if p.Out {
		d = Out
	} else if q.Required && !p.Required {
		c.add(Breaks, "new required input", "", "it has become required", p.Pos, q.Pos)
	}
	if c.proto && p.Shape != nil && q.Shape != nil && p.Shape.Name != q.Shape.Name {
		c.add(Breaks, "type changed", "", fmt.Sprintf("it is %s, was %s", q.Shape.Name, p.Shape.Name), p.Pos, q.Pos)
		return
	}
	if !c.proto { // messages of proto are compared as types
		c.shape(p.Shape, q.Shape, d, "", nil)
	}
}

func (c *comparer) event(e Event, now *Contract) {
	c.begin(Change{Event: e.Name, Channel: e.Channel, New: now.Pos})
	i := slices.IndexFunc(now.Events, func(n Event) bool { return n.Channel == e.Channel && n.Name == e.Name && n.Sends == e.Sends })
	if i < 0 {
		what := "it is gone"
		if e.Channel != "" {
			what = "it no longer stands on " + e.Channel
		}
		c.add(Breaks, "event removed", "", what, e.Pos, now.Pos)
		return
	}
	n := now.Events[i]
	c.at.New = n.Pos
	d := Out // others read what the owner sends
	if e.Receives && !e.Sends {
		d = In
	}
	for _, x := range []struct {
		name     string
		old, now *Shape
	}{{"headers", e.Headers, n.Headers}, {"payload", e.Payload, n.Payload}} {
		c.part = x.name
		if x.old != nil {
			c.shape(x.old, x.now, d, "", nil)
		}
	}
}

func (c *comparer) typ(t *Shape, now *Contract) {
	c.begin(Change{Type: t.Name, New: now.Pos})
	i := slices.IndexFunc(now.Types, func(n *Shape) bool { return n.Name == t.Name })
	if i < 0 {
		c.add(Breaks, "type removed", "", "it is gone", t.Pos, now.Pos)
		return
	}
	c.at.New = now.Types[i].Pos
	d := Out
	if c.proto || c.avro { // kept records are read back, and messages go both ways
		d = Both
	}
	c.shape(t, now.Types[i], d, "", nil)
}
