// Package avro reads Avro schemas (.avsc) as contracts: records, enums, fixed,
// unions and logical types, with their names in full, defaults and aliases.
//
// It only reads.
package avro

import (
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Is reports whether a node is a schema of a named type, or a list of such.
func Is(n *doc.Node) bool {
	if n == nil {
		return false
	}
	if n.Kind == doc.List {
		return len(n.Items) > 0 && Is(n.Items[0])
	}
	switch n.Str("type") {
	case "record", "error":
		f := n.Get("fields")
		return n.Str("name") != "" && f != nil && f.Kind == doc.List
	case "enum":
		f := n.Get("symbols")
		return n.Str("name") != "" && f != nil && f.Kind == doc.List
	}
	return false
}

type reader struct {
	d      *doc.Document
	named  map[string]*contract.Shape
	faults []*doc.Fault
	depth  int
}

// Read reads a document. Types of other files are not known here: they may be
// anything.
func Read(d *doc.Document) (*contract.Contract, []*doc.Fault) {
	r := &reader{d: d, named: map[string]*contract.Shape{}}
	c := &contract.Contract{Kind: contract.Avro, File: d.File.Path, Pos: d.Pos(d.Root), Version: d.Root.Str("version")}
	list := []*doc.Node{d.Root}
	if d.Root.Kind == doc.List {
		list = d.Root.Items
	}
	for _, n := range list {
		if s := r.shape(n, ""); s.Name != "" {
			c.Types = append(c.Types, s)
		}
	}
	base := path.Base(d.File.Path)
	c.Name = strings.TrimSuffix(base, path.Ext(base))
	if len(c.Types) > 0 {
		main := c.Types[len(c.Types)-1] // a list ends with what uses the rest
		c.Name = main.Name
		main.Versioned = contract.VersionOf(main.Name)
		for _, v := range []string{c.Version, contract.Version(main), contract.VersionOf(c.Name), contract.VersionOf(strings.TrimSuffix(base, path.Ext(base)))} {
			if v != "" {
				main.Versioned = v
				break
			}
		}
	}
	return c, r.faults
}

var primitives = map[string]contract.Shape{
	"null": {Kind: contract.Null}, "boolean": {Kind: contract.Boolean}, "int": {Kind: contract.Integer, Format: "int"}, "long": {Kind: contract.Integer, Format: "long"},
	"float": {Kind: contract.Number, Format: "float"}, "double": {Kind: contract.Number, Format: "double"}, "bytes": {Kind: contract.Bytes}, "string": {Kind: contract.String},
}

func (r *reader) shape(n *doc.Node, space string) *contract.Shape {
	if r.depth++; r.depth > 100 || n == nil {
		r.depth--
		return &contract.Shape{}
	}
	defer func() { r.depth-- }()
	switch n.Kind {
	case doc.List:
		return r.union(n, space)
	case doc.Map:
		return r.complex(n, space)
	}
	if p, ok := primitives[n.Text]; ok {
		p.Pos = r.d.Pos(n)
		return &p
	}
	for _, name := range []string{full(n.Text, space), n.Text} {
		if s := r.named[name]; s != nil {
			return s
		}
	}
	return &contract.Shape{Name: full(n.Text, space), Pos: r.d.Pos(n)}
}

func full(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

func (r *reader) union(n *doc.Node, space string) *contract.Shape {
	s := &contract.Shape{Kind: contract.Choice, Pos: r.d.Pos(n)}
	null := false
	for _, it := range n.Items {
		if it.Text == "null" && it.Kind == doc.String {
			null = true
			continue
		}
		s.Of = append(s.Of, r.shape(it, space))
	}
	if len(s.Of) == 1 {
		one := *s.Of[0]
		one.Nullable = null
		return &one
	}
	s.Nullable = null
	return s
}

func (r *reader) complex(n *doc.Node, space string) *contract.Shape {
	switch t := n.Get("type"); {
	case t == nil:
		r.faults = append(r.faults, r.d.Fault(n, doc.Value, nil, "a schema without a type", ""))
		return &contract.Shape{}
	case t.Kind != doc.String:
		return r.shape(t, space)
	case t.Text == "array":
		return &contract.Shape{Kind: contract.List, Elem: r.shape(n.Get("items"), space), Pos: r.d.Pos(n)}
	case t.Text == "map":
		return &contract.Shape{Kind: contract.Map, Elem: r.shape(n.Get("values"), space), Pos: r.d.Pos(n)}
	case t.Text != "record" && t.Text != "error" && t.Text != "enum" && t.Text != "fixed":
		s := *r.shape(t, space)
		if l := n.Str("logicalType"); l != "" && s.Name == "" {
			s.Format = l
		}
		return &s
	}
	name := n.Str("name")
	if ns := n.Str("namespace"); ns != "" && !strings.Contains(name, ".") {
		space = ns
	} else if i := strings.LastIndexByte(name, '.'); i >= 0 {
		space = name[:i]
	}
	s := &contract.Shape{Name: full(name, space), Pos: r.d.Pos(n)}
	r.named[s.Name] = s
	switch n.Str("type") {
	case "enum":
		s.Kind, s.Default = contract.Enum, n.Get("default") != nil
		for _, v := range items(n.Get("symbols")) {
			s.Values = append(s.Values, contract.Value{Text: v.Text, Pos: r.d.Pos(v)})
		}
	case "fixed":
		s.Kind, s.Format = contract.Bytes, n.Str("logicalType")
		if s.Format == "" {
			s.Format = "fixed " + n.Str("size")
		}
	default:
		s.Kind = contract.Object
		for _, f := range items(n.Get("fields")) {
			s.Fields = append(s.Fields, r.field(f, space))
		}
	}
	return s
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func (r *reader) field(f *doc.Node, space string) contract.Field {
	x := contract.Field{Name: f.Str("name"), Required: true, Default: f.Get("default") != nil, Shape: r.shape(f.Get("type"), space), Pos: r.d.Pos(f)}
	for _, a := range items(f.Get("aliases")) {
		x.Aliases = append(x.Aliases, a.Text)
	}
	return x
}
