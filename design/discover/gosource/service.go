package gosource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// emitter makes services of programs.
type emitter struct {
	p        *program
	ev       *discover.Evidence
	out      discover.Sink
	g        *code.Graph
	servers  map[string]arch.Ref // "grpc a.B/C" -> operation
	byMethod *lookup
}

// lookup finds by method.
type lookup struct {
	calls   map[code.MethodID][]code.Call
	access  map[code.MethodID][]code.Access
	clients map[code.MethodID][]code.Client
}

func index(g *code.Graph) *lookup {
	l := &lookup{map[code.MethodID][]code.Call{}, map[code.MethodID][]code.Access{}, map[code.MethodID][]code.Client{}}
	for _, c := range g.Calls {
		l.calls[c.From] = append(l.calls[c.From], c)
	}
	for _, a := range g.Access {
		l.access[a.Method] = append(l.access[a.Method], a)
	}
	for _, c := range g.Clients {
		l.clients[c.Method] = append(l.clients[c.Method], c)
	}
	return l
}

// entriesOf lists what comes in at a program, with the names of its operations.
func (e *emitter) entriesOf(b *binary) map[string]code.Entry {
	out := map[string]code.Entry{}
	for _, x := range e.g.Entries {
		if !e.p.serves(b, x) {
			continue
		}
		name := e.p.methods[x.Method].Name
		if x.Kind == "grpc" {
			name = x.Trigger[strings.LastIndexByte(x.Trigger, '/')+1:]
		}
		if old, ok := out[name]; name == "" || strings.Contains(name, "func@") || name == "ServeHTTP" || ok && old.Trigger != x.Trigger {
			name = x.Trigger
		}
		out[name] = x
	}
	return out
}

// collect remembers who serves what, before calls are resolved.
func (e *emitter) collect(b *binary) {
	for name, x := range e.entriesOf(b) {
		if x.Kind == "grpc" {
			e.servers[x.Trigger] = arch.NewRef(arch.KindOp, b.ref.Name(), name)
		}
	}
}

func (e *emitter) source(at code.Pos, why string) arch.Source {
	return arch.Source{Origin: arch.Code, By: Name, File: at.File, Line: at.Line, Col: at.Col, Reason: why}
}

// service puts out a program.
func (e *emitter) service(b *binary) {
	places := map[arch.Fact]arch.Source{}
	svc := arch.Service{Lang: "go", Operations: map[string]arch.Operation{}}
	if b.ref.Name() != b.name {
		svc.Aliases = []string{b.name}
	}
	if b.main.Dir != "" {
		svc.Run.Package = b.main.Path
	}
	sys := arch.System{Services: map[string]arch.Service{}, Topics: map[string]arch.Topic{}, Externals: map[string]arch.External{}}
	for name, x := range e.entriesOf(b) {
		of := arch.NewRef(arch.KindOp, b.ref.Name(), name)
		op := arch.Operation{Trigger: x.Trigger, Calls: map[string]arch.Call{}}
		src := e.source(x.Pos, "")
		places[arch.Fact{Of: of}], places[arch.Fact{Of: of, At: "/trigger"}] = src, src
		if topic, ok := strings.CutPrefix(x.Trigger, "topic "); ok && topic != "?" {
			if _, has := sys.Topics[topic]; !has {
				sys.Topics[topic] = arch.Topic{}
				places[arch.Fact{Of: arch.NewRef(arch.KindTopic, topic)}] = src
			}
		}
		t := &tracer{e: e, b: b, of: of, op: &op, sys: &sys, places: places, seen: map[string]bool{}, count: map[arch.Ref]int{}}
		t.walk(x.Method, "", 0)
		svc.Operations[name] = op
	}
	sys.Services[b.ref.Name()] = svc
	if b.dbAt.File != "" && len(e.g.Access) > 0 {
		e.store(b, &sys, places)
	}
	sys.Locate(places)
	sys.Attest(e.source(b.at, ""))
	e.out.System(sys)
}

// store describes the tables of a program's store.
func (e *emitter) store(b *binary, sys *arch.System, places map[arch.Fact]arch.Source) {
	st := arch.Store{Kind: b.kind, Tables: map[string]arch.Table{}}
	for _, ref := range sortedKeys(e.g.Tables) {
		if ref.Name() != b.store {
			continue
		}
		t := e.g.Tables[ref]
		st.Tables[ref.Member()] = arch.Table{Columns: t.Columns, ForeignKeys: t.ForeignKeys}
		places[arch.Fact{Of: ref}] = e.source(t.Pos, "")
	}
	for _, a := range e.g.Access {
		if _, ok := st.Tables[a.Table.Member()]; !ok && a.Table.Name() == b.store {
			st.Tables[a.Table.Member()] = arch.Table{}
			places[arch.Fact{Of: a.Table}] = e.source(a.Pos, "")
		}
	}
	sys.Stores = map[string]arch.Store{b.store: st}
	ref := arch.NewRef(arch.KindStore, b.store)
	places[arch.Fact{Of: ref}] = e.source(b.dbAt, "opened here")
	places[arch.Fact{Of: ref, At: "/kind"}] = places[arch.Fact{Of: ref}]
}

// tracer follows an operation through the functions that it calls.
type tracer struct {
	e      *emitter
	b      *binary
	of     arch.Ref
	op     *arch.Operation
	sys    *arch.System
	places map[arch.Fact]arch.Source
	seen   map[string]bool // by method and transaction
	count  map[arch.Ref]int
	per    map[string]bool // target, access, transaction and limits: one call
}

const maxTrace = 60

// walk adds what a method touches; tx is the transaction that it is called in.
func (t *tracer) walk(m code.MethodID, tx string, depth int) {
	key := string(m) + "|" + tx
	if t.seen[key] || depth > maxTrace {
		return
	}
	t.seen[key] = true
	type event struct {
		at code.Pos
		do func()
	}
	var evs []event
	for _, a := range t.e.byMethod.access[m] {
		evs = append(evs, event{a.Pos, func() { t.access(a, cmp.Or(a.Tx, tx)) }})
	}
	for _, c := range t.e.byMethod.clients[m] {
		evs = append(evs, event{c.Pos, func() { t.client(c, cmp.Or(c.Tx, tx)) }})
	}
	for _, c := range t.e.byMethod.calls[m] {
		if c.Async {
			tx := ""
			evs = append(evs, event{c.Pos, func() { t.walk(c.To, tx, depth+1) }})
			continue
		}
		evs = append(evs, event{c.Pos, func() { t.walk(c.To, cmp.Or(c.Tx, tx), depth+1) }})
	}
	slices.SortStableFunc(evs, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at.File, b.at.File), a.at.Line-b.at.Line, a.at.Col-b.at.Col)
	})
	for _, x := range evs {
		x.do()
	}
}

func (t *tracer) add(c arch.Call, at code.Pos) {
	key := fmt.Sprintf("%s|%s|%s|%s", c.To, c.Access, c.Tx, c.Why)
	if t.per == nil {
		t.per = map[string]bool{}
	}
	if t.per[key] || len(t.op.Calls) > 200 {
		return
	}
	t.per[key] = true
	t.count[c.To]++
	id := arch.CallID(c.To, t.count[c.To])
	t.op.Calls[id] = c
	edge := arch.Edge{From: t.of, ID: id}
	src := t.e.source(at, "")
	for _, f := range []arch.Fact{edge.At(), edge.At("to"), edge.At("access"), edge.At("protocol"), edge.At("tx"), edge.At("why")} {
		t.places[f] = src
	}
	for _, p := range c.Layers {
		for _, f := range []string{"", "timeout", "retry"} {
			steps := []string{"layers", p.Key()}
			if f != "" {
				steps = append(steps, f)
			}
			t.places[edge.At(steps...)] = src
		}
		if p.Retry != nil {
			t.places[edge.At("layers", p.Key(), "retry", "attempts")] = src
		}
	}
}

func (t *tracer) access(a code.Access, tx string) {
	t.add(arch.Call{To: a.Table, Access: a.Mode, Protocol: "sql", Tx: tx}, a.Pos)
}

// client adds a call that leaves the process, where its target is known.
func (t *tracer) client(c code.Client, tx string) {
	call := arch.Call{Protocol: c.Kind, Tx: tx, Access: arch.AccessCall, Why: c.Verb}
	if c.Policy.Layer != "" {
		call.Layers = []arch.Policy{c.Policy}
	}
	switch c.Kind {
	case "topic":
		if c.Target == "" || strings.Contains(c.Target, "{}") {
			return
		}
		call.To, call.Access = arch.NewRef(arch.KindTopic, c.Target), arch.AccessPublish
		call.Protocol = strings.TrimPrefix(c.Verb, "publish ")
		call.Why = ""
		if _, ok := t.sys.Topics[c.Target]; !ok {
			t.sys.Topics[c.Target] = arch.Topic{}
			t.places[arch.Fact{Of: call.To}] = t.e.source(c.Pos, "")
		}
	case "grpc":
		if to, ok := t.e.servers["grpc "+c.Verb]; ok {
			call.To = to
		} else if to, ok := t.target(c); ok {
			call.To = to
		}
	default:
		call.To, _ = t.target(c)
	}
	if call.To == "" || call.To.Parent() == t.b.ref {
		return
	}
	t.add(call, c.Pos)
}

// target finds what a place means: a service, or an external system.
func (t *tracer) target(c code.Client) (arch.Ref, bool) {
	hosts := t.e.ev.Hosts
	if k, ok := strings.CutPrefix(c.Target, "${"); ok {
		k, _, _ = strings.Cut(k, "}")
		svc := t.e.ev.System.Services[t.b.ref.Name()]
		for _, id := range arch.Sorted(svc.Uses) { // the deployment says what the variable holds
			if u := svc.Uses[id]; strings.Contains(u.Why, k) {
				return u.To, true
			}
		}
		name, ok := discover.PlaceOwner(k)
		if !ok {
			return "", false
		}
		for _, n := range []string{name, name + "-service", name + "service", strings.ReplaceAll(name, "-", "") + "service", strings.ReplaceAll(name, "-", "")} {
			if r, ok := hosts.Resolve(n, ""); ok {
				return r, true
			}
			if _, ok := t.e.ev.System.Services[n]; ok {
				return arch.NewRef(arch.KindService, n), true
			}
		}
		return t.external(name, "", c)
	}
	ep, ok := discover.ParseEndpoint(strings.ReplaceAll(c.Target, "{}", "x"))
	if !ok || strings.Contains(c.Target, "{}") {
		return "", false
	}
	if r, ok := hosts.Resolve(ep.Host, ""); ok {
		return r, true
	}
	if !strings.Contains(ep.Host, ".") {
		if _, ok := t.e.ev.System.Services[ep.Host]; ok {
			return arch.NewRef(arch.KindService, ep.Host), true
		}
		if ep.Host == "localhost" || ep.Port == "" {
			return "", false
		}
	}
	return t.external(ep.Host, ep.Host, c)
}

func (t *tracer) external(name, host string, c code.Client) (arch.Ref, bool) {
	ref := arch.NewRef(arch.KindExternal, name)
	if _, ok := t.sys.Externals[name]; !ok {
		t.sys.Externals[name] = arch.External{Host: host}
		t.places[arch.Fact{Of: ref}] = t.e.source(c.Pos, "")
	}
	return ref, true
}
