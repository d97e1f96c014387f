package archfile

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// ordered is a list whose order means something and whose items have names:
// routes, steps of a saga. An item that says no name has one made of what it
// says.
type ordered struct {
	obj  *object
	key  string // that gives the name
	name string // the struct's field that holds it
	// read and written: the name made of the node or of the struct.
	read1 func(r *reader, n *doc.Node) string
	made  func(v reflect.Value) string
	lost  func(w *encoder, v reflect.Value, at arch.Fact) bool // it names what is not there
}

// numbered adds a number to a name from its second use on.
func numbered(seen map[string]int, name string) string {
	if seen[name]++; seen[name] > 1 {
		return name + " (" + strconv.Itoa(seen[name]) + ")"
	}
	return name
}

func (f ordered) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	items := r.list(n, at)
	if len(items) == 0 {
		return
	}
	r.mark(arch.Fact{Of: at.Of, At: at.At.Join("#order")}, n)
	out := reflect.MakeSlice(v.Type(), 0, len(items))
	seen, taken := map[string]int{}, map[string]bool{}
	for _, it := range items {
		if !r.mapping(it, at) {
			continue
		}
		name := numbered(seen, f.read1(r, it))
		if k := it.Get(f.key); k != nil {
			if s, ok := r.text(k, arch.Fact{At: arch.Field("").Join(f.key)}); ok {
				name = s
			}
		}
		if taken[name] || name == "" || name == "#order" {
			r.fault(it, doc.Duplicate, arch.Fact{}, "\""+name+"\" is taken", "give it a name of its own with "+f.key+":")
			continue
		}
		taken[name] = true
		fact := arch.Fact{Of: at.Of, At: at.At.Join(name)}
		r.mark(fact, it)
		x := reflect.New(v.Type().Elem()).Elem()
		f.obj.read(r, it, x, fact)
		x.FieldByName(f.name).SetString(name)
		out = reflect.Append(out, x)
	}
	v.Set(out)
}

func (f ordered) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if v.Len() == 0 {
		return nil
	}
	t := &tree{kind: listTree}
	seen := map[string]int{}
	for i := range v.Len() {
		x := reflect.New(v.Type().Elem()).Elem()
		x.Set(v.Index(i))
		name := x.FieldByName(f.name).String()
		if f.lost != nil && f.lost(w, x, arch.Fact{Of: at.Of, At: at.At.Join(name)}) {
			continue
		}
		it := f.obj.tree(w, x, arch.Fact{Of: at.Of, At: at.At.Join(name)})
		if numbered(seen, f.made(x)) != name {
			it.entries = append([]entry{{f.key, &tree{text: quote(name)}}}, it.entries...)
		}
		t.items = append(t.items, it)
	}
	return t
}

func (f ordered) schema(d *definitions) map[string]any { return listOf(f.obj.schema(d)) }

var routes = ordered{obj: routeObject, key: "id", name: "ID",
	read1: func(_ *reader, n *doc.Node) string { return routeName(n.Str("method"), n.Str("host"), n.Str("path")) },
	made: func(v reflect.Value) string {
		x := v.Interface().(arch.Route)
		return routeName(x.Method, x.Host, x.Path)
	}}

func routeName(method, host, path string) string {
	if s := strings.TrimSpace(method + " " + host + path); s != "" {
		return s
	}
	return "all"
}

var sagaSteps = ordered{obj: sagaStepObject, key: "name", name: "Name",
	read1: func(r *reader, n *doc.Node) string {
		ref, err := r.names.resolve(n.Str("do"), opOnly, "")
		if err != nil {
			return "step"
		}
		return ref.Short()
	},
	made: func(v reflect.Value) string {
		if a := v.Interface().(arch.SagaStep).Action; a != "" {
			return a.Short()
		}
		return "step"
	},
	lost: func(w *encoder, v reflect.Value, at arch.Fact) bool {
		_, ok := w.ref(v.Interface().(arch.SagaStep).Action, opOnly, arch.Fact{Of: at.Of, At: at.At.Join("action")})
		return !ok
	}}

var routeObject = &object{name: "route", about: "Leads requests that match to a service. Routes match in their order.", parts: []part{
	described{[]key{{name: "id", form: text{}, about: "A name of its own; made of method, host and path when it is left out."}}},
	field{key: "host", form: text{}, about: "Host that it matches."},
	field{key: "path", form: text{}, about: "/v1/orders exactly, /v1/* as a prefix, ~regex."},
	field{key: "method", form: text{}, about: "Method that it matches."},
	field{key: "to", form: to(arch.KindOp, arch.KindService, arch.KindExternal, arch.KindStore, arch.KindGateway), about: "Service or operation that it leads to."},
	field{key: "weight", form: shareQ, about: "Share of the matches."},
	policies{arch.LayerGateway},
}}

var opOnly = []arch.Kind{arch.KindOp}

var sagaStepObject = &object{name: "saga-step", about: "One step of a saga.", parts: []part{
	described{[]key{{name: "name", form: text{}, about: "A name of its own; that of the operation when it is left out."}}},
	field{key: "do", tag: "action", form: one{opOnly}, about: "Operation that does the step."},
	field{key: "undo", tag: "compensation", form: one{opOnly}, about: "Operation that undoes it."},
	field{key: "emits", form: to(arch.KindTopic), about: "Topic that it publishes to."},
	field{key: "group", form: text{}, about: "Steps of one group run at the same time."},
	field{key: "pivot", form: truth{}, about: "After this step there is no way back."},
	field{key: "retriable", form: truth{}, about: "It succeeds in the end when it is tried again."},
	field{key: "timeout", form: durationQ, about: "Limit of one step."},
	field{key: "retries", tag: "retry", form: pointer{retryObject}, about: "Trying again."},
}}
