// Package strimzi discovers Kafka clusters, topics, and who may write and read
// them, from Strimzi's resources. A KafkaUser is the service whose pods use its
// Secret, which Strimzi gives the user's name; rights are what a service may do,
// which is taken for what it does.
package strimzi

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/strimzi"
)

// Name of the source, as it stands in the ledger.
const Name = "strimzi"

// Source reads Strimzi's resources. It relates before the workloads do, which
// then find the brokers behind their names.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the resource may stand behind others.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("kafka.strimzi.io/")
	}
	return h.YAML()
}

// Read puts out every resource.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if o := strimzi.Read(d); o != nil {
			out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "strimzi " + o.Kind, Name: o.String(), Value: o})
		}
	}
	return nil
}

type object = discover.Typed[*strimzi.Object]

// Relate puts out clusters, topics and rights.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	objects := discover.Of[*strimzi.Object](ev.Documents)
	var topics []string
	for _, o := range objects {
		if o.V.Kind == "KafkaTopic" {
			topics = append(topics, o.V.Topic)
		}
	}
	for _, o := range objects {
		switch o.V.Kind {
		case "Kafka":
			cluster(ev, out, o, objects)
		case "KafkaTopic":
			topic(out, o)
		case "KafkaUser":
			user(ev, out, o, topics)
		}
	}
	return nil
}

func cluster(ev *discover.Evidence, out discover.Sink, o object, all []object) {
	ref := arch.NewRef(arch.KindService, o.V.Name)
	for _, suffix := range []string{"-kafka-bootstrap", "-kafka-brokers", "-kafka-external-bootstrap"} {
		ev.Hosts.Add(o.V.Name+suffix, o.V.Namespace, ref)
	}
	n := o.V.Replicas
	at := o.At(arch.Config, "spec", "kafka", "replicas")
	for _, p := range all {
		if p.V.Kind == "KafkaNodePool" && p.V.Cluster == o.V.Name && p.V.Namespace == o.V.Namespace && p.V.Replicas > 0 {
			if n == 0 {
				at = p.At(arch.Config, "spec", "replicas")
			}
			n += p.V.Replicas
		}
	}
	d := arch.Deployment{Of: ref, Kind: "Kafka"}
	if n > 0 {
		d.Replicas = arch.Some(n)
	}
	s := arch.System{
		Services:    map[string]arch.Service{o.V.Name: {Role: arch.RoleBroker}},
		Deployments: map[string]arch.Deployment{arch.DeploymentKey(ev.Environment, o.V.Name): d},
	}
	s.Locate(map[arch.Fact]arch.Source{{Of: arch.DeploymentRef(ev.Environment, o.V.Name), At: "/replicas"}: at})
	s.Attest(o.At(arch.Config))
	out.System(s)
}

func topic(out discover.Sink, o object) {
	t := arch.Topic{Broker: "kafka"}
	if o.V.Partitions > 0 {
		t.Partitions = arch.Some(o.V.Partitions)
	}
	if o.V.Retention > 0 {
		t.Retention = arch.Some(o.V.Retention)
	}
	s := arch.System{Topics: map[string]arch.Topic{o.V.Topic: t}}
	ref := arch.NewRef(arch.KindTopic, o.V.Topic)
	s.Locate(map[arch.Fact]arch.Source{
		{Of: ref, At: "/partitions"}: o.At(arch.Config, "spec", "partitions"),
		{Of: ref, At: "/retention"}:  o.At(arch.Config, "spec", "config", "retention.ms"),
	})
	s.Attest(o.At(arch.Config))
	out.System(s)
}

// user puts out what the service behind a user may do.
func user(ev *discover.Evidence, out discover.Sink, o object, topics []string) {
	for _, w := range discover.Of[*kubernetes.Object](ev.Documents) {
		x, ok := w.V.AsWorkload()
		if !ok || x.Pod == nil || w.V.Namespace != o.V.Namespace || !usesSecret(x.Pod.Spec, o.V.Name) {
			continue
		}
		svc := arch.Service{Uses: map[string]arch.Call{}, Operations: map[string]arch.Operation{}}
		for _, r := range o.V.Rights {
			for _, t := range topics {
				if t != r.Topic && !(r.Prefix && strings.HasPrefix(t, r.Topic)) {
					continue
				}
				ref := arch.NewRef(arch.KindTopic, t)
				if r.Write {
					svc.Uses[arch.CallID(ref, 1)] = arch.Call{To: ref, Access: arch.AccessPublish, Protocol: "kafka", Why: "rights of KafkaUser " + o.V.Name}
				}
				if r.Read {
					svc.Operations["topic "+t] = arch.Operation{Trigger: "topic " + t}
				}
			}
		}
		s := arch.System{Services: map[string]arch.Service{w.V.Name: svc}}
		s.Attest(o.At(arch.Config, "spec", "authorization"))
		out.System(s)
	}
}

func usesSecret(p corev1.PodSpec, name string) bool {
	for _, v := range p.Volumes {
		if v.Secret != nil && v.Secret.SecretName == name {
			return true
		}
	}
	for _, c := range p.Containers {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && e.ValueFrom.SecretKeyRef.Name == name {
				return true
			}
		}
		for _, e := range c.EnvFrom {
			if e.SecretRef != nil && e.SecretRef.Name == name {
				return true
			}
		}
	}
	return false
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
