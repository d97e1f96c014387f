// Package graphql reads GraphQL schemas (SDL) as contracts: each field of Query,
// Mutation and Subscription is an operation. Documents of queries, which clients
// have, are none.
//
// It only reads.
package graphql

import (
	"errors"
	"path"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// maxTokens bounds what a file may ask for.
const maxTokens = 1 << 20

// ErrNone is returned for a document without any type.
var ErrNone = errors.New("no type is defined here")

type reader struct {
	file  *doc.File
	defs  map[string]*ast.Definition
	types map[string]*contract.Shape
}

// Read reads a schema. Types of other files may be anything.
func Read(name string, src []byte) (*contract.Contract, error) {
	f := &doc.File{Path: name, Source: src}
	s, err := parser.ParseSchemaWithLimit(&ast.Source{Name: name, Input: string(src)}, maxTokens)
	if err != nil {
		var ge *gqlerror.Error
		if errors.As(err, &ge) && len(ge.Locations) > 0 {
			return nil, f.FaultAt(&doc.Node{Line: ge.Locations[0].Line, Col: max(1, ge.Locations[0].Column)}, doc.Syntax, ge.Message, "")
		}
		return nil, err
	}
	r := &reader{file: f, defs: map[string]*ast.Definition{}, types: map[string]*contract.Shape{}}
	var order []string
	for _, list := range []ast.DefinitionList{s.Definitions, s.Extensions} {
		for _, d := range list {
			if old := r.defs[d.Name]; old != nil { // extend type, here or above
				old.Fields = append(old.Fields, d.Fields...)
				old.EnumValues = append(old.EnumValues, d.EnumValues...)
				old.Types = append(old.Types, d.Types...)
				continue
			}
			one := *d
			r.defs[d.Name] = &one
			order = append(order, d.Name)
		}
	}
	if len(order) == 0 {
		return nil, ErrNone
	}
	base := path.Base(name)
	c := &contract.Contract{Kind: contract.GraphQL, Name: strings.TrimSuffix(base, path.Ext(base)), File: name, Pos: doc.Pos{File: name, Line: 1, Col: 1}}
	roots := map[string]string{"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}
	for _, list := range []ast.SchemaDefinitionList{s.Schema, s.SchemaExtension} {
		for _, x := range list {
			for _, o := range x.OperationTypes {
				roots[o.Type] = string(o.Operation)
			}
		}
	}
	for _, name := range order {
		if verb, ok := roots[name]; ok {
			r.operations(c, verb, r.defs[name])
		}
	}
	return c, nil
}

func (r *reader) pos(p *ast.Position) doc.Pos {
	if p == nil {
		return doc.Pos{File: r.file.Path, Line: 1, Col: 1}
	}
	return doc.Pos{File: r.file.Path, Line: max(1, p.Line), Col: max(1, p.Column)}
}

func (r *reader) operations(c *contract.Contract, verb string, d *ast.Definition) {
	for _, f := range d.Fields {
		if strings.HasPrefix(f.Name, "_") { // of federation
			continue
		}
		key := verb + " " + f.Name
		o := contract.Operation{Key: key, Name: f.Name, Trigger: "graphql " + key, Pos: r.pos(f.Position)}
		for _, a := range f.Arguments {
			o.Parts = append(o.Parts, contract.Part{Name: "argument " + a.Name, Required: a.Type.NonNull && a.DefaultValue == nil, Shape: r.typ(a.Type), Pos: r.pos(a.Position)})
		}
		o.Parts = append(o.Parts, contract.Part{Name: "answer", Out: true, Shape: r.typ(f.Type), Pos: o.Pos})
		c.Operations = append(c.Operations, o)
	}
}

// typ is the shape of a type where it is used: what is not said to be there may
// be null.
func (r *reader) typ(t *ast.Type) *contract.Shape {
	if t.Elem != nil {
		return &contract.Shape{Kind: contract.List, Elem: r.typ(t.Elem), Nullable: !t.NonNull, Pos: r.pos(t.Position)}
	}
	s := r.named(t.NamedType)
	if t.NonNull {
		return s
	}
	key := t.NamedType + "?"
	if r.types[key] == nil {
		one := *s
		one.Nullable = true
		if s.Kind == contract.Object { // whose fields may still be under way
			one = contract.Shape{Name: s.Name, Kind: contract.Choice, Of: []*contract.Shape{s}, Nullable: true, Pos: s.Pos}
		}
		r.types[key] = &one
	}
	return r.types[key]
}

var scalars = map[string]contract.Shape{"Int": {Kind: contract.Integer, Format: "int32"}, "Float": {Kind: contract.Number, Format: "double"}, "String": {Kind: contract.String}, "ID": {Kind: contract.String}, "Boolean": {Kind: contract.Boolean}}

func (r *reader) named(name string) *contract.Shape {
	if s, ok := r.types[name]; ok {
		return s
	}
	if s, ok := scalars[name]; ok {
		r.types[name] = &s
		return &s
	}
	s := &contract.Shape{Name: name}
	r.types[name] = s
	d := r.defs[name]
	if d == nil {
		return s
	}
	s.Pos = r.pos(d.Position)
	switch d.Kind {
	case ast.Enum:
		s.Kind = contract.Enum
		for _, v := range d.EnumValues {
			s.Values = append(s.Values, contract.Value{Text: v.Name, Pos: r.pos(v.Position)})
		}
	case ast.Union:
		s.Kind = contract.Choice
		for _, t := range d.Types {
			s.Of = append(s.Of, r.named(t))
		}
	case ast.Object, ast.Interface, ast.InputObject:
		s.Kind, s.Closed = contract.Object, true
		for _, f := range d.Fields {
			in := d.Kind == ast.InputObject
			s.Fields = append(s.Fields, contract.Field{Name: f.Name, Required: in && f.Type.NonNull && f.DefaultValue == nil, Default: f.DefaultValue != nil, Shape: r.typ(f.Type), Pos: r.pos(f.Position)})
		}
	}
	return s
}
