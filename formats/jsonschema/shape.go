package jsonschema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Shape reads a schema. Nothing (nil), true and {} are anything.
func (r *Reader) Shape(d *doc.Document, n *doc.Node) *contract.Shape {
	if n == nil || n.Kind != doc.Map {
		return &contract.Shape{}
	}
	name := ""
	if ref := n.Get("$ref"); ref != nil && ref.Kind == doc.String {
		name = ref.Text[strings.LastIndexAny(ref.Text, "/#")+1:]
		var m *doc.Node
		if d, m = r.Object(d, n); m == nil {
			return &contract.Shape{Name: name}
		}
		n = m
	}
	if s, ok := r.shapes[n]; ok {
		return s
	}
	s := &contract.Shape{Name: name, Pos: d.Pos(n)}
	if s.Name == "" {
		s.Name = n.Str("title")
	}
	r.shapes[n] = s
	if r.depth++; r.depth < maxDepth {
		r.read(d, n, s)
	}
	r.depth--
	return s
}

var kinds = map[string]contract.Kind{
	"object": contract.Object, "array": contract.List, "string": contract.String, "integer": contract.Integer, "number": contract.Number, "boolean": contract.Boolean, "null": contract.Null, "file": contract.Bytes,
}

func (r *Reader) read(d *doc.Document, n *doc.Node, s *contract.Shape) {
	s.Format = n.Str("format")
	s.Nullable = n.Str("nullable") == "true" || n.Str("x-nullable") == "true"
	types := n.Get("type")
	if types != nil && types.Kind == doc.List {
		var rest []string
		for _, t := range types.Items {
			if t.Text == "null" {
				s.Nullable = true
			} else {
				rest = append(rest, t.Text)
			}
		}
		if len(rest) == 1 {
			s.Kind = kinds[rest[0]]
		} else if len(rest) > 1 {
			s.Kind = contract.Choice
			for _, t := range rest {
				s.Of = append(s.Of, &contract.Shape{Kind: kinds[t], Pos: s.Pos})
			}
			return
		}
	} else {
		s.Kind = kinds[n.Str("type")]
	}
	if s.Kind == contract.Any {
		switch {
		case n.Get("properties") != nil:
			s.Kind = contract.Object
		case n.Get("items") != nil:
			s.Kind = contract.List
		}
	}
	if s.Kind == contract.String && s.Format == "binary" {
		s.Kind = contract.Bytes
	}
	r.object(d, n, s)
	if s.Kind == contract.List {
		s.Elem = r.Shape(d, n.Get("items"))
	}
	r.values(d, n, s)
	r.limits(n, s)
	for _, part := range items(n.Get("allOf")) {
		merge(s, r.Shape(d, part))
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		r.choice(d, items(n.Get(key)), s)
	}
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func (r *Reader) object(d *doc.Document, n *doc.Node, s *contract.Shape) {
	required := map[string]bool{}
	for _, x := range items(n.Get("required")) {
		required[x.Text] = true
	}
	if props := n.Get("properties"); props != nil {
		for _, e := range props.Entries {
			_, at := r.Object(d, e.Value)
			f := contract.Field{Name: e.Key.Text, Required: required[e.Key.Text], Shape: r.Shape(d, e.Value), Pos: d.Pos(e.Key)}
			f.Default = e.Value.Get("default") != nil || at.Get("default") != nil
			f.ReadOnly = e.Value.Str("readOnly") == "true" || at.Str("readOnly") == "true"
			f.WriteOnly = e.Value.Str("writeOnly") == "true" || at.Str("writeOnly") == "true"
			s.Fields = append(s.Fields, f)
		}
	}
	if s.Kind == contract.Any && len(required) > 0 { // of an allOf: the fields stand in another part
		s.Kind = contract.Object
	}
	for _, name := range slices.Sorted(keys(required)) {
		if s.Field(name) == nil && s.Kind == contract.Object {
			s.Fields = append(s.Fields, contract.Field{Name: name, Required: true, Shape: &contract.Shape{}, Pos: s.Pos})
		}
	}
	switch more := n.Get("additionalProperties"); {
	case more == nil:
	case more.Kind == doc.Bool:
		s.Closed = more.Text == "false"
	case more.Kind == doc.Map && len(s.Fields) == 0 && s.Kind == contract.Object:
		s.Kind, s.Elem = contract.Map, r.Shape(d, more)
	}
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (r *Reader) values(d *doc.Document, n *doc.Node, s *contract.Shape) {
	list := items(n.Get("enum"))
	if c := n.Get("const"); c != nil {
		list = []*doc.Node{c}
	}
	for _, v := range list {
		if v.Kind == doc.Null {
			s.Nullable = true
			continue
		}
		s.Values = append(s.Values, contract.Value{Text: v.Text, Pos: d.Pos(v)})
		if s.Kind == contract.Any {
			s.Kind = map[doc.Kind]contract.Kind{doc.String: contract.String, doc.Int: contract.Integer, doc.Float: contract.Number, doc.Bool: contract.Boolean}[v.Kind]
		}
	}
}

func (r *Reader) limits(n *doc.Node, s *contract.Shape) {
	for _, l := range []string{"maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems"} {
		if v, err := strconv.ParseFloat(n.Str(l), 64); err == nil {
			if s.Limits == nil {
				s.Limits = map[string]float64{}
			}
			s.Limits[l] = v
		}
	}
	s.Pattern = n.Str("pattern")
}

// merge folds a part of an allOf into the whole.
func merge(s, part *contract.Shape) {
	if s == part {
		return
	}
	if s.Kind == contract.Any {
		s.Kind, s.Elem, s.Of = part.Kind, part.Elem, part.Of
	}
	if s.Format == "" {
		s.Format = part.Format
	}
	if s.Kind == contract.Object && len(part.Of) > 0 && len(s.Of) == 0 {
		s.Of = part.Of
	}
	for _, f := range part.Fields {
		if g := s.Field(f.Name); g != nil {
			g.Required = g.Required || f.Required
			g.Default = g.Default || f.Default
			if g.Shape == nil || g.Shape.Kind == contract.Any {
				g.Shape, g.Pos = f.Shape, f.Pos
			}
			continue
		}
		s.Fields = append(s.Fields, f)
	}
	if len(s.Values) == 0 {
		s.Values = part.Values
	}
	for k, v := range part.Limits {
		if s.Limits == nil {
			s.Limits = map[string]float64{}
		}
		if _, ok := s.Limits[k]; !ok {
			s.Limits[k] = v
		}
	}
}

// choice reads alternatives; null among them makes the rest nullable, and one
// alone is no choice.
func (r *Reader) choice(d *doc.Document, list []*doc.Node, s *contract.Shape) {
	var of []*contract.Shape
	for _, x := range list {
		o := r.Shape(d, x)
		if o.Kind == contract.Null {
			s.Nullable = true
			continue
		}
		of = append(of, o)
	}
	switch {
	case len(of) == 1:
		merge(s, of[0])
	case len(of) > 1 && s.Kind == contract.Any:
		s.Kind, s.Of = contract.Choice, of
	case len(of) > 1 && s.Kind == contract.Object && onlyRequired(of):
		// "one of these fields is there" says nothing of the fields themselves
	case len(of) > 1:
		s.Of = append(s.Of, of...)
	}
}

func onlyRequired(of []*contract.Shape) bool {
	return !slices.ContainsFunc(of, func(o *contract.Shape) bool {
		return slices.ContainsFunc(o.Fields, func(f contract.Field) bool { return f.Shape != nil && f.Shape.Kind != contract.Any })
	})
}
