package treesource

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/facts"
)

// emitter puts what the code says into the architecture.
type emitter struct {
	ev    *discover.Evidence
	out   discover.Sink
	ms    *moduleSet
	f     *facts.Facts
	by    map[string]*module
	ops   map[code.MethodID][]operation
	paths map[arch.Ref][]operation // of a service, for who calls it
	calls map[code.MethodID][]code.Call
	leads map[code.MethodID]bool // something leaves there, or in what it calls
	gone  map[code.MethodID][]leaving
	names map[string]arch.Ref // of modules and their services, lower-case
}

// operation is an entry as an operation of its service.
type operation struct {
	ref   arch.Ref
	entry code.Entry
	verb  string
	path  []string
}

// leaving is a call that leaves a method.
type leaving struct {
	to       arch.Ref
	access   string
	protocol string
	why      string
	tx       string
	pos      code.Pos
	policy   arch.Policy
	optional bool
	async    bool
	module   string
}

func (e *emitter) emit() {
	e.by = map[string]*module{}
	e.names = map[string]arch.Ref{}
	for _, m := range e.ms.list {
		e.by[m.name] = m
		for _, n := range []string{m.name, m.ref.Name()} {
			if _, taken := e.names[strings.ToLower(n)]; !taken && m.ref != "" {
				e.names[strings.ToLower(n)] = m.ref
			}
		}
	}
	e.operations()
	e.leavings()
	e.services()
	e.infrastructure()
}

func (e *emitter) source(p code.Pos, why string) arch.Source {
	return arch.Source{Origin: arch.Code, By: Name, File: p.File, Line: p.Line, Reason: why}
}

func (e *emitter) put(s arch.System, src arch.Source) {
	s.Attest(src)
	e.out.System(s)
}

// service puts out a view of one service.
func (e *emitter) service(ref arch.Ref, svc arch.Service, src arch.Source) {
	e.put(arch.System{Services: map[string]arch.Service{ref.Name(): svc}}, src)
}

func (e *emitter) operations() {
	e.ops, e.paths = map[code.MethodID][]operation{}, map[arch.Ref][]operation{}
	for _, p := range e.f.Endpoints {
		m := e.by[p.Module]
		if m == nil || m.ref == "" || m.ref.Kind() != arch.KindService || p.Entry.Kind == "main" {
			continue
		}
		op := operation{ref: arch.NewRef(arch.KindOp, m.ref.Name(), p.Entry.Trigger), entry: p.Entry}
		if p.Entry.Kind == "http" {
			verb, path, _ := strings.Cut(p.Entry.Trigger, " ")
			op.verb, op.path = verb, segments(path)
		}
		e.ops[p.Entry.Method] = append(e.ops[p.Entry.Method], op)
		e.paths[m.ref] = append(e.paths[m.ref], op)
		e.service(m.ref, arch.Service{Operations: map[string]arch.Operation{p.Entry.Trigger: {Trigger: p.Entry.Trigger}}}, e.source(p.Entry.Pos, ""))
	}
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// matching finds the operation of a service that a request reaches.
func (e *emitter) matching(ref arch.Ref, verb, path string) arch.Ref {
	want := segments(path)
	best, score := ref, -1
	for _, op := range e.paths[ref] {
		if op.entry.Kind != "http" || op.verb != verb && op.verb != "ANY" && verb != "" || len(op.path) != len(want) {
			continue
		}
		n := 0
		for i, p := range op.path {
			switch {
			case p == want[i]:
				n += 2
			case strings.HasPrefix(p, "{") || strings.Contains(want[i], "{"):
				n++
			default:
				n = -1 << 20
			}
		}
		if n > score {
			best, score = op.ref, n
		}
	}
	return best
}

// leavings gathers what leaves each method.
func (e *emitter) leavings() {
	e.gone = map[code.MethodID][]leaving{}
	for _, c := range e.f.Outgoing {
		m := e.by[c.Module]
		if m == nil {
			continue
		}
		l := leaving{pos: c.Pos, tx: c.Tx, policy: c.Policy, optional: c.Fallback, module: c.Module, protocol: c.Kind, access: arch.AccessCall}
		if !e.target(m, c.Client, &l) || l.to.Parent() == m.ref {
			continue
		}
		e.gone[c.Method] = append(e.gone[c.Method], l)
	}
	for _, a := range e.f.Graph.Access {
		m := e.by[e.f.ModuleOf[a.Method]]
		if m == nil || m.store == "" { // no source says which database
			continue
		}
		e.gone[a.Method] = append(e.gone[a.Method], leaving{to: a.Table, access: a.Mode, protocol: storeProtocol(e.ev.System.Stores[m.store].Kind), tx: a.Tx, pos: a.Pos, module: m.name})
	}
	e.calls, e.leads = map[code.MethodID][]code.Call{}, map[code.MethodID]bool{}
	callers := map[code.MethodID][]code.MethodID{}
	for _, c := range e.f.Graph.Calls {
		e.calls[c.From] = append(e.calls[c.From], c)
		callers[c.To] = append(callers[c.To], c.From)
	}
	var queue []code.MethodID
	for m := range e.gone {
		e.leads[m] = true
		queue = append(queue, m)
	}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		for _, c := range callers[m] {
			if !e.leads[c] {
				e.leads[c] = true
				queue = append(queue, c)
			}
		}
	}
}

func storeProtocol(kind string) string {
	switch kind {
	case "mongodb", "redis", "cassandra", "elasticsearch", "neo4j":
		return kind
	}
	return "sql"
}

// target finds what a client's words lead to.
func (e *emitter) target(m *module, c code.Client, l *leaving) bool {
	switch c.Kind {
	case "kafka", "amqp", "jms", "topic", "nats":
		name := strings.Trim(c.Target, "/ ")
		if name == "" || strings.Contains(name, "{") {
			return false
		}
		l.to, l.access = arch.NewRef(arch.KindTopic, name), arch.AccessPublish
		e.put(arch.System{Topics: map[string]arch.Topic{name: {}}}, e.source(c.Pos, ""))
		return true
	case "grpc":
		l.to, l.why = e.grpc(c)
		return l.to != ""
	case "http":
	default:
		return false
	}
	ref, ok := e.host(m, c.Target)
	if !ok {
		return false
	}
	verb, path, _ := strings.Cut(c.Verb, " ")
	if strings.HasPrefix(verb, "/") {
		verb, path = "", verb
	}
	l.to, l.why = ref, c.Verb
	if path != "" && ref.Kind() == arch.KindService {
		if l.to = e.matching(ref, verb, path); l.to != ref {
			l.why = "" // the operation says it all
		}
	}
	return true
}

// grpc finds the service that offers what a stub calls: an operation that the code
// has, or else the service that is called as the procedure's: CartService is of
// cartservice, cart-service or cart.
func (e *emitter) grpc(c code.Client) (arch.Ref, string) {
	want := "grpc " + c.Target + "/" + c.Verb
	for _, ref := range arch.Sorted(e.paths) {
		for _, op := range e.paths[ref] {
			if op.entry.Trigger == want || strings.HasSuffix(op.entry.Trigger, "."+c.Target+"/"+c.Verb) {
				return op.ref, ""
			}
		}
	}
	name := strings.ToLower(c.Target[strings.LastIndexByte(c.Target, '.')+1:])
	bare := strings.TrimSuffix(name, "service")
	for _, n := range []string{name, bare + "-service", bare} {
		if ref, ok := e.resolve(n); ok && bare != "" && ref.Kind() == arch.KindService {
			return ref, c.Target + "/" + c.Verb
		}
	}
	return "", ""
}

// host finds who answers to the host of an address.
func (e *emitter) host(m *module, target string) (arch.Ref, bool) {
	ep, ok := discover.ParseEndpoint(target)
	if !ok || strings.ContainsAny(target, "{}") {
		return "", false
	}
	host := strings.ToLower(ep.Host)
	for _, ns := range []string{"spring", ""} {
		if ref, ok := e.ev.Hosts.Resolve(host, ns); ok {
			return ref, true
		}
	}
	if host == "localhost" || host == "127.0.0.1" {
		return e.port(ep.Port)
	}
	if ref, ok := e.names[host]; ok { // a name that only the code knows
		return ref, true
	}
	if ep.Scheme == "" || !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") {
		return "", false
	}
	x := arch.System{Externals: map[string]arch.External{host: {Host: host}}}
	e.put(x, e.source(code.Pos{File: m.dir}, "named by the code"))
	return arch.NewRef(arch.KindExternal, host), true
}

// port: on one machine, an application is who listens on its port.
func (e *emitter) port(port string) (arch.Ref, bool) {
	var found []arch.Ref
	for _, o := range e.ms.list {
		if o.app == nil || port == "" {
			continue
		}
		if p, ok := o.app.Get("server.port"); ok && p == port {
			found = append(found, o.ref)
		}
	}
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// services puts out every service with what its operations reach.
func (e *emitter) services() {
	var of []arch.Ref
	goDirs := goModules(e.ev)
	for _, m := range e.ms.list {
		if m.ref == "" || m.ref.Kind() != arch.KindService {
			continue
		}
		of = append(of, m.ref)
		src := e.source(code.Pos{File: m.dir}, m.why)
		if !m.in && !m.main && m.build == nil && slices.Contains(goDirs, m.dir) {
			continue // scripts beside a Go program, which is the service
		}
		if m.build != nil {
			src.File = m.dir + "/pom.xml"
			if m.build.Gradle {
				src.File = m.dir + "/build.gradle"
			}
		}
		e.service(m.ref, arch.Service{Lang: m.lang}, src)
	}
	reached := map[code.MethodID]bool{}
	for _, p := range e.f.Endpoints {
		for _, op := range e.ops[p.Entry.Method] {
			if op.entry.Trigger == p.Entry.Trigger {
				e.reach(op, reached)
			}
		}
	}
	for _, id := range arch.Sorted(e.gone) { // what no operation reaches, the service does all the same
		if reached[id] {
			continue
		}
		n := map[arch.Ref]int{}
		for _, l := range e.gone[id] {
			m := e.by[l.module]
			if m == nil || m.ref == "" || m.ref.Kind() != arch.KindService {
				continue
			}
			to := l.to
			if to.Kind() == arch.KindTable {
				to = to.Parent()
			}
			n[to]++
			if n[to] > 1 {
				continue
			}
			l.to = to
			e.service(m.ref, arch.Service{Uses: map[string]arch.Call{arch.CallID(to, 1): l.call("")}}, e.source(l.pos, ""))
		}
	}
	slices.Sort(of)
	e.out.Cover(arch.Coverage{Origin: arch.Code, Of: slices.Compact(of)})
}

func (l leaving) call(tx string) arch.Call {
	c := arch.Call{To: l.to, Access: l.access, Protocol: l.protocol, Tx: tx, Why: l.why}
	if l.protocol == "kafka" || l.access == arch.AccessPublish || l.async {
		c.Async = arch.Some(true)
	}
	if l.optional { // there is an answer for when it fails
		c.Optional = arch.Some(true)
		l.policy.Layer, l.policy.Fallback = arch.LayerCode, arch.Some(true)
	}
	if l.policy.Layer != "" {
		c.Layers = []arch.Policy{l.policy}
	}
	return c
}

// reachMax bounds how much code one operation is followed through.
const reachMax = 20_000

// reach follows an operation through the calls and puts out what leaves.
func (e *emitter) reach(op operation, reached map[code.MethodID]bool) {
	type at struct {
		m     code.MethodID
		tx    string
		async bool
	}
	queue := []at{{m: op.entry.Method}}
	seen := map[code.MethodID]bool{op.entry.Method: true}
	n := map[arch.Ref]int{}
	done := map[leaving]bool{}
	for len(queue) > 0 && len(seen) < reachMax {
		x := queue[0]
		queue = queue[1:]
		reached[x.m] = true
		for _, l := range e.gone[x.m] {
			key := leaving{to: l.to, access: l.access, pos: code.Pos{File: l.pos.File, Line: l.pos.Line}}
			if done[key] {
				continue
			}
			done[key] = true
			n[l.to]++
			l.async = l.async || x.async
			tx := l.tx
			if tx == "" {
				tx = x.tx
			}
			call := l.call(tx)
			e.service(op.ref.Parent(), arch.Service{Operations: map[string]arch.Operation{op.ref.Member(): {Calls: map[string]arch.Call{arch.CallID(l.to, n[l.to]): call}}}}, e.source(l.pos, ""))
		}
		for _, c := range e.calls[x.m] {
			if !e.leads[c.To] || seen[c.To] {
				continue
			}
			seen[c.To] = true
			tx := c.Tx
			if tx == "" && !c.Async {
				tx = x.tx
			}
			if own, ok := e.f.Graph.Tx[string(c.To)]; ok && tx == "" {
				tx = own.ID
			}
			queue = append(queue, at{c.To, tx, x.async || c.Async})
		}
	}
}
