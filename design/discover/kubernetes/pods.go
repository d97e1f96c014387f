package kubernetes

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// Pods are those of a workload, for sources whose policies select by labels,
// namespace and account.
type Pods struct {
	Ref       arch.Ref
	Namespace string // "" where the manifest leaves it to whoever applies it
	Labels    map[string]string
	Account   string // "default" where none is given
	Mesh      string // whose sidecar is injected: istio, linkerd; "" for none
}

// In reports whether the pods are in a namespace; where manifests name none they
// may be in any.
func (p *Pods) In(namespace string) bool {
	return namespace == "" || p.Namespace == "" || p.Namespace == namespace
}

// Namespace is one that the manifests make, with its labels.
type Namespace struct {
	Name   string
	Labels map[string]string
}

// tell puts out the pods of all workloads.
func (r *relation) tell() {
	for _, w := range r.workloads {
		r.out.Document(discover.Document{Kind: "kubernetes pods", Path: w.Path, Doc: w.object.Doc, Node: w.object.Node, Name: w.ref.Short(), Value: w.pods(r), Origins: w.object.Origins})
	}
}

func (w *workload) pods(r *relation) *Pods {
	return &Pods{Ref: w.ref, Namespace: w.V.Namespace, Labels: w.Pod.Labels, Account: cmp.Or(w.account(), "default"), Mesh: r.meshed(w)}
}

// account is the service account that the pods ask for; "" for the namespace's
// default.
func (w *workload) account() string {
	return cmp.Or(w.Pod.Spec.ServiceAccountName, w.Pod.Spec.DeprecatedServiceAccount)
}

// meshed is whose sidecar the manifests have injected.
func (r *relation) meshed(w *workload) string {
	pod := w.Pod
	for _, m := range []map[string]string{pod.Labels, pod.Annotations} {
		switch m["sidecar.istio.io/inject"] {
		case "true":
			return "istio"
		case "false":
			return ""
		}
	}
	switch {
	case r.injected[w.V.Namespace]:
		return "istio"
	case pod.Annotations["linkerd.io/inject"] == "enabled":
		return "linkerd"
	}
	return ""
}

// namespaces are those that the manifests make.
func (r *relation) namespaces() []Namespace {
	var out []Namespace
	for _, o := range r.objects {
		if n, ok := o.V.Typed.(*corev1.Namespace); ok {
			out = append(out, Namespace{n.Name, n.Labels})
		}
	}
	slices.SortFunc(out, func(a, b Namespace) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
