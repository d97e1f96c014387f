package contracts

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/protobuf"
)

// Relate gives every contract to its owner.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	list := link(ev.Documents, out)
	for _, d := range discover.Of[*contract.Contract](ev.Documents) {
		list = append(list, d.V)
	}
	pacts := discover.Of[*Pact](ev.Documents)
	if len(list)+len(pacts) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *contract.Contract) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Pos.Line-b.Pos.Line)
	})
	r := &relation{ev: ev, owners: newOwners(ev), names: map[string]int{}, done: map[string]bool{}, providers: map[arch.Ref][]string{}}
	r.s.Contracts, r.s.Services, r.s.Topics = map[string]arch.Contract{}, map[string]arch.Service{}, map[string]arch.Topic{}
	r.places = map[arch.Fact]arch.Source{}
	for _, c := range list {
		for _, name := range namesOf(c) {
			r.names[name]++
		}
	}
	var of []arch.Ref
	for _, c := range list {
		of = append(of, r.contract(c)...)
	}
	for _, p := range pacts {
		if why := r.pact(p); why != "" {
			out.Skip(p.Path, Name+": of the pact, "+why)
		}
	}
	r.s.Locate(r.places)
	r.s.Attest(arch.Source{Origin: arch.FromContract, By: Name})
	out.System(r.s)
	slices.Sort(of)
	out.Cover(arch.Coverage{Origin: arch.FromContract, Of: slices.Compact(of)})
	return nil
}

// link resolves the proto files, and puts their contracts out as documents.
func link(docs []discover.Document, out discover.Sink) []*contract.Contract {
	var files []*protobuf.File
	for _, d := range discover.Of[*protobuf.File](docs) {
		files = append(files, d.V)
	}
	cs, faults := protobuf.Link(files)
	for _, c := range cs {
		d := discover.Document{Path: c.File, Kind: strings.TrimSpace("proto " + c.Format), Name: c.Name, Value: c}
		for _, f := range faults {
			if f.Pos.File == c.File {
				d.Faults = append(d.Faults, f)
			}
		}
		out.Document(d)
	}
	return cs
}

// relation is the System under way.
type relation struct {
	ev        *discover.Evidence
	owners    *owners
	s         arch.System
	places    map[arch.Fact]arch.Source
	names     map[string]int // of contracts: how many want it
	done      map[string]bool
	providers map[arch.Ref][]string // service -> its contracts
}

func source(p doc.Pos, reason string) arch.Source {
	return arch.Source{Origin: arch.FromContract, By: Name, File: p.File, Line: max(1, p.Line), Col: max(1, p.Col), Reason: reason}
}

// standard are packages of frameworks, which every service may offer.
var standard = regexp.MustCompile(`^(grpc|google|opentelemetry|envoy|xds|jaeger|prometheus)\.`)

// namesOf: a proto file is one contract for each service in it.
func namesOf(c *contract.Contract) []string {
	if c.Kind != contract.Proto {
		return []string{c.Name}
	}
	var out []string
	if standard.MatchString(c.Name) {
		return nil
	}
	for _, o := range c.Operations {
		if !slices.Contains(out, o.Service) {
			out = append(out, o.Service)
		}
	}
	return out
}

// contract enters one contract and returns the services that it is of.
func (r *relation) contract(c *contract.Contract) (of []arch.Ref) {
	for _, name := range namesOf(c) {
		service := ""
		if c.Kind == contract.Proto {
			if service = name; r.done[name] {
				continue // a copy of the same service, for a client
			}
			r.done[name] = true
		} else if n := r.owners.called[c.File]; n != "" {
			name = n
		} else if r.names[name] > 1 {
			name += " (" + c.File + ")"
		}
		owner, reason := r.owners.of(c, service)
		ref := arch.NewRef(arch.KindContract, name)
		r.s.Contracts[name] = arch.Contract{Kind: c.Kind, File: c.File, Version: c.Version, Provider: owner}
		at := c.Pos
		if i := slices.IndexFunc(c.Operations, func(o contract.Operation) bool { return service != "" && o.Service == service }); i >= 0 {
			at = c.Operations[i].Pos
		}
		for _, f := range []arch.Field{"", "/kind", "/file", "/version"} {
			r.places[arch.Fact{Of: ref, At: f}] = source(at, "")
		}
		r.places[arch.Fact{Of: ref, At: "/provider"}] = source(at, reason)
		if owner != "" {
			of = append(of, owner)
			r.providers[owner] = append(r.providers[owner], name)
			r.operations(c, service, owner)
		}
		r.events(c, owner)
	}
	return of
}

// pact: who relies on a provider, and the test that holds it. It returns why
// nothing came of it, or "".
func (r *relation) pact(p discover.Typed[*Pact]) string {
	consumer, known := r.owners.named(p.V.Consumer)
	provider, ok := r.owners.named(p.V.Provider)
	switch {
	case !ok:
		return "no service is known that is called as its provider, " + p.V.Provider
	case known && consumer != provider:
		r.relies(p, consumer, provider)
	}
	for _, name := range r.providers[provider] {
		c := r.s.Contracts[name]
		ref := arch.NewRef(arch.KindContract, name)
		if known {
			c.Consumers = append(c.Consumers, consumer)
			slices.Sort(c.Consumers)
			c.Consumers = slices.Compact(c.Consumers)
		}
		c.Tests = append(c.Tests, p.Path)
		slices.Sort(c.Tests)
		c.Tests = slices.Compact(c.Tests)
		r.s.Contracts[name] = c
		for _, f := range []arch.Field{"/consumers", "/tests"} {
			r.places[arch.Fact{Of: ref, At: f}] = p.At(arch.FromContract)
		}
	}
	if !known {
		return "no service is known that is called as its consumer, " + p.V.Consumer
	}
	return ""
}

// relies enters the call that a pact stands for, where no better witness has one.
func (r *relation) relies(p discover.Typed[*Pact], consumer, provider arch.Ref) {
	for _, e := range r.ev.System.Edges() {
		if e.From.Name() == consumer.Name() && (e.Call.To == provider || e.Call.To.Parent() == provider) {
			return
		}
	}
	svc := r.s.Services[consumer.Name()]
	if svc.Uses == nil {
		svc.Uses = map[string]arch.Call{}
	}
	e := arch.Edge{From: consumer, ID: arch.CallID(provider, 1)}
	svc.Uses[e.ID] = arch.Call{To: provider, Why: "a pact"}
	r.s.Services[consumer.Name()] = svc
	for _, f := range []arch.Fact{{Of: consumer}, e.At(), e.At("to"), e.At("why")} {
		if r.places[f] == (arch.Source{}) {
			r.places[f] = p.At(arch.FromContract, "consumer")
		}
	}
}

// operations enters the operations of a contract into its owner, each as the
// operation that is already known where it is the same.
func (r *relation) operations(c *contract.Contract, service string, owner arch.Ref) {
	svc := r.s.Services[owner.Name()]
	if svc.Operations == nil {
		svc.Operations = map[string]arch.Operation{}
	}
	known := r.ev.System.Services[owner.Name()].Operations
	r.places[arch.Fact{Of: owner}] = source(c.Pos, "")
	for _, o := range c.Operations {
		if service != "" && o.Service != service {
			continue
		}
		name, was := same(known, o)
		if name == "" {
			name = cmp.Or(o.Name, o.Trigger)
			if x, taken := svc.Operations[name]; taken && x.Trigger != o.Trigger {
				name = o.Trigger
			}
		}
		op := arch.Operation{Contract: c.File + "#" + o.Pointer, Version: versionOf(c, o)}
		if o.Pointer == "" {
			op.Contract = c.File
		}
		op.Trigger = o.Trigger
		if o.Base != "" {
			m, p, _ := strings.Cut(o.Trigger, " ")
			op.Trigger = m + " " + o.Base + p
		}
		if was.Trigger != "" && was.Trigger != op.Trigger {
			op.Trigger = "" // another way to write the same; who serves it says how
		}
		svc.Operations[name] = op
		ref := arch.NewRef(arch.KindOp, owner.Name(), name)
		for _, f := range []arch.Field{"", "/contract", "/version", "/trigger"} {
			r.places[arch.Fact{Of: ref, At: f}] = source(o.Pos, "")
		}
	}
	r.s.Services[owner.Name()] = svc
}

// versionOf is the version by which clients ask for an operation: that of the
// path or package. The version of the document is no part of the interface.
func versionOf(c *contract.Contract, o contract.Operation) string {
	if c.Kind == contract.Proto {
		return c.Version
	}
	return contract.VersionOf(o.Base + strings.TrimLeft(o.Trigger[strings.IndexByte(o.Trigger, ' ')+1:], " "))
}

// same finds the known operation that a contract's is.
func same(known map[string]arch.Operation, o contract.Operation) (string, arch.Operation) {
	var byName string
	for _, name := range arch.Sorted(known) {
		t := cmp.Or(known[name].Trigger, name)
		switch {
		case strings.HasPrefix(o.Trigger, "grpc "):
			if rpc(t) == rpc(o.Trigger) || rpc(name) == rpc(o.Trigger) || rpc(o.Trigger) == o.Service+"/"+name && known[name].Trigger == "" {
				return name, known[name]
			}
		case triggered(t, o):
			return name, known[name]
		}
		if known[name].Trigger == "" && o.Name != "" && strings.EqualFold(name, o.Name) {
			byName = name
		}
	}
	return byName, known[byName]
}

// rpc is package.Service/Method of a trigger or name.
func rpc(s string) string {
	s = strings.TrimPrefix(s, "grpc ")
	return strings.TrimPrefix(s, "/")
}

func triggered(trigger string, o contract.Operation) bool {
	m, p, ok := strings.Cut(trigger, " ")
	if !ok || !strings.HasPrefix(p, "/") {
		return strings.EqualFold(trigger, o.Trigger)
	}
	key := contract.HTTPKey(m, p)
	om, op, _ := strings.Cut(o.Trigger, " ")
	return key == o.Key || key == contract.HTTPKey(om, op)
}

// events enters channels as topics, and what the owner does with them.
func (r *relation) events(c *contract.Contract, owner arch.Ref) {
	for _, e := range c.Events {
		if e.Channel == "" {
			continue
		}
		topic := arch.NewRef(arch.KindTopic, e.Channel)
		t := r.s.Topics[e.Channel]
		if t.Events == nil {
			t.Events = map[string]string{}
		}
		if v, ok := t.Events[e.Name]; !ok || v == "" {
			t.Events[e.Name] = e.Version
			r.places[arch.Fact{Of: topic, At: arch.Field("").Join("events", e.Name)}] = source(e.Pos, "")
		}
		t.Broker = cmp.Or(t.Broker, e.Protocol)
		if e.Partitions > 0 {
			t.Partitions = arch.Some(e.Partitions)
		}
		r.s.Topics[e.Channel] = t
		for _, f := range []arch.Field{"", "/events", "/broker", "/partitions"} {
			if _, ok := r.places[arch.Fact{Of: topic, At: f}]; !ok {
				r.places[arch.Fact{Of: topic, At: f}] = source(cmp.Or(e.ChannelPos, e.Pos), "")
			}
		}
		if owner != "" {
			r.use(c, owner, topic, e)
		}
	}
}

func (r *relation) use(c *contract.Contract, owner, topic arch.Ref, e contract.Event) {
	access := ""
	switch {
	case e.Sends:
		access = arch.AccessPublish
	case e.Receives:
		access = arch.AccessSubscribe
	default:
		return
	}
	for _, x := range r.ev.System.Edges() {
		if x.From.Name() == owner.Name() && x.Call.To == topic && x.Call.Access == access {
			return // an operation is known to do it
		}
	}
	svc := r.s.Services[owner.Name()]
	if svc.Uses == nil {
		svc.Uses = map[string]arch.Call{}
	}
	n := 1
	for ; ; n++ {
		id := arch.CallID(topic, n)
		if x, ok := svc.Uses[id]; !ok || x.Access == access {
			svc.Uses[id] = arch.Call{To: topic, Access: access, Protocol: e.Protocol, Async: arch.Some(true), Why: c.Name}
			at := arch.Fact{Of: owner, At: arch.Field("").Join("uses", id)}
			for _, f := range []arch.Field{"", "/to", "/access", "/protocol", "/async", "/why"} {
				r.places[arch.Fact{Of: owner, At: at.At + f}] = source(e.Pos, "")
			}
			break
		}
	}
	r.s.Services[owner.Name()] = svc
	if _, ok := r.places[arch.Fact{Of: owner}]; !ok {
		r.places[arch.Fact{Of: owner}] = source(c.Pos, "")
	}
}
