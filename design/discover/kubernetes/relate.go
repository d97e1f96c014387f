package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

type object = discover.Typed[*kubernetes.Object]

// workload is a workload with the element that it is.
type workload struct {
	object
	kubernetes.Workload
	ref     arch.Ref
	class   discover.Class
	version string
	why     string   // it is part of ref, when the names differ
	hosts   []string // Services that select it
	fronts  []front  // the same with where they stand
	settled bool     // it is called otherwise than its object
}

func (w *workload) name() string { return w.ref.Name() }

// relation is one Relate under way.
type relation struct {
	ev         *discover.Evidence
	out        discover.Sink
	objects    []object
	workloads  []*workload
	configMaps map[string]object // namespace/name
	injected   map[string]bool   // namespaces with automatic sidecars
	ports      map[arch.Ref]map[string]string
	known      map[arch.Ref]bool // workloads that another environment describes; nil: this one is the first
}

// Relate says which workload is what and who names whom. Of environments other
// than the one that was asked for it says how workloads run there, and what only
// they have.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	here := relate(ev, out, nil)
	for _, env := range environments(ev.Elsewhere) {
		var docs []discover.Document
		for _, d := range ev.Elsewhere {
			if d.Environment == env {
				docs = append(docs, d)
			}
		}
		other := &discover.Evidence{Documents: docs, System: ev.System, Environment: env, Hosts: discover.NewHosts(), Holders: map[string][]arch.Ref{}}
		if here == nil { // nothing is for all environments: the first one stands for them
			other.Hosts, other.Holders = ev.Hosts, ev.Holders
		}
		more := relate(other, out, here)
		maps.Copy(more, here)
		here = more
	}
	return nil
}

func environments(docs []discover.Document) []string {
	var out []string
	for _, d := range docs {
		out = append(out, d.Environment)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// relate relates the objects of one environment and returns what workloads are;
// those in known are only put out as deployments.
func relate(ev *discover.Evidence, out discover.Sink, known map[arch.Ref]bool) map[arch.Ref]bool {
	r := &relation{known: known, ev: ev, out: out, objects: discover.Of[*kubernetes.Object](ev.Documents), configMaps: map[string]object{}, injected: map[string]bool{}, ports: map[arch.Ref]map[string]string{}}
	for _, o := range r.objects {
		switch t := o.V.Typed.(type) {
		case *corev1.ConfigMap:
			r.configMaps[o.V.Namespace+"/"+o.V.Name] = o
		case *corev1.Namespace:
			if t.Labels["istio-injection"] == "enabled" || t.Labels["istio.io/rev"] != "" {
				r.injected[o.V.Name] = true
			}
		}
		if w, ok := o.V.AsWorkload(); ok && w.Pod != nil && o.V.Name != "" {
			r.workloads = append(r.workloads, r.identify(o, w))
		}
	}
	if len(r.objects) == 0 {
		return known
	}
	var of []arch.Ref
	are := map[arch.Ref]bool{}
	fronts := r.services()
	r.settle()
	r.publish(fronts)
	for _, w := range r.workloads {
		of = append(of, w.ref)
		are[w.ref] = true
	}
	for _, w := range r.workloads {
		r.holds(w)
		r.emit(w)
	}
	if known == nil {
		r.tell()
		for _, o := range r.objects {
			if in, ok := o.V.Typed.(*networkingv1.Ingress); ok {
				r.ingress(o, in)
			}
		}
	}
	slices.Sort(of)
	out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	return are
}

// identify decides what a workload is: a store or a service, and which, when it
// is one version of several.
func (r *relation) identify(o object, w kubernetes.Workload) *workload {
	image := ""
	if len(w.Pod.Spec.Containers) > 0 {
		image = w.Pod.Spec.Containers[0].Image
	}
	name, version, why := o.V.Name, w.Pod.Labels["version"], ""
	app := w.Pod.Labels["app"]
	if app == "" {
		app = w.Pod.Labels["app.kubernetes.io/name"]
	}
	if app != "" && version != "" && name == app+"-"+version {
		name, why = app, fmt.Sprintf("%s is version %s of %s, by its labels", o.V.Name, version, app)
	}
	x := &workload{object: o, Workload: w, class: discover.Classify(image, name), version: version, why: why}
	kind := arch.KindService
	if x.class.Store != "" {
		kind = arch.KindStore
	}
	x.ref = arch.NewRef(kind, name)
	return x
}

// emit puts out a workload with its claims.
func (r *relation) emit(w *workload) {
	places := map[arch.Fact]arch.Source{}
	at := func(f arch.Fact, reason string, path ...string) {
		src := w.At(arch.Config, path...)
		src.Reason = reason
		places[f] = src
	}
	pod := func(path ...string) []string { return append(slices.Clone(w.PodPath), path...) }

	run := arch.Run{Ports: map[string]int{}}
	if cs := w.Pod.Spec.Containers; len(cs) > 0 {
		run.Image = cs[0].Image
		at(arch.Fact{Of: w.ref, At: "/run/image"}, "", pod("spec", "containers", "0", "image")...)
		for _, p := range cs[0].Ports {
			name := p.Name
			if name == "" {
				name = fmt.Sprint(p.ContainerPort)
			}
			run.Ports[name] = int(p.ContainerPort)
		}
	}
	var s arch.System
	aliases := r.aliases(w)
	switch {
	case r.known[w.ref]:
	case w.ref.Kind() == arch.KindStore:
		s.Stores = map[string]arch.Store{w.name(): {Kind: w.class.Store, Aliases: aliases, Run: run}}
		at(arch.Fact{Of: w.ref, At: "/kind"}, w.class.Why, pod("spec", "containers", "0", "image")...)
	default:
		svc := arch.Service{Role: w.class.Role, Aliases: aliases, Run: run, Uses: r.uses(w, places)}
		if w.Kind == "Job" || w.Kind == "CronJob" {
			svc.Role = arch.RoleJob
		} else if svc.Role != "" {
			at(arch.Fact{Of: w.ref, At: "/role"}, w.class.Why)
		}
		s.Services = map[string]arch.Service{w.name(): svc}
	}
	if w.why != "" && !r.known[w.ref] {
		at(arch.Fact{Of: w.ref}, w.why, "metadata", "name")
	}
	key := arch.DeploymentKey(r.ev.Environment, w.name())
	d := r.deployment(w, at)
	d.Access = r.access(w, at, places)
	s.Deployments = map[string]arch.Deployment{key: d}
	s.Locate(places)
	s.Attest(w.At(arch.Config))
	r.out.System(s)
}

func (r *relation) aliases(w *workload) []string {
	var as []string
	for _, h := range w.hosts {
		if h != w.name() {
			as = append(as, h)
		}
	}
	if w.settled && w.V.Name != w.name() {
		as = append(as, w.V.Name)
	}
	slices.Sort(as)
	return slices.Compact(as)
}

func (r *relation) deployment(w *workload, at func(arch.Fact, string, ...string)) arch.Deployment {
	of := arch.DeploymentRef(r.ev.Environment, w.name())
	d := arch.Deployment{Of: w.ref, Kind: w.Kind, Version: w.version, Strategy: w.Strategy, Probes: probes(w.Pod.Spec.Containers)}
	switch w.Kind {
	case "Deployment", "StatefulSet", "ReplicaSet":
		d.Replicas = arch.Some(1)
		if w.Replicas != nil {
			d.Replicas = arch.Some(int(*w.Replicas))
			at(arch.Fact{Of: of, At: "/replicas"}, "", "spec", "replicas")
		} else {
			at(arch.Fact{Of: of, At: "/replicas"}, "Kubernetes' default where spec.replicas is not given", "spec")
		}
	}
	if w.Kind == "DeploymentConfig" && w.Replicas != nil { // OpenShift's; its default is not Kubernetes'
		d.Replicas = arch.Some(int(*w.Replicas))
		at(arch.Fact{Of: of, At: "/replicas"}, "", "spec", "replicas")
	}
	var cpu, mem float64
	for _, c := range w.Pod.Spec.Containers {
		cpu += quantity(c.Resources, corev1.ResourceCPU)
		mem += quantity(c.Resources, corev1.ResourceMemory)
	}
	if cpu > 0 {
		d.CPU = arch.Some(cpu)
	}
	if mem > 0 {
		d.Memory = arch.Some(mem)
	}
	if r.meshed(w) != "" {
		d.Mesh = arch.Some(true)
	}
	for _, o := range r.objects {
		if o.V.Namespace != w.V.Namespace {
			continue
		}
		switch t := o.V.Typed.(type) {
		case *autoscalingv2.HorizontalPodAutoscaler:
			if t.Spec.ScaleTargetRef.Name == w.V.Name && t.Spec.ScaleTargetRef.Kind == w.Kind {
				d.Max = arch.Some(int(t.Spec.MaxReplicas))
				if lo := t.Spec.MinReplicas; lo != nil && int(*lo) > d.Replicas.V {
					d.Replicas = arch.Some(int(*lo))
				}
			}
		case *policyv1.PodDisruptionBudget:
			if t.Spec.Selector != nil && kubernetes.Selects(t.Spec.Selector.MatchLabels, w.Pod.Labels) {
				d.Disruption = arch.Some(true)
			}
		}
	}
	return d
}

// quantity is the limit, else the request.
func quantity(r corev1.ResourceRequirements, name corev1.ResourceName) float64 {
	if q, ok := r.Limits[name]; ok {
		return q.AsApproximateFloat64()
	}
	if q, ok := r.Requests[name]; ok {
		return q.AsApproximateFloat64()
	}
	return 0
}

// probes describes the probes of the first container that has any.
func probes(cs []corev1.Container) map[string]string {
	for _, c := range cs {
		m := map[string]string{}
		for name, p := range map[string]*corev1.Probe{"liveness": c.LivenessProbe, "readiness": c.ReadinessProbe, "startup": c.StartupProbe} {
			if p != nil {
				m[name] = probe(p)
			}
		}
		if len(m) > 0 {
			return m
		}
	}
	return nil
}

func probe(p *corev1.Probe) string {
	var what string
	switch {
	case p.HTTPGet != nil:
		what = "http " + p.HTTPGet.Path + " :" + p.HTTPGet.Port.String()
	case p.TCPSocket != nil:
		what = "tcp :" + p.TCPSocket.Port.String()
	case p.GRPC != nil:
		what = fmt.Sprintf("grpc :%d", p.GRPC.Port)
	case p.Exec != nil && len(p.Exec.Command) > 0:
		what = "exec " + doc.Redact(strings.Join(p.Exec.Command, " ")) // the same program may be asked two things
	default:
		what = "nothing"
	}
	every, after, wait := p.PeriodSeconds, p.FailureThreshold, p.TimeoutSeconds
	if every == 0 {
		every = 10
	}
	if after == 0 {
		after = 3
	}
	if wait == 0 {
		wait = 1
	}
	return fmt.Sprintf("%s every %ds, within %ds, fails after %d", what, every, wait, after)
}

// ingress puts out a gateway with its routes.
func (r *relation) ingress(o object, in *networkingv1.Ingress) {
	g := arch.Gateway{Kind: "ingress"}
	for _, rule := range in.Spec.Rules {
		if rule.Host != "" && !slices.Contains(g.Hosts, rule.Host) {
			g.Hosts = append(g.Hosts, rule.Host)
		}
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			if p.Backend.Service == nil {
				continue
			}
			path := p.Path
			if p.PathType == nil || *p.PathType != networkingv1.PathTypeExact {
				path = strings.TrimSuffix(path, "/") + "/*"
			}
			to, ok := r.ev.Hosts.Resolve(p.Backend.Service.Name, o.V.Namespace)
			if !ok {
				to = arch.NewRef(arch.KindService, p.Backend.Service.Name)
			}
			g.Routes = append(g.Routes, arch.Route{ID: fmt.Sprintf("%s#%d", o.V.Name, len(g.Routes)), Host: rule.Host, Path: path, To: to})
		}
	}
	s := arch.System{Gateways: map[string]arch.Gateway{o.V.Name: g}}
	s.Attest(o.At(arch.Config))
	r.out.System(s)
}
