package link

import (
	"slices"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

func (w *walker) construct(s *Scope, e *unit.Expr) Ref {
	r := w.p.Resolve(w.m.Type, e.Text)
	args := w.args(s, e, r)
	if r.Type == nil && r.Name == "" {
		return r
	}
	var target *Method
	if r.Type != nil {
		target = w.p.Method(r.Type, "<init>", args)
		if target == nil || target.Type != r.Type {
			target = r.Type.Made("<init>")
		}
	}
	w.site(&Site{Call: e, Recv: r, Target: target, Args: args, Scope: s})
	return r
}

func (w *walker) call(s *Scope, e *unit.Expr) Ref {
	var recv Ref
	var target *Method
	if e.X != nil {
		recv = w.expr(s, e.X)
	}
	args := w.args(s, e, recv)
	switch {
	case e.X == nil:
		recv, target = w.bare(s, e.Text, args)
	case recv.Type != nil:
		target = w.p.Method(recv.Type, e.Text, args)
	}
	got := w.site(&Site{Call: e, Recv: recv, Target: target, Args: args, Scope: s})
	if got.Known() {
		return got
	}
	if target != nil {
		if target.Unit.Name == "<init>" {
			return Ref{Type: target.Type}
		}
		return w.p.Resolve(target.Type, target.Unit.Result).with(recv.Type.params(), recv.Args)
	}
	return w.outside(recv, e, args)
}

func (t *Type) params() []string {
	if t == nil {
		return nil
	}
	return t.Unit.Params
}

// bare is a call without a receiver: of the type's own methods, those around
// it, of what was imported, of the file's functions.
func (w *walker) bare(s *Scope, name string, args []Ref) (Ref, *Method) {
	if name == "this" || name == "super" {
		t := w.m.Type
		if name == "super" {
			if len(t.Supers) == 0 {
				return Ref{}, nil
			}
			t = t.Supers[0].Type
		}
		if t == nil {
			return Ref{}, nil
		}
		return Ref{Type: t}, w.p.Method(t, "<init>", args)
	}
	if v := s.Var(name); v != nil {
		return v.Type, nil
	}
	for t := w.m.Type; t != nil; t = t.Outer {
		if m := w.p.Method(t, name, args); m != nil {
			return Ref{Type: t}, m
		}
	}
	if o := w.p.sibling(w.m.Type, ""); o != nil && o.File == w.m.Type.File {
		if m := w.p.Method(o, name, args); m != nil {
			return Ref{Type: o}, m
		}
	}
	for i := range w.m.Type.File.Imports {
		im := &w.m.Type.File.Imports[i]
		if called(im) != name && !(im.Static && im.Name == "*") {
			continue
		}
		if x := w.p.best(w.m.Type, w.p.named[im.Package]); x != nil {
			if m := w.p.Method(x, im.Name, args); m != nil {
				return Ref{Type: x}, m
			}
			if m := w.p.Method(x, name, args); m != nil {
				return Ref{Type: x}, m
			}
		}
		if called(im) == name {
			if x := w.p.best(w.m.Type, w.p.named[join(im.Package, im.Name)]); x != nil && x.File.Lang == "python" { // a class that is called
				m := w.p.Method(x, "<init>", args)
				if m == nil {
					m = x.Made("<init>")
				}
				return Ref{Type: x}, m
			}
			return Ref{Name: im.Package}, nil
		}
	}
	if x, ok := w.p.simple(w.m.Type, name); ok && x.Type != nil && x.Type.File.Lang == "python" {
		m := w.p.Method(x.Type, "<init>", args)
		if m == nil {
			m = x.Type.Made("<init>")
		}
		return x, m
	}
	return Ref{Type: w.m.Type}, nil
}

// starters run a function that they are given somewhere else.
var starters = []string{"runAsync", "supplyAsync", "submit", "execute", "schedule", "scheduleAtFixedRate", "scheduleWithFixedDelay", "thenApplyAsync", "thenAcceptAsync", "thenRunAsync", "Thread", "StartNew", "create_task"}

// single hold at most one thing: a function that they are given runs once.
var single = []string{"Optional", "Mono", "CompletableFuture", "CompletionStage", "Future", "Single", "Maybe", "Try", "Either", "Promise", "Task"}

var repeats = []string{"forEach", "map", "flatMap", "mapToObj", "filter", "anyMatch", "allMatch", "noneMatch", "peek", "forEachOrdered", "computeIfAbsent", "removeIf", "replaceAll", "concatMap", "ForEach", "Select", "Where"}

// args walks the arguments; functions among them know what they are given and
// how often they run.
func (w *walker) args(s *Scope, e *unit.Expr, recv Ref) []Ref {
	out := make([]Ref, len(e.Args))
	for i := range e.Args {
		a := &e.Args[i]
		if a.Kind != unit.Func {
			out[i] = w.expr(s, a)
			continue
		}
		loop, async := w.loop, w.async
		name := unit.Last(e.Text)
		w.loop = loop || e.Kind == unit.Call && slices.Contains(repeats, name) && !recv.Is(single...) && (recv.Known() || e.X != nil && e.X.Kind == unit.Call)
		w.async = async || slices.Contains(starters, name) && !recv.Is("TransactionTemplate", "RetryTemplate", "Handle")
		w.held = append(w.held, e)
		given := recv.Elem()
		if name == "forEach" && len(recv.Args) == 2 && len(a.Fn.Params) == 2 {
			given = Ref{}
		}
		w.result = Ref{}
		w.fn(s, a.Fn, given)
		out[i] = Ref{Name: "()", Args: []Ref{w.result}}
		w.held = w.held[:len(w.held)-1]
		w.loop, w.async = loop, async
	}
	return out
}

func (w *walker) fn(s *Scope, fn *unit.Fn, given Ref) {
	if fn == nil {
		return
	}
	inner := &Scope{In: s.In, Outer: s}
	for i := range fn.Params {
		q := &fn.Params[i]
		t := w.p.Resolve(w.m.Type, q.Type)
		if !t.Known() && q.Type == "" && i == len(fn.Params)-1 {
			t = given
		}
		inner.set(q.Name, &Var{Type: t, Param: q})
	}
	w.body(inner, fn.Body)
}

func (w *walker) site(x *Site) Ref {
	x.In, x.InLoop, x.Async, x.Held, x.Order = w.m, w.loop, w.async, w.held, w.order
	w.order++
	return w.v.Site(x)
}
