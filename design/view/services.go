package view

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Services is the map of a system: services, stores, topics, gateways and
// external systems, and who calls, reads, writes and publishes what.
//
// Call sites between the same two elements become one arrow for each kind. The
// steps of an orchestrated saga are calls of its owner. A store that only one
// service uses lies inside that service.
func Services(s arch.System, o *Options) Graph {
	b := newBuilder(KindServices, s, o)
	b.services()
	return b.graph()
}

func (b *builder) services() {
	b.addServices()
	b.addStores()
	b.addTopics()
	b.addGateways()
	b.addExternals()
	for _, e := range b.s.Edges() {
		b.call(e)
	}
	b.subscriptions()
	b.routes()
	b.sagas()
	b.foldAccess()
	b.compartments()
	b.placeInGroups()
}

func (b *builder) addServices() {
	for _, name := range arch.Sorted(b.s.Services) {
		r, svc := arch.NewRef(arch.KindService, name), b.s.Services[name]
		b.node(Node{Ref: r, Kind: Service, Role: svc.Role, Detail: b.serviceDetail(svc), Context: svc.Context, Team: svc.Owner,
			Facts: b.serviceFacts(r, svc)})
	}
}

// serviceDetail is the small line: what tells a reader most.
func (b *builder) serviceDetail(svc arch.Service) string {
	var parts []string
	switch svc.Role {
	case "", arch.RoleApp:
	case arch.RoleLoadgen:
		parts = append(parts, "load generator")
	default:
		parts = append(parts, svc.Role)
	}
	if svc.Lang != "" {
		parts = append(parts, svc.Lang)
	}
	return strings.Join(parts, " · ")
}

func (b *builder) addStores() {
	for _, name := range arch.Sorted(b.s.Stores) {
		r, st := arch.NewRef(arch.KindStore, name), b.s.Stores[name]
		n := b.node(Node{Ref: r, Kind: Store, Detail: st.Kind, Facts: b.storeFacts(r, st)})
		if isCache(st.Kind) {
			n.Role = "cache"
		}
	}
}

func isCache(kind string) bool {
	switch strings.ToLower(kind) {
	case "redis", "memcached", "valkey", "hazelcast", "cache":
		return true
	}
	return false
}

func (b *builder) addTopics() {
	for _, name := range arch.Sorted(b.s.Topics) {
		r, t := arch.NewRef(arch.KindTopic, name), b.s.Topics[name]
		b.node(Node{Ref: r, Kind: Topic, Detail: t.Broker, Facts: b.topicFacts(r, t)})
	}
	for _, name := range arch.Sorted(b.s.Topics) {
		if dl := b.s.Topics[name].DeadLetter; dl != "" {
			b.edge(arch.NewRef(arch.KindTopic, name), arch.NewRef(arch.KindTopic, dl), DeadLetter)
		}
	}
}

func (b *builder) addGateways() {
	for _, name := range arch.Sorted(b.s.Gateways) {
		r, gw := arch.NewRef(arch.KindGateway, name), b.s.Gateways[name]
		if home, ok := b.home[r]; ok {
			n := b.nodes[home]
			n.Role = arch.RoleGateway
			n.Facts = append(n.Facts, b.gatewayFacts(r, gw)...)
			continue
		}
		b.node(Node{Ref: r, Kind: Gateway, Detail: gw.Kind, Facts: b.gatewayFacts(r, gw)})
	}
}

func (b *builder) addExternals() {
	for _, name := range arch.Sorted(b.s.Externals) {
		r, x := arch.NewRef(arch.KindExternal, name), b.s.Externals[name]
		detail := "external"
		if x.Host != "" && x.Host != name {
			detail = x.Host
		}
		b.node(Node{Ref: r, Kind: External, Detail: detail, Team: x.Owner, Facts: b.externalFacts(r, x)})
	}
}

func (b *builder) call(e arch.Edge) {
	c := e.Call
	if c.Access == arch.AccessSubscribe {
		if g := b.edge(c.To, e.From, Subscribe); g != nil {
			b.sum(g, e)
		}
		return
	}
	if g := b.edge(e.From, c.To, callKind(c)); g != nil {
		b.sum(g, e)
	}
}

func callKind(c arch.Call) EdgeKind {
	switch c.To.Kind() {
	case arch.KindStore, arch.KindTable:
		switch c.Access {
		case arch.AccessRead:
			return Read
		case arch.AccessWrite:
			return Write
		}
		return Use
	case arch.KindTopic:
		return Publish
	}
	if c.Access == arch.AccessPublish || c.Async.Or(false) {
		return Async
	}
	return Sync
}

// subscriptions are also what operations are triggered by.
func (b *builder) subscriptions() {
	for _, r := range b.s.Refs(arch.KindOp) {
		op := b.s.Services[r.Name()].Operations[r.Member()]
		topic, ok := strings.CutPrefix(op.Trigger, "topic ")
		if !ok {
			continue
		}
		if e := b.edge(arch.NewRef(arch.KindTopic, strings.TrimSpace(topic)), r, Subscribe); e != nil {
			e.Calls++
			b.say(e, "handled by", r.Short())
		}
	}
}

func (b *builder) routes() {
	for _, name := range arch.Sorted(b.s.Gateways) {
		from := arch.NewRef(arch.KindGateway, name)
		for _, rt := range b.s.Gateways[name].Routes {
			if rt.To == "" {
				continue
			}
			if e := b.edge(from, rt.To, Route); e != nil {
				e.Calls++
				b.say(e, "route", strings.TrimSpace(rt.Method+" "+rt.Host+rt.Path))
			}
		}
	}
}

func (b *builder) sagas() {
	for _, name := range arch.Sorted(b.s.Sagas) {
		sg := b.s.Sagas[name]
		for _, st := range sg.Steps {
			if sg.Style != "choreographed" && sg.Owner != "" {
				b.step(sg.Owner, st.Action, "saga "+name, st.Name)
				b.step(sg.Owner, st.Compensation, "saga "+name, "undo of "+st.Name)
			}
			b.emit(name, st)
		}
	}
}

func (b *builder) step(owner, action arch.Ref, name, what string) {
	if action == "" {
		return
	}
	if e := b.edge(owner, action, Sync); e != nil {
		e.Calls++
		b.say(e, name, what)
	}
}

// emit draws what a step publishes when it is done.
func (b *builder) emit(saga string, st arch.SagaStep) {
	if st.Emits == "" || st.Action == "" {
		return
	}
	if e := b.edge(st.Action, st.Emits, Publish); e != nil {
		b.say(e, "saga "+saga, "step "+st.Name)
	}
}

// foldAccess draws one arrow between a service and a store: writing says more
// than reading, and both more than not knowing.
func (b *builder) foldAccess() {
	for _, weaker := range []EdgeKind{Use, Read} {
		for key, e := range b.edges {
			if key.kind != weaker {
				continue
			}
			for _, stronger := range []EdgeKind{Write, Read} {
				into, ok := b.edges[edgeKey{key.from, key.to, stronger}]
				if !ok || stronger == weaker {
					continue
				}
				b.fold(into, e)
				delete(b.edges, key)
				break
			}
		}
	}
}

func (b *builder) fold(into, e *Edge) {
	into.Calls += e.Calls
	if r, ok := e.Rate.Get(); ok {
		into.Rate = arch.Some(into.Rate.Or(0) + r)
	}
	for _, f := range e.Facts {
		b.say(into, f.Name, f.Value)
	}
}

// compartments puts a store inside the one service that uses it.
func (b *builder) compartments() {
	users := map[arch.Ref]map[arch.Ref]bool{}
	for k := range b.edges {
		if b.nodes[k.to].Kind == Store {
			if users[k.to] == nil {
				users[k.to] = map[arch.Ref]bool{}
			}
			users[k.to][k.from] = true
		}
	}
	for r, n := range b.nodes {
		if n.Kind != Store || n.Missing {
			continue
		}
		owner := b.s.Stores[r.Name()].Owner
		us := arch.Sorted(users[r])
		if len(us) == 0 && owner != "" && b.nodes[owner] != nil {
			us = []arch.Ref{owner}
		}
		if len(us) == 1 && (owner == "" || owner == us[0]) && b.nodes[us[0]].Kind == Service {
			n.Inside = us[0]
		}
	}
}
