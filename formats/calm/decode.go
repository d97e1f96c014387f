package calm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Is reports whether a document is an architecture: nodes or relationships that
// bear CALM's keys. A pattern describes such a document, and is none.
func Is(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map {
		return false
	}
	for _, it := range items(n.Get("nodes")) {
		if it.Get("unique-id") != nil && it.Get("node-type") != nil {
			return true
		}
	}
	for _, it := range items(n.Get("relationships")) {
		if it.Get("unique-id") != nil && it.Get("relationship-type") != nil {
			return true
		}
	}
	return false
}

// Read reads an architecture and what is wrong with it: keys that the schema
// asks for, values of another type, IDs that are used twice, and names of nodes,
// interfaces and relationships that are not there. What cannot be read is left
// out of the result; the places in its lists stay the same.
func Read(d *doc.Document) (*Architecture, []*doc.Fault) {
	r := &reader{d: d}
	a := &Architecture{}
	if d.Root == nil || d.Root.Kind != doc.Map {
		return a, r.faults
	}
	r.keys(d.Root, nil, map[string]func(*doc.Node, []string){
		"$schema": r.text(&a.Schema), "unique-id": r.text(&a.ID), "name": r.text(&a.Name), "title": r.text(&a.Title), "description": r.text(&a.Description),
		"nodes":         func(n *doc.Node, at []string) { a.Nodes = list(r, n, at, r.node) },
		"relationships": func(n *doc.Node, at []string) { a.Relationships = list(r, n, at, r.relationship) },
		"flows":         func(n *doc.Node, at []string) { a.Flows = list(r, n, at, r.flow) },
		"controls":      r.controls(&a.Controls), "adrs": r.texts(&a.ADRs), "metadata": r.metadata(&a.Metadata),
	}, &a.Extra)
	r.check(a)
	return a, r.faults
}

type reader struct {
	d      *doc.Document
	faults []*doc.Fault
}

func (r *reader) fault(n *doc.Node, k doc.FaultKind, at []string, what, hint string) {
	r.faults = append(r.faults, r.d.Fault(n, k, at, what, hint))
}

// keys gives every entry of a map to who reads it, and the others to extra; nil
// when the map takes no others.
func (r *reader) keys(n *doc.Node, at []string, known map[string]func(*doc.Node, []string), extra *Extra) {
	if n.Kind != doc.Map {
		r.fault(n, doc.Type, at, "want a map here, not "+n.Kind.String(), "")
		return
	}
	for _, e := range n.Entries {
		key := e.Key.Text
		if read, ok := known[key]; ok {
			if e.Value.Kind != doc.Null {
				read(e.Value, append(slices.Clip(at), key))
			}
			continue
		}
		if extra == nil {
			continue
		}
		if *extra == nil {
			*extra = Extra{}
		}
		(*extra)[key] = native(e.Value)
	}
}

func (r *reader) text(into *string) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		switch n.Kind {
		case doc.Map, doc.List:
			r.fault(n, doc.Type, at, "want a text here, not "+n.Kind.String(), "")
		default:
			*into = n.Text
		}
	}
}

func (r *reader) texts(into *[]string) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		*into = list(r, n, at, func(n *doc.Node, at []string) (s string) { r.text(&s)(n, at); return s })
	}
}

func (r *reader) number(into *int) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		v, err := strconv.Atoi(n.Text)
		if err != nil || n.Kind != doc.Int {
			r.fault(n, doc.Type, at, "want a whole number here", "")
			return
		}
		*into = v
	}
}

func (r *reader) metadata(into *Metadata) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		parts := []*doc.Node{n}
		if n.Kind == doc.List {
			parts = n.Items
		}
		for _, p := range parts {
			r.keys(p, at, nil, into)
		}
	}
}

func (r *reader) object(into *map[string]any) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) { r.keys(n, at, nil, into) }
}

func (r *reader) node(n *doc.Node, at []string) (out Node) {
	r.keys(n, at, map[string]func(*doc.Node, []string){
		"unique-id": r.text(&out.ID), "node-type": r.text(&out.Type), "name": r.text(&out.Name), "description": r.text(&out.Description),
		"details": func(n *doc.Node, at []string) {
			out.Details = &Details{}
			r.keys(n, at, map[string]func(*doc.Node, []string){"detailed-architecture": r.text(&out.Details.Architecture), "required-pattern": r.text(&out.Details.Pattern)}, nil)
		},
		"interfaces": func(n *doc.Node, at []string) { out.Interfaces = list(r, n, at, r.iface) },
		"controls":   r.controls(&out.Controls), "metadata": r.metadata(&out.Metadata),
	}, &out.Extra)
	return out
}

func (r *reader) iface(n *doc.Node, at []string) (out Interface) {
	r.keys(n, at, map[string]func(*doc.Node, []string){
		"unique-id": r.text(&out.ID), "definition-url": r.text(&out.Definition), "config": r.object(&out.Config)}, &out.Extra)
	return out
}

func (r *reader) relationship(n *doc.Node, at []string) (out Relationship) {
	r.keys(n, at, map[string]func(*doc.Node, []string){
		"unique-id": r.text(&out.ID), "description": r.text(&out.Description), "protocol": r.text(&out.Protocol),
		"relationship-type": r.kind(&out.Type), "controls": r.controls(&out.Controls), "metadata": r.metadata(&out.Metadata),
	}, &out.Extra)
	return out
}

func (r *reader) kind(out *Type) func(*doc.Node, []string) {
	container := func(into **Container) func(*doc.Node, []string) {
		return func(n *doc.Node, at []string) {
			c := &Container{}
			*into = c
			r.keys(n, at, map[string]func(*doc.Node, []string){"container": r.text(&c.Container), "nodes": r.texts(&c.Nodes)}, nil)
		}
	}
	return func(n *doc.Node, at []string) {
		r.keys(n, at, map[string]func(*doc.Node, []string){
			"interacts": func(n *doc.Node, at []string) {
				out.Interacts = &Interacts{}
				r.keys(n, at, map[string]func(*doc.Node, []string){"actor": r.text(&out.Interacts.Actor), "nodes": r.texts(&out.Interacts.Nodes)}, nil)
			},
			"connects": func(n *doc.Node, at []string) {
				out.Connects = &Connects{}
				r.keys(n, at, map[string]func(*doc.Node, []string){"source": r.end(&out.Connects.Source), "destination": r.end(&out.Connects.Destination)}, nil)
			},
			"deployed-in": container(&out.DeployedIn), "composed-of": container(&out.ComposedOf),
			"options": func(n *doc.Node, at []string) { out.Options = list(r, n, at, r.option) },
		}, nil)
	}
}

func (r *reader) end(into *End) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		if n.Kind == doc.String { // as early drafts wrote it
			into.Node = n.Text
			return
		}
		r.keys(n, at, map[string]func(*doc.Node, []string){"node": r.text(&into.Node), "interfaces": r.texts(&into.Interfaces), "interface": func(n *doc.Node, at []string) {
			var s string
			r.text(&s)(n, at)
			into.Interfaces = append(into.Interfaces, s)
		}}, nil)
	}
}

func (r *reader) option(n *doc.Node, at []string) (out Option) {
	r.keys(n, at, map[string]func(*doc.Node, []string){"description": r.text(&out.Description), "nodes": r.texts(&out.Nodes), "relationships": r.texts(&out.Relationships), "controls": r.texts(&out.Controls)}, nil)
	return out
}

func (r *reader) flow(n *doc.Node, at []string) (out Flow) {
	r.keys(n, at, map[string]func(*doc.Node, []string){
		"unique-id": r.text(&out.ID), "name": r.text(&out.Name), "description": r.text(&out.Description), "requirement-url": r.text(&out.Requirement),
		"transitions": func(n *doc.Node, at []string) { out.Transitions = list(r, n, at, r.transition) },
		"controls":    r.controls(&out.Controls), "metadata": r.metadata(&out.Metadata),
	}, &out.Extra)
	return out
}

func (r *reader) transition(n *doc.Node, at []string) (out Transition) {
	r.keys(n, at, map[string]func(*doc.Node, []string){
		"relationship-unique-id": r.text(&out.Relationship), "sequence-number": r.number(&out.Number), "description": r.text(&out.Description), "summary": r.text(&out.Description), "direction": r.text(&out.Direction),
	}, nil)
	return out
}

func (r *reader) controls(into *map[string]Control) func(*doc.Node, []string) {
	return func(n *doc.Node, at []string) {
		if n.Kind != doc.Map {
			r.fault(n, doc.Type, at, "want a map of controls here, not "+n.Kind.String(), "")
			return
		}
		for _, e := range n.Entries {
			var c Control
			r.keys(e.Value, append(slices.Clip(at), e.Key.Text), map[string]func(*doc.Node, []string){
				"description":  r.text(&c.Description),
				"requirements": func(n *doc.Node, at []string) { c.Requirements = list(r, n, at, r.requirement) },
			}, nil)
			if *into == nil {
				*into = map[string]Control{}
			}
			(*into)[e.Key.Text] = c
		}
	}
}

func (r *reader) requirement(n *doc.Node, at []string) (out Requirement) {
	r.keys(n, at, map[string]func(*doc.Node, []string){"requirement-url": r.text(&out.URL), "config-url": r.text(&out.ConfigURL), "config": r.object(&out.Config)}, nil)
	return out
}

// list reads items where they stand, so that the n-th of the result is the n-th
// of the document.
func list[T any](r *reader, n *doc.Node, at []string, read func(*doc.Node, []string) T) []T {
	if n.Kind != doc.List {
		r.fault(n, doc.Type, at, "want a list here, not "+n.Kind.String(), "")
		return nil
	}
	var out []T
	for i, it := range n.Items {
		out = append(out, read(it, append(slices.Clip(at), strconv.Itoa(i))))
	}
	return out
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// native keeps numbers as they are written, so that writing them again says the
// same.
func native(n *doc.Node) any {
	dec := json.NewDecoder(bytes.NewReader(n.JSON()))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Sprint(n.Native())
	}
	return v
}
