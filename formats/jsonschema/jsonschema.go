// Package jsonschema reads JSON Schema (drafts 4 to 2020-12, and the dialects
// that OpenAPI and AsyncAPI have) as shapes with places: references into the
// same file and into files beside it are followed, allOf is folded into one,
// what a schema does not say stays open.
//
// It only reads.
package jsonschema

import (
	"path"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Loader reads a file that a reference names, by its path as people see it; an
// error says why it cannot be read. nil follows no reference into other files.
type Loader func(file string) (*doc.Document, error)

// Reader makes shapes of the schemas of one or more files.
type Reader struct {
	// Faults are references that lead nowhere, each place once.
	Faults []*doc.Fault

	load   Loader
	docs   map[string]*doc.Document
	shapes map[*doc.Node]*contract.Shape
	depth  int
}

// NewReader returns a reader that follows references with load.
func NewReader(load Loader) *Reader {
	return &Reader{load: load, docs: map[string]*doc.Document{}, shapes: map[*doc.Node]*contract.Shape{}}
}

// Is reports whether a node says of itself that it is a JSON Schema.
func Is(n *doc.Node) bool {
	return n != nil && n.Kind == doc.Map && strings.Contains(n.Str("$schema"), "json-schema.org/") && (n.Get("properties") != nil || n.Get("$defs") != nil || n.Get("definitions") != nil || n.Get("allOf") != nil || n.Get("oneOf") != nil)
}

// Read reads a document that is a schema as a contract. Its name is the title,
// else the last part of $id, else the file's.
func Read(d *doc.Document, load Loader) (*contract.Contract, []*doc.Fault) {
	r := NewReader(load)
	s := r.Shape(d, d.Root)
	c := &contract.Contract{Kind: contract.JSONSchema, Format: d.Root.Str("$schema"), File: d.File.Path, Pos: d.Pos(d.Root), Version: d.Root.Str("version")}
	id := strings.TrimSuffix(d.Root.Str("$id"), "#")
	base := path.Base(d.File.Path)
	c.Name = strings.TrimSuffix(strings.TrimSuffix(base, path.Ext(base)), ".schema")
	if id != "" {
		c.Name = strings.TrimSuffix(strings.TrimSuffix(path.Base(id), ".json"), ".schema")
	}
	if t := d.Root.Str("title"); t != "" {
		c.Name = t
	}
	top := *s
	top.Name = c.Name
	if top.Versioned = contract.Version(&top); top.Versioned == "" {
		top.Versioned = contract.VersionOf(id)
	}
	c.Types = []*contract.Shape{&top}
	return c, r.Faults
}

// Object follows the references of a node and returns what it stands for, with
// the document that it is in.
func (r *Reader) Object(d *doc.Document, n *doc.Node) (*doc.Document, *doc.Node) {
	for range 32 {
		ref := n.Get("$ref")
		if ref == nil || ref.Kind != doc.String {
			return d, n
		}
		next, m := r.follow(d, ref)
		if m == nil {
			return d, nil
		}
		d, n = next, m
	}
	return d, nil
}

// Next follows one reference of a node; nil where the node is none, or leads
// nowhere.
func (r *Reader) Next(d *doc.Document, n *doc.Node) (*doc.Document, *doc.Node) {
	if ref := n.Get("$ref"); ref != nil && ref.Kind == doc.String {
		return r.follow(d, ref)
	}
	return d, nil
}

// follow finds what a reference names; nil when it leads nowhere, which is a
// fault once.
func (r *Reader) follow(d *doc.Document, ref *doc.Node) (*doc.Document, *doc.Node) {
	file, frag, _ := strings.Cut(ref.Text, "#")
	to := d
	if file != "" {
		if to = r.file(d, ref, file); to == nil {
			return d, nil
		}
	}
	if frag == "" {
		return to, to.Root
	}
	if !strings.HasPrefix(frag, "/") {
		if n := anchored(to.Root, frag, 0); n != nil {
			return to, n
		}
	} else if n := to.Root.Find(Steps(frag)...); n != nil {
		return to, n
	}
	r.fault(d, ref, "the reference leads nowhere", "")
	return d, nil
}

func (r *Reader) file(d *doc.Document, ref *doc.Node, file string) *doc.Document {
	if strings.Contains(file, "://") || strings.HasPrefix(file, "urn:") {
		if n := identified(d.Root, file, 0); n != nil {
			return &doc.Document{File: d.File, Root: n}
		}
		return nil // of another place; nothing is fetched
	}
	name := path.Join(path.Dir(d.File.Path), file)
	to, ok := r.docs[name]
	if !ok && r.load != nil {
		var err error
		to, err = r.load(name)
		if err != nil {
			r.fault(d, ref, "the file that it names cannot be read", err.Error())
			to = nil
		}
	}
	r.docs[name] = to
	return to
}

func (r *Reader) fault(d *doc.Document, n *doc.Node, what, hint string) {
	f := d.Fault(n, doc.Value, nil, what, hint)
	for _, x := range r.Faults {
		if x.Pos == f.Pos {
			return
		}
	}
	r.Faults = append(r.Faults, f)
}

// Steps splits a JSON pointer, percent-encoding undone.
func Steps(pointer string) []string {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, s := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(unescape(s))
	}
	return steps
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const maxDepth = 100

func anchored(n *doc.Node, name string, depth int) *doc.Node {
	return find(n, depth, func(m *doc.Node) bool {
		return m.Str("$anchor") == name || m.Str("$id") == "#"+name || m.Str("id") == "#"+name
	})
}

func identified(n *doc.Node, id string, depth int) *doc.Node {
	return find(n, depth, func(m *doc.Node) bool { return m.Str("$id") == id })
}

func find(n *doc.Node, depth int, is func(*doc.Node) bool) *doc.Node {
	if n == nil || depth > maxDepth {
		return nil
	}
	if n.Kind == doc.Map && is(n) {
		return n
	}
	for _, e := range n.Entries {
		if m := find(e.Value, depth+1, is); m != nil {
			return m
		}
	}
	for _, it := range n.Items {
		if m := find(it, depth+1, is); m != nil {
			return m
		}
	}
	return nil
}
