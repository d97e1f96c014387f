package traces

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// Witness is who speaks for the claims of a System.
type Witness struct {
	By string // name of the source: "jaeger"
	// Files that were read, for the coverage.
	Files int
}

// System is what was seen, with a claim for each fact that names a span in which
// it shows and how often it was seen. Traces that are open are closed first.
func (a *Aggregate) System(w Witness) (arch.System, error) {
	a.Flush()
	b := &builder{agg: a, by: w, learned: a.learn(), names: a.opNames(), places: map[arch.Fact]place{}}
	b.sys = arch.System{Format: arch.Format, Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}, Externals: map[string]arch.External{}}
	for _, o := range a.sorted() {
		b.operation(o)
	}
	b.attest()
	b.cover()
	return b.sys, nil
}

func (a *Aggregate) sorted() []*op {
	os := make([]*op, 0, len(a.ops))
	for _, o := range a.ops {
		if o.runs > 0 {
			os = append(os, o)
		}
	}
	slices.SortFunc(os, func(x, y *op) int { return compareKeys(x.key, y.key) })
	return os
}

func compareKeys(x, y opKey) int {
	return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.name, y.name), cmp.Compare(x.long, y.long), cmp.Compare(x.trigger, y.trigger))
}

// opNames gives every operation a name of its own in its service: the short one,
// else the long one, else its trigger.
func (a *Aggregate) opNames() map[opKey]string {
	names := map[opKey]string{}
	taken := map[[2]string]int{}
	for k := range a.ops {
		taken[[2]string{k.service, k.name}]++
	}
	used := map[[2]string]bool{}
	for _, o := range a.sorted() {
		k := o.key
		n := k.name
		if taken[[2]string{k.service, n}] > 1 {
			n = cmp.Or(k.long, k.trigger, k.name)
		}
		for i, base := 2, n; used[[2]string{k.service, n}]; i++ {
			n = fmt.Sprintf("%s (%d)", base, i)
		}
		used[[2]string{k.service, n}] = true
		names[k] = n
	}
	return names
}

// learn finds what exits lead to whose run was not seen every time: what the
// same exit led to where it was.
func (a *Aggregate) learn() map[uint64]opKey {
	votes := map[uint64]map[opKey]int64{}
	for _, o := range a.ops {
		for _, s := range o.sites {
			if s.exit != nil && s.callee != (opKey{}) {
				if votes[s.exit.hash] == nil {
					votes[s.exit.hash] = map[opKey]int64{}
				}
				votes[s.exit.hash][s.callee] += s.calls
			}
		}
	}
	best := map[uint64]opKey{}
	for h, v := range votes {
		var k opKey
		for c, n := range v {
			if m := v[k]; n > m || n == m && compareKeys(c, k) < 0 {
				k = c
			}
		}
		best[h] = k
	}
	return best
}

type builder struct {
	agg     *Aggregate
	by      Witness
	sys     arch.System
	learned map[uint64]opKey
	names   map[opKey]string
	places  map[arch.Fact]place
}

// place is the evidence for a fact and for what lies below it.
type place struct {
	example sample
	n       int64
	why     string
}

func (b *builder) note(of arch.Ref, at arch.Field, p place) {
	f := arch.Fact{Of: of, At: at}
	old, ok := b.places[f]
	if ok {
		p.example.plus(old.example)
		p.n += old.n
		p.why = cmp.Or(old.why, p.why)
	}
	b.places[f] = p
}

func (b *builder) service(name string, p place) {
	if _, ok := b.sys.Services[name]; !ok {
		b.sys.Services[name] = arch.Service{}
	}
	b.note(arch.NewRef(arch.KindService, name), "", p)
}

// opRef names an operation; the service alone when what was called began with a
// call of its own, so that no operation is known.
func (b *builder) opRef(k opKey) arch.Ref {
	if b.names[k] == "" {
		b.service(k.service, place{})
		return arch.NewRef(arch.KindService, k.service)
	}
	return arch.NewRef(arch.KindOp, k.service, b.names[k])
}

func (b *builder) operation(o *op) {
	k := o.key
	p := place{example: o.example, n: o.runs}
	b.service(k.service, p)
	svc := b.sys.Services[k.service]
	if k.name == "" {
		from := arch.NewRef(arch.KindService, k.service)
		svc.Uses, _ = b.calls(o, from, "uses")
		b.sys.Services[k.service] = svc
		return
	}
	from := b.opRef(k)
	b.note(from, "", p)
	out := arch.Operation{Trigger: k.trigger, Latency: o.latency.dist(), Errors: share(o.errors, o.runs), Rate: b.rate(o.runs)}
	var placed []*placedSite
	out.Calls, placed = b.calls(o, from, "calls")
	out.Body = body(o, placed)
	if o.kind == Consumer && o.target.kind == arch.KindTopic {
		b.subscribe(o, from, &out)
	}
	if svc.Operations == nil {
		svc.Operations = map[string]arch.Operation{}
	}
	svc.Operations[b.names[k]] = out
	b.sys.Services[k.service] = svc
}

// subscribe is the way from the topic to the operation that handles its messages.
func (b *builder) subscribe(o *op, from arch.Ref, out *arch.Operation) {
	ref := b.element(o.target, place{example: o.example, n: o.runs})
	id := arch.CallID(ref, 1)
	if out.Calls == nil {
		out.Calls = map[string]arch.Call{}
	}
	out.Calls[id] = arch.Call{To: ref, Access: arch.AccessSubscribe, Protocol: o.target.system, Async: arch.Some(true), Rate: b.rate(o.runs)}
	b.note(from, arch.Field("").Join("calls", id), place{example: o.example, n: o.runs})
}

// share of a in n, in [0, 1].
func share(a, n int64) arch.Opt[float64] {
	if n <= 0 {
		return arch.Opt[float64]{}
	}
	return arch.Some(float64(min(a, n)) / float64(n))
}

// rate per second over the time that all spans cover; unknown below a second.
func (b *builder) rate(n int64) arch.Opt[float64] {
	if d := b.agg.to - b.agg.from; d >= int64(time.Second) {
		return arch.Some(float64(n) / (float64(d) / 1e9))
	}
	return arch.Opt[float64]{}
}

// placedSite is a call site whose target is known.
type placedSite struct {
	*site
	to    arch.Ref
	id    string
	index []int // in op.sites: more than one when several turned out to be the same
}

// calls makes the calls of an operation.
func (b *builder) calls(o *op, from arch.Ref, group string) (map[string]arch.Call, []*placedSite) {
	sites := b.resolve(o)
	if len(sites) == 0 {
		return nil, nil
	}
	out := make(map[string]arch.Call, len(sites))
	count := map[arch.Ref]int{}
	for _, s := range sites {
		count[s.to]++
		s.id = arch.CallID(s.to, count[s.to])
		tries := s.calls + s.retried
		c := arch.Call{To: s.to, Access: arch.AccessCall, Latency: s.latency.dist(), Network: s.network.dist(), Errors: share(s.errors, tries), Rate: b.rate(tries), PerCall: s.times}
		if o.latency.sum > 0 {
			c.Critical = share(s.critical, o.latency.sum)
		}
		if s.retried > 0 {
			c.Retried = share(s.retried, tries)
		}
		if never := o.runs - s.runs; never > 0 {
			c.PerCall.Buckets = slices.Clone(c.PerCall.Buckets)
			c.PerCall.ObserveN(0, never)
		}
		p := place{example: s.example, n: tries}
		if s.exit != nil {
			c.Protocol = s.exit.protocol
			c.Why = "span " + s.exit.name
			if k := s.to.Kind(); k == arch.KindStore || k == arch.KindTable || k == arch.KindTopic {
				c.Access = s.exit.target.access
			}
			if s.exit.kind == Producer || s.exit.kind == Consumer {
				c.Async = arch.Some(true)
			}
		}
		if s.failed >= optionalAfter && s.optional*20 >= s.failed*19 {
			c.Optional = arch.Some(true)
		}
		out[s.id] = c
		b.note(from, arch.Field("").Join(group, s.id), p)
	}
	return out, sites
}

// optionalAfter: in so many runs a call must have failed, and 95 % of them gone
// well, before it is called optional.
const optionalAfter = 10

// resolve finds the targets of an operation's sites, in the order in which they
// happen; sites of unknown target join the site that they turn out to be.
func (b *builder) resolve(o *op) []*placedSite {
	var out []*placedSite
	for i, s := range o.sites {
		if s.runs == 0 {
			continue
		}
		if to := b.target(s); to != "" {
			out = append(out, &placedSite{site: s, to: to, index: []int{i}})
		} else {
			b.agg.asm.stats.Unnamed += s.calls
		}
	}
	slices.SortFunc(out, func(x, y *placedSite) int {
		return cmp.Or(cmp.Compare(x.to, y.to), cmp.Compare(x.key.path, y.key.path), cmp.Compare(x.key.exit, y.key.exit), cmp.Compare(x.key.callee, y.key.callee))
	})
	out = join(out, o.runs)
	slices.SortFunc(out, func(x, y *placedSite) int {
		return cmp.Or(cmp.Compare(mean(x.place, x.runs), mean(y.place, y.runs)), cmp.Compare(x.to, y.to), cmp.Compare(x.name(), y.name()), cmp.Compare(x.key.path, y.key.path), cmp.Compare(x.key.callee, y.key.callee))
	})
	return out
}

// join makes one of the sites that differ only in whether the run below them was
// seen. They lie side by side.
func join(sites []*placedSite, runs int64) []*placedSite {
	var out []*placedSite
	for _, s := range sites {
		if n := len(out) - 1; n >= 0 && out[n].to == s.to && out[n].key.path == s.key.path && out[n].key.exit == s.key.exit {
			sum := *out[n].site
			sum.plus(s.site)
			sum.runs = min(sum.runs, runs) // a run that had both counts once at most
			out[n] = &placedSite{site: &sum, to: s.to, index: append(out[n].index, s.index...)}
			continue
		}
		out = append(out, s)
	}
	return out
}

func mean(sum, n int64) float64 { return float64(sum) / float64(max(n, 1)) }

func (s *site) name() string {
	if s.exit == nil {
		return ""
	}
	return s.exit.name
}

// target names what a site reaches, and enters it where it is no operation.
func (b *builder) target(s *site) arch.Ref {
	if s.callee != (opKey{}) {
		return b.opRef(s.callee)
	}
	if s.exit == nil {
		return ""
	}
	t := s.exit.target
	if t.kind == "" || t.weak {
		if k, ok := b.learned[s.exit.hash]; ok {
			return b.opRef(k)
		}
	}
	if t.kind == "" {
		return ""
	}
	return b.element(t, place{example: s.example, n: s.calls, why: t.why})
}

// element enters a store, topic, service or external that calls name.
func (b *builder) element(t target, p place) arch.Ref {
	ref := t.ref()
	switch t.kind {
	case arch.KindStore:
		st := b.sys.Stores[t.name]
		st.Kind = cmp.Or(st.Kind, t.system)
		if t.table != "" {
			if st.Tables == nil {
				st.Tables = map[string]arch.Table{}
			}
			st.Tables[t.table] = arch.Table{}
			b.note(ref, "", p)
		}
		b.sys.Stores[t.name] = st
		b.note(ref.Parent(), "", p)
	case arch.KindTopic:
		tp := b.sys.Topics[t.name]
		tp.Broker = cmp.Or(tp.Broker, t.system)
		b.sys.Topics[t.name] = tp
		b.note(ref, "", p)
	case arch.KindExternal:
		b.sys.Externals[t.name] = arch.External{Host: t.name}
		b.note(ref, "", p)
	case arch.KindService:
		b.service(t.name, p)
	}
	return ref
}
