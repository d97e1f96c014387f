package calm

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/blueprint"
	"github.com/ashlar-dev/ashlar/formats/calm"
)

// walk follows a flow: each time that it comes to a service, the service has an
// operation for it, called as the flow, and what follows from there are its calls,
// one after the other.
type walk struct {
	name    string
	s       arch.System
	places  map[arch.Fact]arch.Source
	current map[string]arch.Ref // operation that a service is in, by the service's name
	visits  map[string]int
}

func (m *mapping) journey(f calm.Flow, index int) arch.System {
	name := cmp.Or(blueprint.Slug(f.ID), blueprint.Slug(f.Name))
	if short := strings.TrimSuffix(strings.TrimPrefix(name, "flow-"), "-flow"); short != "" {
		name = short
	}
	w := &walk{name: name, s: arch.System{Services: map[string]arch.Service{}}, places: map[arch.Fact]arch.Source{}, current: map[string]arch.Ref{}, visits: map[string]int{}}
	order := make([]int, len(f.Transitions))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return f.Transitions[a].Number - f.Transitions[b].Number })
	var entry arch.Ref
	for _, i := range order {
		t := f.Transitions[i]
		if t.Direction == calm.Back {
			continue // an answer
		}
		at := m.at("flows", strconv.Itoa(index), "transitions", strconv.Itoa(i))
		for _, a := range m.arrows(m.relation[t.Relationship], at) {
			if op := w.step(m.refs[a.From], m.refs[a.To], a, t.Description); entry == "" {
				entry = op
			}
		}
	}
	if entry == "" || name == "" {
		return arch.System{}
	}
	w.s.Journeys = map[string]arch.Journey{name: {Entry: entry}}
	for _, at := range []arch.Field{"", "/entry"} {
		w.places[arch.Fact{Of: arch.NewRef(arch.KindJourney, name), At: at}] = m.at("flows", strconv.Itoa(index))
	}
	w.s.Locate(w.places)
	w.s.Attest(m.at("flows", strconv.Itoa(index)))
	return w.s
}

// step takes one transition and returns the operation where a flow that begins
// with it would enter.
func (w *walk) step(from, to arch.Ref, a blueprint.Arrow, about string) arch.Ref {
	trigger := ""
	switch {
	case from.Kind() == arch.KindService && to != "" && from != to:
		enter := w.current[from.Name()]
		if enter == "" {
			enter = w.visit(from, "", a.At)
		}
		if to.Kind() == arch.KindService {
			to = w.visit(to, "", a.At)
		}
		w.call(enter, to, a, about)
		return enter
	case from.Kind() == arch.KindTopic:
		trigger = "topic " + from.Name()
	}
	if to.Kind() != arch.KindService {
		return ""
	}
	return w.visit(to, trigger, a.At)
}

func (w *walk) visit(service arch.Ref, trigger string, at arch.Source) arch.Ref {
	name := w.name
	if w.visits[service.Name()]++; w.visits[service.Name()] > 1 {
		name += " " + strconv.Itoa(w.visits[service.Name()])
	}
	svc := w.s.Services[service.Name()]
	if svc.Operations == nil {
		svc.Operations = map[string]arch.Operation{}
	}
	svc.Operations[name] = arch.Operation{Trigger: trigger}
	w.s.Services[service.Name()] = svc
	op := arch.NewRef(arch.KindOp, service.Name(), name)
	w.current[service.Name()] = op
	w.places[arch.Fact{Of: op}] = at
	return op
}

func (w *walk) call(from, to arch.Ref, a blueprint.Arrow, about string) {
	op := w.s.Services[from.Name()].Operations[from.Member()]
	n := 1
	for op.Calls[arch.CallID(to, n)].To != "" {
		n++
	}
	id := arch.CallID(to, n)
	if op.Calls == nil {
		op.Calls = map[string]arch.Call{}
	}
	c := arch.Call{To: to, Access: a.Way, Protocol: a.Protocol, Why: about}
	if to.Kind() == arch.KindTopic {
		c.Access = arch.AccessPublish
	}
	op.Calls[id] = c
	op.Body.Kind = arch.Seq
	op.Body.Steps = append(op.Body.Steps, arch.Step{Kind: arch.Do, Call: id})
	w.s.Services[from.Name()].Operations[from.Member()] = op
	e := arch.Edge{From: from, ID: id}
	for _, way := range [][]string{nil, {"to"}, {"access"}, {"protocol"}, {"why"}} {
		w.places[e.At(way...)] = a.At
	}
}
