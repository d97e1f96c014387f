package advise

import (
	"errors"
	"math"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// patch is a system that says a few facts, and of all else that they name only
// that it is there.
type patch struct{ s arch.System }

func newPatch() *patch { return &patch{arch.System{Services: map[string]arch.Service{}}} }

// there describes an element, so that the file which names it can be read.
func (p *patch) there(r arch.Ref) {
	switch r.Kind() {
	case arch.KindOp:
		p.op(r, p.s.Services[r.Name()].Operations[r.Member()])
	case arch.KindService:
		p.s.Services[r.Name()] = p.s.Services[r.Name()]
	case arch.KindStore, arch.KindTable:
		if p.s.Stores == nil {
			p.s.Stores = map[string]arch.Store{}
		}
		st := p.s.Stores[r.Name()]
		if r.Kind() == arch.KindTable {
			if st.Tables == nil {
				st.Tables = map[string]arch.Table{}
			}
			st.Tables[r.Member()] = st.Tables[r.Member()]
		}
		p.s.Stores[r.Name()] = st
	case arch.KindTopic:
		if p.s.Topics == nil {
			p.s.Topics = map[string]arch.Topic{}
		}
		p.s.Topics[r.Name()] = p.s.Topics[r.Name()]
	case arch.KindExternal:
		if p.s.Externals == nil {
			p.s.Externals = map[string]arch.External{}
		}
		p.s.Externals[r.Name()] = p.s.Externals[r.Name()]
	}
}

func (p *patch) op(r arch.Ref, o arch.Operation) {
	svc := p.s.Services[r.Name()]
	if svc.Operations == nil {
		svc.Operations = map[string]arch.Operation{}
	}
	svc.Operations[r.Member()] = o
	p.s.Services[r.Name()] = svc
}

// call says of a call what c says, its target and access being those of site.
func (p *patch) call(from arch.Ref, id string, site, c arch.Call) {
	c.To, c.Access = site.To, site.Access
	p.there(c.To)
	p.there(from)
	svc := p.s.Services[from.Name()]
	if from.Kind() == arch.KindService {
		if svc.Uses == nil {
			svc.Uses = map[string]arch.Call{}
		}
		svc.Uses[id] = c
		p.s.Services[from.Name()] = svc
		return
	}
	o := svc.Operations[from.Member()]
	if o.Calls == nil {
		o.Calls = map[string]arch.Call{}
	}
	o.Calls[id] = c
	p.op(from, o)
}

// ErrNothing says that no answer has settings.
var ErrNothing = errors.New("there are no settings to write: ask without it for the reasons")

// Apply returns the system that says the settings of the answers as limits of
// the callers' own code, and nothing else, for archfile.Write. Times are cut to
// three digits, downwards, so that parts still fit into their whole. The age at
// which a call is slow, and how many of these are a stall, have no place in the
// model.
func Apply(s arch.System, answers []Answer) (arch.System, error) {
	sites := map[arch.Ref]map[string]arch.Call{}
	for _, e := range s.Edges() {
		if sites[e.From] == nil {
			sites[e.From] = map[string]arch.Call{}
		}
		sites[e.From][e.ID] = e.Call
	}
	p := newPatch()
	n := 0
	for i := range answers {
		a := &answers[i]
		site, ok := sites[a.From][a.ID]
		if a.Verdict != Settings || !ok {
			continue
		}
		if limits, any := a.limits(); any {
			p.call(a.From, a.ID, site, arch.Call{Layers: []arch.Policy{limits}})
			n++
		}
	}
	if n == 0 {
		return arch.System{}, ErrNothing
	}
	return p.s, nil
}

// limits are the numbers as a policy; any reports whether there are any.
func (a *Answer) limits() (p arch.Policy, any bool) {
	p.Layer = arch.LayerCode
	put := func(name string, set func(v float64)) {
		if v, ok := a.value(name); ok {
			set(v)
			any = true
		}
	}
	put(Timeout, func(v float64) { p.Timeout = arch.Some(cut(v)) })
	put(Tries, func(v float64) { p.Retry = &arch.Retry{Attempts: arch.Some(int(v))} })
	if p.Retry != nil && p.Retry.Attempts.V > 1 {
		put(PerTry, func(v float64) { p.Retry.PerTry = arch.Some(cut(v)) })
		put(Wait, func(v float64) { p.Retry.Backoff, p.Retry.Jitter = arch.Some(cut(v)), arch.Some(true) })
		put(RetryBudget, func(v float64) { p.Retry.Budget = arch.Some(math.Round(v*1e4) / 1e4) })
	}
	breaker := func() *arch.Breaker {
		if p.Breaker == nil {
			p.Breaker = &arch.Breaker{}
		}
		return p.Breaker
	}
	put(Window, func(v float64) { breaker().Window = arch.Some(cut(v)) })
	put(Threshold, func(v float64) { breaker().Failures = arch.Some(math.Round(v*1e3) / 1e3) })
	put(MinCalls, func(v float64) { breaker().Count = arch.Some(int(v)) })
	put(InARow, func(v float64) { breaker().Count = arch.Some(int(v)) })
	put(Bulkhead, func(v float64) { p.Bulkhead = &arch.Limit{Concurrent: arch.Some(int(v))} })
	put(Hedge, func(v float64) { p.Hedge = arch.Some(cut(v)) })
	return p, any
}

// cut keeps three digits, downwards.
func cut(seconds float64) time.Duration {
	d := time.Duration(seconds * 1e9)
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d / unit * unit
}
