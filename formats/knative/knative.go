// Package knative reads Knative's resources from documents: Service of Serving,
// and Broker, Trigger, Subscription, channels and SinkBinding of Eventing. Sources,
// of any kind of group sources.knative.dev, are read as far as their sink.
//
// It only reads.
package knative

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Reference names something that events come from or go to.
type Reference struct {
	Kind, Name, Namespace string
	URI                   string // instead, or a path on it
}

// Object is one resource.
type Object struct {
	Group, Kind, Namespace, Name string
	Doc                          *doc.Document
	Node                         *doc.Node
	Faults                       []*doc.Fault

	// Service of Serving, as the Deployment that it amounts to.
	Deployment  *appsv1.Deployment
	MinScale    int // 0: it may go to zero
	MaxScale    int // 0: no bound
	Concurrency int // requests at a time in one pod; 0: no bound

	Broker     string            // that a Trigger is of
	From       *Reference        // channel that a Subscription is of; subject of a SinkBinding
	Labels     map[string]string // instead, that the subjects of a SinkBinding have
	To         *Reference        // subscriber, sink
	DeadLetter *Reference
	Type       string // of the events that a Trigger lets through; "" for all
}

// revision is the template's spec.
type revision struct {
	corev1.PodSpec              `json:",inline"`
	ContainerConcurrency        *int64 `json:"containerConcurrency"`
	TimeoutSeconds              *int64 `json:"timeoutSeconds"`
	IdleTimeoutSeconds          *int64 `json:"idleTimeoutSeconds"`
	ResponseStartTimeoutSeconds *int64 `json:"responseStartTimeoutSeconds"`
}

// Read returns the resource that a document is, or nil.
func Read(d *doc.Document) *Object {
	n := d.Root
	group, _, _ := strings.Cut(n.Str("apiVersion"), "/")
	o := &Object{Group: group, Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Doc: d, Node: n}
	spec := n.Get("spec")
	switch {
	case group == "serving.knative.dev" && o.Kind == "Service":
		o.service(spec)
	case group == "eventing.knative.dev" && o.Kind == "Broker":
		o.DeadLetter = reference(spec.Find("delivery", "deadLetterSink"))
	case group == "eventing.knative.dev" && o.Kind == "Trigger":
		o.Broker, o.To = spec.Str("broker"), reference(spec.Get("subscriber"))
		o.DeadLetter = reference(spec.Find("delivery", "deadLetterSink"))
		o.Type = spec.Str("filter", "attributes", "type")
	case group == "messaging.knative.dev" && o.Kind == "Subscription":
		o.To, o.DeadLetter = reference(spec.Get("subscriber")), reference(spec.Find("delivery", "deadLetterSink"))
		if c := spec.Get("channel"); c != nil {
			o.From = &Reference{Kind: c.Str("kind"), Name: c.Str("name"), Namespace: c.Str("namespace")}
		}
	case group == "messaging.knative.dev" && strings.HasSuffix(o.Kind, "Channel"):
	case group == "sources.knative.dev":
		o.To = reference(spec.Get("sink"))
		if s := spec.Get("subject"); o.Kind == "SinkBinding" && s != nil {
			o.From = &Reference{Kind: s.Str("kind"), Name: s.Str("name"), Namespace: s.Str("namespace")}
			if l := s.Find("selector", "matchLabels"); l != nil {
				o.Labels = map[string]string{}
				for _, e := range l.Entries {
					o.Labels[e.Key.Text] = e.Value.Text
				}
			}
		}
	default:
		return nil
	}
	return o
}

func reference(n *doc.Node) *Reference {
	if n == nil {
		return nil
	}
	r := &Reference{Kind: n.Str("ref", "kind"), Name: n.Str("ref", "name"), Namespace: n.Str("ref", "namespace"), URI: n.Str("uri")}
	if r.Name == "" && r.URI == "" {
		return nil
	}
	return r
}

func (o *Object) service(spec *doc.Node) {
	t := spec.Get("template")
	var r revision
	if s := t.Get("spec"); s != nil {
		o.Faults = o.Doc.DecodeNode(s, &r)
	}
	annotation := func(names ...string) (v int) {
		for _, n := range names {
			if v, err := strconv.Atoi(t.Str("metadata", "annotations", "autoscaling.knative.dev/"+n)); err == nil && v > 0 {
				return v
			}
		}
		return 0
	}
	o.MinScale, o.MaxScale = annotation("min-scale", "minScale"), annotation("max-scale", "maxScale")
	if c := r.ContainerConcurrency; c != nil {
		o.Concurrency = int(*c)
	}
	labels := map[string]string{"serving.knative.dev/service": o.Name}
	if l := t.Find("metadata", "labels"); l != nil {
		for _, e := range l.Entries {
			labels[e.Key.Text] = e.Value.Text
		}
	}
	o.Deployment = &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: o.Namespace}}
	o.Deployment.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: r.PodSpec}
}

// String names the object for people: "Trigger shop/on-order".
func (o *Object) String() string {
	return o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
}
