// Package openapi reads OpenAPI 2 (Swagger), 3.0, 3.1 and 3.2 as contracts:
// every operation with its parameters, bodies and answers, each with its place.
// It is tolerant, as of files that are only read: what cannot be followed is a
// fault, and the rest counts.
//
// It only reads.
package openapi

import (
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/jsonschema"
)

// Is reports whether a node is an OpenAPI document.
func Is(n *doc.Node) bool {
	return n != nil && n.Kind == doc.Map && (strings.HasPrefix(n.Str("openapi"), "3.") || strings.HasPrefix(n.Str("swagger"), "2")) && (n.Get("paths") != nil || n.Get("webhooks") != nil || n.Get("components") != nil)
}

// Methods are the keys of a path that are operations.
var Methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

type reader struct {
	*jsonschema.Reader
	d   *doc.Document
	c   *contract.Contract
	two bool
	out []*doc.Fault
}

// Read reads a document. References into other files are followed with load.
func Read(d *doc.Document, load jsonschema.Loader) (*contract.Contract, []*doc.Fault) {
	root := d.Root
	r := &reader{Reader: jsonschema.NewReader(load), d: d, two: root.Get("swagger") != nil}
	r.c = &contract.Contract{Kind: contract.OpenAPI, Format: root.Str("openapi") + root.Str("swagger"), Name: root.Str("info", "title"), Version: root.Str("info", "version"), File: d.File.Path, Pos: d.Pos(root)}
	if info := root.KeyNode("info"); info != nil {
		r.c.Pos = d.Pos(info)
	}
	if r.c.Name == "" {
		base := path.Base(d.File.Path)
		r.c.Name = strings.TrimSuffix(base, path.Ext(base))
	}
	base := r.servers()
	if paths := root.Get("paths"); paths != nil {
		for _, e := range paths.Entries {
			if strings.HasPrefix(e.Key.Text, "/") {
				r.path(e.Key.Text, base, e.Value)
			}
		}
	}
	return r.c, append(r.out, r.Faults...)
}

// servers reads where the interface is offered and returns the path before all
// others.
func (r *reader) servers() (base string) {
	root := r.d.Root
	if r.two {
		if base = strings.TrimSuffix(root.Str("basePath"), "/"); strings.Contains(base, "{{") { // a program fills it in when it serves the file
			base = ""
		}
		if h := root.Get("host"); h != nil {
			r.c.Servers = append(r.c.Servers, contract.Server{URL: "http://" + h.Text + base, Protocol: "http", Pos: r.d.Pos(h)})
		}
		return base
	}
	s := root.Get("servers")
	if s == nil {
		return ""
	}
	for i, x := range s.Items {
		u := expand(x)
		r.c.Servers = append(r.c.Servers, contract.Server{URL: u, Protocol: "http", Pos: r.d.Pos(x.Get("url"))})
		if i == 0 {
			base = pathOf(u)
		}
	}
	return base
}

// expand puts the defaults of a server's variables in.
func expand(server *doc.Node) string {
	u := server.Str("url")
	if vs := server.Get("variables"); vs != nil {
		for _, e := range vs.Entries {
			u = strings.ReplaceAll(u, "{"+e.Key.Text+"}", e.Value.Str("default"))
		}
	}
	return u
}

func pathOf(u string) string {
	if i := strings.Index(u, "://"); i >= 0 {
		u = u[i+3:]
		j := strings.IndexByte(u, '/')
		if j < 0 {
			return ""
		}
		u = u[j:]
	}
	if !strings.HasPrefix(u, "/") {
		return ""
	}
	return strings.TrimSuffix(u, "/")
}

func (r *reader) path(p, base string, n *doc.Node) {
	d, item := r.Object(r.d, n)
	if item == nil {
		return
	}
	for _, m := range Methods {
		op := item.Get(m)
		if op == nil || op.Kind != doc.Map {
			continue
		}
		o := contract.Operation{Key: contract.HTTPKey(m, base+p), Name: op.Str("operationId"), Trigger: strings.ToUpper(m) + " " + p, Base: base, Deprecated: op.Str("deprecated") == "true", Pos: d.Pos(item.KeyNode(m))}
		if d == r.d {
			o.Pointer = doc.Pointer([]string{"paths", p, m})
		}
		r.parameters(d, item, op, &o)
		r.body(d, op, &o)
		r.answers(d, op, &o)
		r.c.Operations = append(r.c.Operations, o)
	}
}

func (r *reader) parameters(d *doc.Document, item, op *doc.Node, o *contract.Operation) {
	seen := map[string]int{}
	for _, list := range []*doc.Node{item.Get("parameters"), op.Get("parameters")} {
		if list == nil {
			continue
		}
		for _, x := range list.Items {
			pd, p := r.Object(d, x)
			if p == nil {
				continue
			}
			part := contract.Part{Name: p.Str("in") + " " + p.Str("name"), Required: p.Str("required") == "true", Pos: pd.Pos(p)}
			switch {
			case p.Str("in") == "path":
				continue // its name is free; that it is there, the key says
			case r.two && p.Str("in") == "body":
				part.Name, part.Shape = "body "+consumed(r.d.Root, op), r.Shape(pd, p.Get("schema"))
			case r.two:
				part.Shape = r.Shape(pd, p)
			case p.Get("schema") != nil:
				part.Shape = r.Shape(pd, p.Get("schema"))
			default:
				if c := p.Get("content"); c != nil && len(c.Entries) > 0 {
					part.Shape = r.Shape(pd, c.Entries[0].Value.Get("schema"))
				}
			}
			if i, ok := seen[part.Name]; ok { // the operation's own wins
				o.Parts[i] = part
				continue
			}
			seen[part.Name] = len(o.Parts)
			o.Parts = append(o.Parts, part)
		}
	}
}

func consumed(root, op *doc.Node) string {
	for _, n := range []*doc.Node{op.Get("consumes"), root.Get("consumes")} {
		if n != nil && len(n.Items) > 0 {
			return n.Items[0].Text
		}
	}
	return "application/json"
}

func (r *reader) body(d *doc.Document, op *doc.Node, o *contract.Operation) {
	n := op.Get("requestBody")
	if n == nil {
		return
	}
	d, n = r.Object(d, n)
	r.content(d, n, "body", n.Str("required") == "true", false, o)
}

func (r *reader) content(d *doc.Document, n *doc.Node, name string, required, out bool, o *contract.Operation) {
	c := n.Get("content")
	if c == nil || len(c.Entries) == 0 {
		if out && n != nil {
			o.Parts = append(o.Parts, contract.Part{Name: name, Out: true, Pos: d.Pos(n)})
		}
		return
	}
	for _, e := range c.Entries {
		o.Parts = append(o.Parts, contract.Part{Name: name + " " + e.Key.Text, Out: out, Required: required, Shape: r.Shape(d, e.Value.Get("schema")), Pos: d.Pos(e.Key)})
	}
}

func (r *reader) answers(d *doc.Document, op *doc.Node, o *contract.Operation) {
	list := op.Get("responses")
	if list == nil {
		return
	}
	for _, e := range list.Entries {
		ad, a := r.Object(d, e.Value)
		if a == nil {
			continue
		}
		name := "answer " + e.Key.Text
		if r.two {
			p := contract.Part{Name: name, Out: true, Pos: d.Pos(e.Key)}
			if s := a.Get("schema"); s != nil {
				p.Shape = r.Shape(ad, s)
			}
			o.Parts = append(o.Parts, p)
			continue
		}
		r.content(ad, a, name, false, true, o)
	}
}
