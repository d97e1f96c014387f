package view

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Contexts is the context map: bounded contexts, the relations that a hand
// declared between them, and what their services really do to each other:
// calls, events, stores that both use. What is declared and what is done are
// one arrow where they go the same way.
func Contexts(s arch.System, o *Options) Graph {
	b := newBuilder(KindContexts, s, o)
	services := map[string][]string{}
	var homeless []string
	for _, name := range arch.Sorted(s.Services) {
		svc := s.Services[name]
		ref := arch.NewRef(arch.KindService, name)
		if svc.Context == "" {
			if !arch.Infrastructure(svc.Role) {
				homeless = append(homeless, name)
			}
			b.home[ref] = ""
			continue
		}
		b.home[ref] = arch.NewRef(arch.KindContext, svc.Context)
		services[svc.Context] = append(services[svc.Context], name)
	}
	for _, name := range arch.Sorted(services) {
		b.context(name, s.Contexts[name], services[name])
	}
	for _, name := range arch.Sorted(s.Contexts) {
		b.context(name, s.Contexts[name], services[name])
	}
	b.relations()
	b.contacts()
	b.sharedStores()
	if len(homeless) > 0 {
		b.note(plural(len(homeless), "service", "services") + " in no context: " + list(homeless, 8))
	}
	return b.graph()
}

func (b *builder) context(name string, c arch.Context, services []string) {
	b.node(Node{Ref: arch.NewRef(arch.KindContext, name), Kind: Context, Detail: strings.TrimPrefix(c.Kind+" · "+plural(len(services), "service", "services"), " · "),
		Facts: known(Fact{"kind", c.Kind}, Fact{"complexity", c.Complexity}, Fact{"services", strings.Join(services, ", ")},
			Fact{"aggregates", strings.Join(arch.Sorted(c.Aggregates), ", ")}, Fact{"events", strings.Join(arch.Sorted(c.Events), ", ")},
			Fact{"words", strings.Join(arch.Sorted(c.Terms), ", ")})})
}

func (b *builder) relations() {
	for _, from := range arch.Sorted(b.s.Contexts) {
		for _, to := range arch.Sorted(b.s.Contexts[from].Relations) {
			if e := b.edge(arch.NewRef(arch.KindContext, from), arch.NewRef(arch.KindContext, to), Relation); e != nil {
				e.Label = strings.ReplaceAll(b.s.Contexts[from].Relations[to], "-", " ")
			}
		}
	}
}

// contacts adds what services of one context do to those of another.
func (b *builder) contacts() {
	publishers := map[arch.Ref][]arch.Ref{}
	for _, e := range b.s.Edges() {
		switch k := callKind(e.Call); k {
		case Sync, Async:
			b.contact(e.From, e.Call.To, k, e.From.Short()+" → "+e.Call.To.Short())
		case Publish:
			if e.Call.Access != arch.AccessSubscribe {
				publishers[e.Call.To] = append(publishers[e.Call.To], e.From)
			}
		}
	}
	for _, sub := range b.subscribers() {
		for _, from := range publishers[sub.topic] {
			b.contact(from, sub.by, Async, from.Short()+" → "+sub.by.Short()+" through "+sub.topic.Short())
		}
	}
	for _, name := range arch.Sorted(b.s.Sagas) {
		sg := b.s.Sagas[name]
		for _, st := range sg.Steps {
			if sg.Owner != "" && st.Action != "" {
				b.contact(sg.Owner, st.Action, Sync, "saga "+name+": "+st.Name)
			}
		}
	}
}

func (b *builder) contact(from, to arch.Ref, k EdgeKind, what string) {
	from, to = b.of(from), b.of(to)
	if b.nodes[from] == nil || b.nodes[to] == nil || from == to {
		return
	}
	e := b.edges[edgeKey{from, to, Relation}]
	if e == nil {
		e = b.edge(from, to, k)
	}
	e.Calls++
	if e.Calls <= maxPlaces {
		b.say(e, "call", what)
	}
	if e.Kind != Relation {
		e.Label = map[EdgeKind]string{Sync: plural(e.Calls, "call", "calls"), Async: plural(e.Calls, "event or message", "events or messages")}[k]
	}
}

// sharedStores joins contexts whose services use the same store.
func (b *builder) sharedStores() {
	users := map[arch.Ref]map[arch.Ref]bool{}
	for _, e := range b.s.Edges() {
		store := e.Call.To.Parent()
		if c := b.of(e.From); store.Kind() == arch.KindStore && b.nodes[c] != nil {
			if users[store] == nil {
				users[store] = map[arch.Ref]bool{}
			}
			users[store][c] = true
		}
	}
	for _, store := range arch.Sorted(users) {
		cs := arch.Sorted(users[store])
		for i := 1; i < len(cs); i++ {
			if e := b.edge(cs[i], cs[0], Use); e != nil {
				b.say(e, "shared store", store.Short())
				e.Label = "shares " + strings.TrimPrefix(cmp.Or(strings.TrimPrefix(e.Label, "shares ")+", ", "")+store.Short(), ", ")
			}
		}
	}
}

// list joins names, the first n of them.
func list(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:n], ", ") + " and " + plural(len(names)-n, "other", "others")
}
