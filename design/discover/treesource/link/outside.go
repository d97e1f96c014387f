package link

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// unwraps give what is held by what they are called on.
var unwraps = []string{"get", "orElse", "orElseThrow", "orElseGet", "getBody", "next", "join", "block", "getFirst", "getLast", "first", "remove", "poll", "peek", "blockFirst", "blockLast", "body", "getOrDefault", "findAny", "find", "First", "FirstOrDefault", "Single", "SingleOrDefault", "Find", "Last", "LastOrDefault", "at", "pop", "shift"}

// keeps give the same again.
var keeps = []string{"stream", "parallelStream", "filter", "sorted", "distinct", "limit", "skip", "iterator", "collect", "toList", "reversed", "findFirst", "max", "min", "reduce", "subList", "values", "toStream", "onErrorResume", "timeout", "retry", "doOnNext", "switchIfEmpty", "Where", "OrderBy", "OrderByDescending", "ToList", "Include", "ThenInclude", "AsNoTracking", "AsQueryable", "Skip", "Take", "slice", "sort"}

// outside is what a call of something from outside gives, by the customs of the
// libraries that everybody uses.
func (w *walker) outside(recv Ref, e *unit.Expr, args []Ref) Ref {
	if w.m.Type.File.Lang == "python" {
		if r := w.queried(recv, e); r.Known() {
			return r
		}
	}
	if w.m.Type.File.Lang == "csharp" && strings.HasSuffix(e.Text, "Async") && e.Text != "Async" {
		plain := *e
		plain.Text = strings.TrimSuffix(e.Text, "Async")
		e = &plain
	}
	if len(recv.Args) > 0 {
		switch {
		case slices.Contains(unwraps, e.Text) && !(e.Text == "peek" && len(args) > 0):
			return recv.Elem()
		case slices.Contains(keeps, e.Text):
			return recv
		case e.Text == "map" || e.Text == "flatMap" || e.Text == "Select":
			if len(args) == 1 && args[0].Name == "()" {
				r := args[0].Elem()
				if e.Text == "flatMap" && len(r.Args) > 0 {
					return r
				}
				return Ref{Name: recv.Name, Args: []Ref{r}}
			}
		}
	}
	if recv.Type != nil {
		if prop, ok := property(e.Text); ok {
			if o, f := w.p.Field(recv.Type, prop); f != nil {
				return w.p.FieldType(o, f).with(recv.Type.Unit.Params, recv.Args)
			}
		}
		return Ref{}
	}
	if recv.Name == "" {
		return Ref{}
	}
	for _, a := range args { // getForObject(url, Order.class) gives an Order
		if a.Name == "Class" && len(a.Args) == 1 && a.Args[0].Known() {
			if strings.HasSuffix(e.Text, "Entity") || e.Text == "exchange" {
				return Ref{Name: "ResponseEntity", Args: a.Args}
			}
			if e.Text == "bodyToMono" || e.Text == "bodyToFlux" || e.Text == "toEntity" {
				return Ref{Name: "Mono", Args: a.Args}
			}
			return a.Args[0]
		}
	}
	if len(recv.Name) > 400 {
		return Ref{Name: recv.Name}
	}
	return Ref{Name: recv.Name + "." + e.Text + "()"}
}

// one are calls of a Python query that give a row.
var one = []string{"first", "one", "one_or_none", "get", "first_or_404", "get_or_404", "scalar", "scalar_one", "scalar_one_or_none", "last", "create"}

// queried is what a call of a Python query gives, and the query that a relationship
// is; nothing for other calls.
func (w *walker) queried(recv Ref, e *unit.Expr) Ref {
	switch {
	case recv.Name == "Query" && slices.Contains(one, e.Text):
		return recv.Elem()
	case recv.Name == "Query":
		return recv
	case e.Text == "relationship" && len(e.Args) > 0:
		name := e.Args[0].Text
		r := w.p.Resolve(w.m.Type, name)
		if r.Type == nil { // named before it is declared, in another file
			r = Ref{Type: w.p.class(name)}
		}
		if r.Type != nil {
			return Ref{Name: "Query", Args: []Ref{r}}
		}
	}
	return Ref{}
}

// class is the only class of Python that bears a name; nil when there are several.
func (p *Program) class(name string) (found *Type) {
	for _, t := range p.Ordered {
		if t.File.Lang == "python" && t.Unit.Name == name {
			if found != nil {
				return nil
			}
			found = t
		}
	}
	return found
}

// property is the field behind getX, setX and isX.
func property(method string) (string, bool) {
	for _, p := range []string{"get", "set", "is"} {
		if rest, ok := strings.CutPrefix(method, p); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return strings.ToLower(rest[:1]) + rest[1:], true
		}
	}
	return "", false
}

// Property is the field behind an accessor that an annotation (Lombok's) puts in.
func (p *Program) Property(t *Type, method string) (*Type, *unit.Field) {
	if prop, ok := property(method); ok {
		return p.Field(t, prop)
	}
	return nil, nil
}

// Scope is what names mean at the start of a method.
func (p *Program) Scope(m *Method) *Scope { return p.scope(m) }
