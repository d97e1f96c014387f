package kubernetes

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// front is a Service before workloads.
type front struct {
	object
	spec corev1.ServiceSpec
}

// bundle is what an object was deployed with: its chart or kustomization, or the
// folder that it stands in.
func bundle(o object) string { return cmp.Or(o.Bundle, path.Dir(o.Path)) }

// services finds which Services lead to which workloads.
func (r *relation) services() (fronts []front) {
	for _, o := range r.objects {
		s, ok := o.V.Typed.(*corev1.Service)
		if !ok {
			continue
		}
		f := front{o, s.Spec}
		fronts = append(fronts, f)
		for _, w := range r.workloads {
			if f.leads(w) {
				w.hosts = append(w.hosts, o.V.Name)
				w.fronts = append(w.fronts, f)
			}
		}
	}
	return fronts
}

func (f front) leads(w *workload) bool {
	return f.spec.ExternalName == "" && w.V.Namespace == f.V.Namespace && kubernetes.Selects(f.spec.Selector, w.Pod.Labels)
}

// settle gives one name to what is one thing. A chart's release name is not a
// thing's own: where a Service has a name that stays the same in every
// installation, that is what others call it. And two deployments of one image that
// answer to one name are alternatives, since side by side they would clash.
func (r *relation) settle() {
	taken := map[arch.Ref]int{}
	for _, w := range r.workloads {
		taken[w.ref]++
	}
	for _, w := range r.workloads {
		name, ok := w.fixedName()
		ref := arch.NewRef(w.ref.Kind(), name)
		if !ok || taken[ref] > 0 && !r.one(w, name) {
			continue
		}
		w.call(ref, fmt.Sprintf("%s is called as the installer likes, its Service %s is not", w.V.Name, name))
		taken[ref]++
	}
	for i, a := range r.workloads {
		for _, b := range r.workloads[:i] {
			host, ok := alternatives(a, b)
			if !ok || a.ref == b.ref {
				continue
			}
			from, to := a, b
			if shorter(a.name(), b.name()) {
				from, to = b, a
			}
			from.call(to.ref, fmt.Sprintf("%s and %s run one image and answer to %s, each in its own installation", from.V.Name, to.V.Name, host))
		}
	}
}

// one reports whether all that has the name already is the same thing.
func (r *relation) one(w *workload, name string) bool {
	for _, o := range r.workloads {
		if _, ok := alternatives(w, o); o != w && o.name() == name && o.ref.Kind() == w.ref.Kind() && !ok {
			return false
		}
	}
	return true
}

func (w *workload) call(ref arch.Ref, why string) {
	if w.why == "" {
		w.why = why
	}
	w.ref, w.settled = ref, true
}

// fixedName is the name of the only Service whose name does not begin with the
// release's, where the workload's own does.
func (w *workload) fixedName() (string, bool) {
	if w.Release == "" || !strings.HasPrefix(w.V.Name, w.Release+"-") {
		return "", false
	}
	name := ""
	for _, h := range w.hosts {
		if h == w.Release || strings.HasPrefix(h, w.Release+"-") || name != "" && name != h {
			return "", false
		}
		name = h
	}
	return name, name != ""
}

// alternatives reports whether two workloads are one thing that is installed in
// two ways, and by which name both are called: each has a Service of its own of
// that name, in the same namespace, and the images are one.
func alternatives(a, b *workload) (host string, ok bool) {
	if bundle(a.object) == bundle(b.object) || a.ref.Kind() != b.ref.Kind() || image(a) == "" || image(a) != image(b) {
		return "", false
	}
	for _, x := range a.fronts {
		for _, y := range b.fronts {
			if x.V != y.V && x.V.Name == y.V.Name && x.V.Namespace == y.V.Namespace && bundle(x.object) == bundle(a.object) && bundle(y.object) == bundle(b.object) {
				return x.V.Name, true
			}
		}
	}
	return "", false
}

// image of the first container without its tag.
func image(w *workload) string {
	if cs := w.Pod.Spec.Containers; len(cs) > 0 {
		return discover.ImageRepository(cs[0].Image)
	}
	return ""
}

func shorter(a, b string) bool { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0 }

// publish says which names lead where.
func (r *relation) publish(fronts []front) {
	for _, f := range fronts {
		if f.spec.ExternalName != "" {
			r.ev.Hosts.Add(f.V.Name, f.V.Namespace, arch.NewRef(arch.KindExternal, f.spec.ExternalName))
			continue
		}
		for _, w := range r.workloads {
			if !f.leads(w) {
				continue
			}
			r.ev.Hosts.Add(f.V.Name, f.V.Namespace, w.ref)
			for _, p := range f.spec.Ports {
				if r.ports[w.ref] == nil {
					r.ports[w.ref] = map[string]string{}
				}
				name := p.Name
				if p.AppProtocol != nil {
					name = *p.AppProtocol
				}
				r.ports[w.ref][fmt.Sprint(p.Port)] = name
			}
		}
	}
	for _, w := range r.workloads { // a name that no Service has is better than none
		if _, ok := r.ev.Hosts.Resolve(w.V.Name, w.V.Namespace); !ok {
			r.ev.Hosts.Add(w.V.Name, w.V.Namespace, w.ref)
		}
	}
}
