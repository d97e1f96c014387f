// Package java makes a [unit.File] of Java's syntax tree.
package java

import (
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// depthMax bounds how deep expressions are followed; what lies deeper is
// generated.
const depthMax = 800

// Extract reads a compilation unit.
func Extract(t *syntax.Tree, path string) *unit.File {
	f := &unit.File{Path: path, Lang: "java", Broken: t.Broken(), Lines: t.Root().Lines()}
	x := &extractor{f: f}
	for n := range t.Root().Children() {
		switch n.Kind() {
		case "package_declaration":
			f.Package = n.Child("scoped_identifier", "identifier").Text()
		case "import_declaration":
			f.Imports = append(f.Imports, imported(n))
		default:
			x.typ(n, "")
		}
	}
	return f
}

func imported(n syntax.Node) unit.Import {
	name := n.Child("scoped_identifier", "identifier").Text()
	im := unit.Import{Static: n.Child("static").Ok()}
	if n.Child("asterisk").Ok() {
		im.Package, im.Name = name, "*"
		return im
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		im.Package, im.Name = name[:i], name[i+1:]
	} else {
		im.Name = name
	}
	return im
}

type extractor struct {
	f     *unit.File
	depth int
}

var kinds = map[string]string{
	"class_declaration": unit.Class, "interface_declaration": unit.Interface, "enum_declaration": unit.Enum,
	"record_declaration": unit.Record, "annotation_type_declaration": unit.Note,
}

// typ reads a type and those inside it.
func (x *extractor) typ(n syntax.Node, outer string) {
	kind, ok := kinds[n.Kind()]
	if !ok {
		return
	}
	name := n.Field("name").Text()
	if outer != "" {
		name = outer + "." + name
	}
	t := unit.Type{Name: name, Kind: kind, Line: n.Field("name").Line(), Col: n.Field("name").Col(), Lines: n.Lines()}
	mods := n.Child("modifiers")
	t.Marks, t.Abstract = x.marks(mods), mods.Child("abstract").Ok()
	for p := range n.Field("type_parameters").Children() {
		t.Params = append(t.Params, p.Child("type_identifier", "identifier").Text())
	}
	for _, s := range []syntax.Node{n.Field("superclass"), n.Field("interfaces"), n.Child("extends_interfaces")} {
		t.Supers = append(t.Supers, typesIn(s)...)
	}
	if kind == unit.Record {
		for _, p := range x.params(n.Field("parameters")) {
			t.Fields = append(t.Fields, unit.Field{Name: p.Name, Type: p.Type, Marks: p.Marks, Line: t.Line, Fixed: true})
			t.Methods = append(t.Methods, unit.Method{Name: p.Name, Result: p.Type, Line: t.Line, Lines: 1, Body: []unit.Stmt{{Kind: unit.Return, X: &unit.Expr{Kind: unit.Name, Text: p.Name}}}})
		}
	}
	at := len(x.f.Types)
	x.f.Types = append(x.f.Types, t) // before those inside, whose members go behind it
	x.members(&t, n.Field("body"))
	x.f.Types[at] = t
}

func typesIn(n syntax.Node) []string {
	var out []string
	for c := range n.Children() {
		if c.Kind() == "type_list" {
			out = append(out, typesIn(c)...)
		} else if k := c.Kind(); k != "extends" && k != "implements" && k != "permits" {
			out = append(out, plain(c))
		}
	}
	return out
}

// plain is a type as written, without annotations and line breaks.
func plain(n syntax.Node) string {
	if n.Kind() == "annotated_type" {
		for c := range n.Children() {
			if k := c.Kind(); k != "marker_annotation" && k != "annotation" {
				return plain(c)
			}
		}
	}
	s := n.Text()
	if strings.ContainsAny(s, " \t\n\r") {
		s = strings.Join(strings.Fields(s), " ")
		s = strings.NewReplacer(" <", "<", "< ", "<", " >", ">", " ,", ",", ", ", ",", " .", ".", ". ", ".").Replace(s)
	}
	return s
}

func (x *extractor) members(t *unit.Type, body syntax.Node) {
	for n := range body.Children() {
		switch n.Kind() {
		case "field_declaration", "constant_declaration":
			x.field(t, n)
		case "method_declaration", "constructor_declaration", "compact_constructor_declaration", "annotation_type_element_declaration":
			t.Methods = append(t.Methods, x.method(n))
		case "static_initializer", "block":
			b := n
			if c := n.Child("block"); c.Ok() {
				b = c
			}
			t.Methods = append(t.Methods, unit.Method{Name: "<init>", Line: n.Line(), Col: n.Col(), Lines: n.Lines(), Static: n.Kind() != "block", Internal: true, Body: x.block(b)})
		case "enum_constant":
			init := &unit.Expr{Kind: unit.New, Text: t.Name, Line: line(n), Args: x.args(n.Field("arguments"))}
			t.Fields = append(t.Fields, unit.Field{Name: n.Field("name").Text(), Type: t.Name, Line: n.Line(), Fixed: true, Init: init})
		case "enum_body_declarations":
			x.members(t, n)
		default:
			x.typ(n, t.Name)
		}
	}
}

func (x *extractor) field(t *unit.Type, n syntax.Node) {
	mods := n.Child("modifiers")
	typ := plain(n.Field("type"))
	for d := range n.Children() {
		if d.Kind() != "variable_declarator" {
			continue
		}
		f := unit.Field{Name: d.Field("name").Text(), Type: typ + d.Field("dimensions").Text(), Marks: x.marks(mods), Line: d.Line(), Fixed: mods.Child("final").Ok() || n.Kind() == "constant_declaration"}
		if v := d.Field("value"); v.Ok() {
			e := x.expr(v)
			f.Init = &e
		}
		t.Fields = append(t.Fields, f)
	}
}

func (x *extractor) method(n syntax.Node) unit.Method {
	mods := n.Child("modifiers")
	m := unit.Method{
		Name: n.Field("name").Text(), Line: n.Field("name").Line(), Col: n.Field("name").Col(), Lines: n.Lines(),
		Result: plain(n.Field("type")) + n.Field("dimensions").Text(), Marks: x.marks(mods),
		Static: mods.Child("static").Ok(), Internal: mods.Child("private").Ok(), Params: x.params(n.Field("parameters")),
	}
	if k := n.Kind(); k == "constructor_declaration" || k == "compact_constructor_declaration" {
		m.Name = "<init>"
	}
	body := n.Field("body")
	m.Bare = !body.Ok()
	m.Body = x.block(body)
	return m
}

func (x *extractor) params(n syntax.Node) []unit.Param {
	var out []unit.Param
	for p := range n.Children() {
		switch p.Kind() {
		case "formal_parameter":
			out = append(out, unit.Param{Name: p.Field("name").Text(), Type: plain(p.Field("type")) + p.Field("dimensions").Text(), Marks: x.marks(p.Child("modifiers"))})
		case "spread_parameter":
			q := unit.Param{Name: p.Child("variable_declarator").Field("name").Text(), Marks: x.marks(p.Child("modifiers"))}
			for c := range p.Children() {
				if k := c.Kind(); k != "modifiers" && k != "variable_declarator" {
					q.Type = plain(c) + "..."
					break
				}
			}
			out = append(out, q)
		case "identifier":
			out = append(out, unit.Param{Name: p.Text()})
		}
	}
	return out
}

func (x *extractor) marks(mods syntax.Node) []unit.Mark {
	var out []unit.Mark
	for n := range mods.Children() {
		if k := n.Kind(); k == "marker_annotation" || k == "annotation" {
			out = append(out, x.mark(n))
		}
	}
	return out
}

func (x *extractor) mark(n syntax.Node) unit.Mark {
	m := unit.Mark{Name: n.Field("name").Text(), Line: n.Line()}
	for a := range n.Field("arguments").Children() {
		if a.Kind() == "element_value_pair" {
			m.Args = append(m.Args, unit.Arg{Name: a.Field("key").Text(), Value: x.expr(a.Field("value"))})
		} else {
			m.Args = append(m.Args, unit.Arg{Name: "value", Value: x.expr(a)})
		}
	}
	return m
}

// unquote is the value of a string literal or text block.
func unquote(s string) string {
	if body, ok := strings.CutPrefix(s, `"""`); ok {
		body = strings.TrimSuffix(body, `"""`)
		if i := strings.IndexByte(body, '\n'); i >= 0 {
			body = body[i+1:]
		}
		return body
	}
	if v, err := strconv.Unquote(s); err == nil {
		return v
	}
	return strings.Trim(s, `"`)
}

func line(n syntax.Node) int32 { return int32(n.Line()) } //nolint:gosec // files have fewer lines
