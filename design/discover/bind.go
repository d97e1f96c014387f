package discover

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Bind makes one operation of the names that sources have for a remote procedure,
// and calls of it out of calls of its service:
//
//   - an operation "grpc CartService/AddItem", as code without its definition has
//     it, is the "grpc shop.CartService/AddItem" of the same service;
//   - a call of a service that names a procedure (its Why is
//     "shop.CartService/AddItem") is a call of the operation that has it.
//
// It joins only where one operation can be meant: services of two packages with
// one short name stay apart. The reason enters the ledger.
func Bind(s arch.System) (arch.System, error) {
	b := binder{procedures: map[string]map[string][]procedure{}, merged: map[arch.Ref]procedure{}, moved: map[arch.Fact]move{}}
	b.operations(s)
	b.calls(s)
	if len(b.merged)+len(b.moved) == 0 {
		return s, nil
	}
	l := make(arch.Ledger, len(s.Ledger))
	for f, cs := range s.Ledger {
		to, reason := b.fact(f)
		for _, c := range cs {
			c.Value = b.value(f, c.Value)
			if reason != "" {
				c.From = slices.Clone(c.From)
				for i := range c.From {
					if c.From[i].Reason == "" {
						c.From[i].Reason = reason
					}
				}
			}
			l.Add(to, c)
		}
	}
	return arch.Resolve(l, s.Coverage)
}

// procedure is an operation that is called by gRPC.
type procedure struct {
	op   arch.Ref
	name string // shop.CartService/AddItem
}

// move is a call that leads somewhere else than it says.
type move struct {
	id, reason string
	to         arch.Ref
}

type binder struct {
	procedures map[string]map[string][]procedure // service -> short name -> those that bear it
	merged     map[arch.Ref]procedure            // a short operation -> the one that it is
	moved      map[arch.Fact]move                // by the call's own fact
}

// short is a procedure's name without its package.
func short(name string) string {
	service, method, _ := strings.Cut(name, "/")
	return service[strings.LastIndexByte(service, '.')+1:] + "/" + method
}

func (b *binder) operations(s arch.System) {
	for _, svc := range arch.Sorted(s.Services) {
		by := map[string][]procedure{}
		ops := s.Services[svc].Operations
		for _, op := range arch.Sorted(ops) {
			if name, ok := strings.CutPrefix(ops[op].Trigger, "grpc "); ok {
				by[short(name)] = append(by[short(name)], procedure{arch.NewRef(arch.KindOp, svc, op), strings.TrimPrefix(name, "/")})
			}
		}
		for key, same := range by {
			full := slices.DeleteFunc(slices.Clone(same), func(p procedure) bool { return p.name == key })
			if len(full) == 1 {
				for _, p := range same {
					if p.name == key {
						b.merged[p.op] = full[0]
					}
				}
				by[key] = full
			}
		}
		b.procedures[svc] = by
	}
}

// procedurePath is what a call says that it calls.
var procedurePath = regexp.MustCompile(`^/?[A-Za-z_][\w.]*/[A-Za-z_]\w*$`)

// calls finds the operation that each call means. Of several calls of one
// operation from one place the n-th stays the n-th.
func (b *binder) calls(s arch.System) {
	type pair struct{ from, to arch.Ref }
	count := map[pair]int{}
	for _, e := range s.Edges() {
		p, ok := b.merged[e.Call.To]
		reason := ""
		switch {
		case ok:
			reason = fmt.Sprintf("%s is %s, the only one of that service", e.Call.To.Short(), p.name)
		case e.Call.To.Kind() == arch.KindService && e.Call.Protocol == "grpc" && procedurePath.MatchString(e.Call.Why):
			if p, ok = b.find(e.Call.To.Name(), strings.TrimPrefix(e.Call.Why, "/")); ok {
				reason = fmt.Sprintf("%s offers %s", e.Call.To.Name(), p.name)
			}
		}
		if !ok {
			continue
		}
		at := pair{e.From, p.op}
		count[at]++
		b.moved[e.At()] = move{arch.CallID(p.op, count[at]), reason, p.op}
	}
}

// find is the operation of a service that a name means: the whole name's, or the
// only one of that short name where one of the two has no package.
func (b *binder) find(service, name string) (procedure, bool) {
	same := b.procedures[service][short(name)]
	for _, p := range same {
		if p.name == name {
			return p, true
		}
	}
	if len(same) == 1 && (name == short(name) || same[0].name == short(name)) {
		return same[0], true
	}
	return procedure{}, false
}

// split parts a fact of a call into the call's own and the rest.
func split(f arch.Fact) (call arch.Fact, rest []string, ok bool) {
	ss := f.At.Steps()
	if len(ss) < 2 || ss[0] != "calls" && ss[0] != "uses" {
		return f, nil, false
	}
	return arch.Fact{Of: f.Of, At: arch.Field("").Join(ss[:2]...)}, ss[2:], true
}

// fact is where a fact goes, and why.
func (b *binder) fact(f arch.Fact) (to arch.Fact, reason string) {
	to = f
	if call, rest, ok := split(f); ok {
		if m, ok := b.moved[call]; ok {
			to.At = arch.Field("").Join(append([]string{f.At.Steps()[0], m.id}, rest...)...)
			if len(rest) == 1 && rest[0] == "to" {
				reason = m.reason
			}
		}
	}
	if p, ok := b.merged[f.Of]; ok {
		to.Of = p.op
		if f.At == "" || f.At == "/trigger" {
			reason = fmt.Sprintf("%s is %s, the only one of that service", f.Of.Member(), p.name)
		}
	}
	return to, reason
}

// value is what a fact says once operations have one name.
func (b *binder) value(f arch.Fact, text string) string {
	if call, rest, ok := split(f); ok && len(rest) == 1 && rest[0] == "to" {
		if m, ok := b.moved[call]; ok {
			return string(m.to)
		}
	}
	switch p, merged := b.merged[f.Of]; {
	case merged && f.At == "/trigger":
		return "grpc " + p.name
	case f.At == "/body":
		return b.body(f.Of, text)
	}
	return text
}

// body renames the calls in an operation's body.
func (b *binder) body(of arch.Ref, text string) string {
	var s arch.Step
	if json.Unmarshal([]byte(text), &s) != nil {
		return text
	}
	changed := false
	s = b.step(of, s, &changed)
	out, err := json.Marshal(s)
	if err != nil || !changed {
		return text
	}
	return string(out)
}

func (b *binder) step(of arch.Ref, s arch.Step, changed *bool) arch.Step {
	if m, ok := b.moved[arch.Fact{Of: of, At: arch.Field("").Join("calls", s.Call)}]; ok && s.Call != "" {
		s.Call, *changed = m.id, true
	}
	for i := range s.Steps {
		s.Steps[i] = b.step(of, s.Steps[i], changed)
	}
	return s
}
