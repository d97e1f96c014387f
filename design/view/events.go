package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Events is the flow of messages: who publishes to which topic or queue, what
// kinds of events it carries, who reads it, where dead letters go, and calls
// whose caller does not wait.
func Events(s arch.System, o *Options) Graph {
	b := newBuilder(KindEvents, s, o)
	b.addServices()
	b.addTopics()
	b.addExternals()
	for _, e := range s.Edges() {
		if k := callKind(e.Call); k == Publish || k == Async {
			b.call(e)
		}
	}
	b.subscriptions()
	for _, name := range arch.Sorted(s.Sagas) {
		for _, st := range s.Sagas[name].Steps {
			b.emit(name, st)
		}
	}
	b.carried()
	b.onlyConnected()
	b.placeInGroups()
	return b.graph()
}

// onlyConnected drops services and external systems without an edge: they take
// no part in this view.
func (b *builder) onlyConnected() {
	part := map[arch.Ref]bool{}
	for k := range b.edges {
		part[k.from], part[k.to] = true, true
	}
	n := b.drop(func(n *Node) bool { return (n.Kind == Service || n.Kind == External) && !part[n.Ref] })
	if n > 0 {
		b.note(plural(n, "element", "elements") + " without a part in it")
	}
}

// carried puts the kinds of events into their topics.
func (b *builder) carried() {
	for _, name := range arch.Sorted(b.s.Topics) {
		topic := arch.NewRef(arch.KindTopic, name)
		for _, ev := range arch.Sorted(b.s.Topics[name].Events) {
			b.event(topic, ev, b.s.Topics[name].Events[ev])
		}
	}
	for _, c := range arch.Sorted(b.s.Contexts) {
		for _, ev := range arch.Sorted(b.s.Contexts[c].Events) {
			e := b.s.Contexts[c].Events[ev]
			if n := b.event(e.Topic, ev, e.Version); n != nil {
				n.Context = c
				n.Facts = append(n.Facts, known(Fact{"context", c}, Fact{"schema", e.Schema})...)
			}
		}
	}
}

func (b *builder) event(topic arch.Ref, name, version string) *Node {
	if b.nodes[topic] == nil {
		return nil
	}
	if version != "" && version[0] >= '0' && version[0] <= '9' {
		version = "v" + version
	}
	if len(version) > 12 { // a schema's address, not a version
		version = ""
	}
	return b.node(Node{Ref: eventRef(topic, name), Kind: Event, Label: name, Detail: version, Inside: topic})
}

// eventRef names an event within a topic; it is no element of the model.
func eventRef(topic arch.Ref, name string) arch.Ref {
	return arch.Ref(string(topic) + "#" + name)
}

// subscriber is an operation or service that reads a topic.
type subscriber struct{ topic, by arch.Ref }

// subscribers lists who reads what, sorted.
func (b *builder) subscribers() []subscriber {
	var out []subscriber
	for _, r := range b.s.Refs(arch.KindOp) {
		trigger := b.s.Services[r.Name()].Operations[r.Member()].Trigger
		if topic, ok := strings.CutPrefix(trigger, "topic "); ok {
			out = append(out, subscriber{arch.NewRef(arch.KindTopic, strings.TrimSpace(topic)), r})
		}
	}
	for _, e := range b.s.Edges() {
		if e.Call.Access == arch.AccessSubscribe {
			out = append(out, subscriber{e.Call.To, e.From})
		}
	}
	slices.SortFunc(out, func(x, y subscriber) int { return cmp.Or(cmp.Compare(x.topic, y.topic), cmp.Compare(x.by, y.by)) })
	return slices.Compact(out)
}
