// Package knative discovers services of Knative Serving as workloads with their
// bounds of scale and concurrency, and from Knative Eventing which service's events
// go to which other: brokers and channels are topics, triggers and subscriptions
// the operations that they start.
package knative

import (
	"cmp"
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/knative"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// Name of the source, as it stands in the ledger.
const Name = "knative"

// Source reads Knative's resources.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the resource may stand behind others.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("knative.dev/")
	}
	return h.YAML()
}

// Read puts out every resource; a Service also as the workload that it is.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		o := knative.Read(d)
		if o == nil {
			continue
		}
		out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "knative " + o.Kind, Name: o.String(), Value: o, Faults: o.Faults})
		if o.Deployment != nil {
			w := &kubernetes.Object{APIVersion: d.Root.Str("apiVersion"), Kind: "KnativeService", Namespace: o.Namespace, Name: o.Name, Doc: d, Node: o.Node, Typed: o.Deployment}
			out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "kubernetes KnativeService", Name: o.String(), Value: w})
		}
	}
	return nil
}

// Relate says how services scale and where events go.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	for _, o := range discover.Of[*knative.Object](ev.Documents) {
		r := &relation{ev: ev, o: o}
		switch {
		case o.V.Deployment != nil:
			r.scale()
		case o.V.Kind == "Trigger" && o.V.Broker != "":
			r.subscribe(o.V.Broker)
		case o.V.Kind == "Subscription" && o.V.From != nil:
			r.subscribe(o.V.From.Name)
		case o.V.Kind == "SinkBinding" && o.V.From != nil && o.V.To != nil:
			r.bind()
		case o.V.Kind == "Broker" || o.V.Group == "messaging.knative.dev":
			r.topic(o.V.Name, o.V.DeadLetter)
		}
		if len(arch.Facts(r.s)) > 0 {
			r.s.Locate(r.places)
			r.s.Attest(o.At(arch.Config))
			out.System(r.s)
		}
	}
	return nil
}

type relation struct {
	ev     *discover.Evidence
	o      discover.Typed[*knative.Object]
	s      arch.System
	places map[arch.Fact]arch.Source
}

func (r *relation) resolve(x *knative.Reference) (arch.Ref, bool) {
	if x == nil {
		return "", false
	}
	name := x.Name
	if name == "" {
		ep, ok := discover.ParseEndpoint(x.URI)
		if !ok {
			return "", false
		}
		name = ep.Host
	}
	if x.Kind == "Broker" || len(x.Kind) > 7 && x.Kind[len(x.Kind)-7:] == "Channel" {
		return arch.NewRef(arch.KindTopic, name), true
	}
	if to, ok := r.ev.Hosts.Resolve(name, cmp.Or(x.Namespace, r.o.V.Namespace)); ok {
		return to, true
	}
	return arch.NewRef(arch.KindService, name), x.Name != ""
}

func (r *relation) scale() {
	ref, ok := r.ev.Hosts.Resolve(r.o.V.Name, r.o.V.Namespace)
	if !ok {
		return
	}
	d := arch.Deployment{Of: ref, Replicas: arch.Some(r.o.V.MinScale)}
	if r.o.V.MaxScale > 0 {
		d.Max = arch.Some(r.o.V.MaxScale)
	}
	if r.o.V.Concurrency > 0 {
		d.Concurrency = arch.Some(r.o.V.Concurrency)
	}
	r.s.Deployments = map[string]arch.Deployment{arch.DeploymentKey(r.ev.Environment, ref.Name()): d}
	src := r.o.At(arch.Config, "spec", "template", "metadata", "annotations")
	if r.o.V.MinScale == 0 {
		src.Reason = "Knative scales to zero where no min-scale is given"
	}
	r.places = map[arch.Fact]arch.Source{{Of: arch.DeploymentRef(r.ev.Environment, ref.Name()), At: "/replicas"}: src}
}

func (r *relation) topic(name string, dead *knative.Reference) {
	t := arch.Topic{Broker: Name}
	if to, ok := r.resolve(dead); ok && to.Kind() == arch.KindTopic {
		t.DeadLetter = to.Name()
	}
	if r.o.V.Type != "" {
		t.Events = map[string]string{r.o.V.Type: ""}
	}
	r.s.Topics = map[string]arch.Topic{name: t}
}

func (r *relation) subscribe(topic string) {
	to, ok := r.resolve(r.o.V.To)
	if !ok {
		return
	}
	r.topic(topic, r.o.V.DeadLetter)
	if to.Kind() == arch.KindService {
		r.s.Services = map[string]arch.Service{to.Name(): {Operations: map[string]arch.Operation{"topic " + topic: {Trigger: "topic " + topic}}}}
	}
}

// bind: what the subject sends to $K_SINK goes to the sink.
func (r *relation) bind() {
	to, known := r.resolve(r.o.V.To)
	if !known {
		return
	}
	c := arch.Call{To: to, Why: "SinkBinding " + r.o.V.Name}
	if to.Kind() == arch.KindTopic {
		c.Access = arch.AccessPublish
		r.topic(to.Name(), nil)
	}
	for _, from := range r.subjects() {
		if from.Kind() != arch.KindService || from == to {
			continue
		}
		if r.s.Services == nil {
			r.s.Services = map[string]arch.Service{}
		}
		r.s.Services[from.Name()] = arch.Service{Uses: map[string]arch.Call{arch.CallID(to, 1): c}}
	}
}

func (r *relation) subjects() []arch.Ref {
	if r.o.V.From.Name != "" {
		if ref, ok := r.ev.Hosts.Resolve(r.o.V.From.Name, r.o.V.From.Namespace); ok {
			return []arch.Ref{ref}
		}
		return nil
	}
	var out []arch.Ref
	for _, w := range discover.Of[*kubernetes.Object](r.ev.Documents) {
		if _, ok := w.V.AsWorkload(); ok && w.V.Kind == r.o.V.From.Kind && kubernetes.Selects(r.o.V.Labels, w.V.Labels) {
			if ref, ok := r.ev.Hosts.Resolve(w.V.Name, w.V.Namespace); ok {
				out = append(out, ref)
			}
		}
	}
	return out
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
