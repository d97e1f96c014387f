// Package linkerd discovers the timeouts, retries and failure accrual that Linkerd
// adds to calls, from ServiceProfiles and the annotations of Services, and which
// workloads it runs beside.
//
// A profile speaks of classes of requests; what is claimed for every call to the
// service is what all of its classes have in common.
package linkerd

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/linkerd"
)

// Name of the source, as it stands in the ledger.
const Name = "linkerd"

// Source reads ServiceProfiles; the annotations stand on objects that the
// kubernetes source reads.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since a profile may stand behind others, and JSON
// that shows the group.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(linkerd.Group + "/")
	}
	return h.YAML()
}

// Read puts out every ServiceProfile.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		for _, p := range linkerd.Profiles(d) {
			out.Document(discover.Document{Doc: d, Node: p.Node, Kind: "linkerd ServiceProfile", Name: p.String(), Value: p, Faults: p.Faults})
		}
	}
	return nil
}

// limits are a policy under way, with where its parts stand.
type limits struct {
	arch.Policy
	at map[string]arch.Source
}

// Relate claims the limits for every call to the Services that have them.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	var of []arch.Ref
	for _, p := range discover.Of[*linkerd.Profile](ev.Documents) {
		if to, ok := ev.Hosts.Resolve(p.V.Name, p.V.Namespace); ok {
			of = append(of, to)
			calls(ev, to, profile(p), out)
		}
	}
	for _, o := range discover.Of[*kubernetes.Object](ev.Documents) {
		switch o.V.Typed.(type) {
		case *corev1.Service:
			if l := annotations(o); len(l.at) > 0 {
				if to, ok := ev.Hosts.Resolve(o.V.Name, o.V.Namespace); ok {
					of = append(of, to)
					calls(ev, to, l, out)
				}
			}
		default:
			injected(ev, o, out)
		}
	}
	if len(of) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// profile is what all routes of a profile have in common.
func profile(p discover.Typed[*linkerd.Profile]) limits {
	l := limits{arch.Policy{Layer: arch.LayerSidecar}, map[string]arch.Source{}}
	routes := p.V.Spec.Routes
	if len(routes) == 0 {
		return l
	}
	wait, same := routes[0].Wait()
	retried := true
	for _, r := range routes {
		w, ok := r.Wait()
		same = same && ok && w == wait
		retried = retried && r.Retryable
	}
	if same {
		l.Timeout = arch.Some(wait)
		l.at["/timeout"] = p.At(arch.Config, "spec", "routes", "0", "timeout")
	}
	if retried { // as often as the budget allows
		l.Retry = &arch.Retry{Budget: arch.Some(linkerd.DefaultRetryRatio)}
		src := p.At(arch.Config, "spec", "routes", "0", "isRetryable")
		l.at["/retry"] = src
		src.Reason = "Linkerd's default where a profile has no retryBudget"
		if b := p.V.Spec.Budget; b != nil {
			l.Retry.Budget = arch.Some(b.Ratio)
			src = p.At(arch.Config, "spec", "retryBudget", "retryRatio")
		}
		l.at["/retry/budget"] = src
	}
	return l
}

// annotations are the limits of a Service's annotations.
func annotations(o discover.Typed[*kubernetes.Object]) limits {
	l := limits{arch.Policy{Layer: arch.LayerSidecar}, map[string]arch.Source{}}
	get := func(key string) (string, arch.Source) {
		return o.V.Annotations[key], at(o.At(arch.Config, "metadata", "annotations", key))
	}
	span := func(key string) (arch.Opt[time.Duration], arch.Source) {
		text, src := get(key)
		if t, err := time.ParseDuration(text); err == nil {
			return arch.Some(t), src
		}
		return arch.Opt[time.Duration]{}, src
	}
	if t, src := span(linkerd.RequestTimeout); t.Known {
		l.Timeout, l.at["/timeout"] = t, src
	}
	http, src := get(linkerd.RetryHTTP)
	grpc, other := get(linkerd.RetryGRPC)
	if http == "" {
		src = other
	}
	if on := strings.Trim(http+","+grpc, ","); on != "" {
		l.Retry = &arch.Retry{On: strings.Split(on, ",")}
		l.at["/retry"], l.at["/retry/on"] = src, src
		text, where := get(linkerd.RetryLimit)
		n, err := strconv.Atoi(text)
		if err != nil {
			n, where = linkerd.DefaultRetryLimit, src
			where.Reason = "Linkerd's default where " + linkerd.RetryLimit + " is not given"
		}
		l.Retry.Attempts, l.at["/retry/attempts"] = arch.Some(1+n), where
		if t, where := span(linkerd.RetryTimeout); t.Known {
			l.Retry.PerTry, l.at["/retry/per-try"] = t, where
		}
	}
	if kind, src := get(linkerd.Accrual); kind == "consecutive" {
		l.Breaker = &arch.Breaker{Count: arch.Some(linkerd.DefaultMaxFailures), Open: arch.Some(linkerd.DefaultMinPenalty)}
		l.at["/breaker"] = src
		text, where := get(linkerd.MaxFailures)
		if n, err := strconv.Atoi(text); err == nil {
			l.Breaker.Count, l.at["/breaker/count"] = arch.Some(n), where
		} else {
			where = src
			where.Reason = "Linkerd's default where it is not given"
			l.at["/breaker/count"] = where
		}
		t, where := span(linkerd.MinPenalty)
		if !t.Known {
			t, where = l.Breaker.Open, src
			where.Reason = "Linkerd's default where it is not given"
		}
		l.Breaker.Open, l.at["/breaker/open"] = t, where
	}
	return l
}

func at(src arch.Source) arch.Source { src.By = Name; return src }

// calls claims limits for every call to an element.
func calls(ev *discover.Evidence, to arch.Ref, l limits, out discover.Sink) {
	if len(l.at) == 0 {
		return
	}
	s := arch.System{Services: map[string]arch.Service{}}
	places := map[arch.Fact]arch.Source{}
	for _, e := range ev.System.Edges() {
		if e.Call.To != to || e.From.Kind() != arch.KindService {
			continue
		}
		svc := s.Services[e.From.Name()]
		if svc.Uses == nil {
			svc.Uses = map[string]arch.Call{}
		}
		svc.Uses[e.ID] = arch.Call{Layers: []arch.Policy{l.Policy}}
		s.Services[e.From.Name()] = svc
		for f, src := range l.at {
			fact := e.At("layers", l.Key())
			fact.At += arch.Field(f)
			places[fact] = src
		}
	}
	s.Locate(places) // only these facts: that the callers exist is not Linkerd's to say
	out.System(s)
}

// injected says that a workload has a proxy beside it.
func injected(ev *discover.Evidence, o discover.Typed[*kubernetes.Object], out discover.Sink) {
	w, ok := o.V.AsWorkload()
	if !ok || w.Pod == nil {
		return
	}
	state := w.Pod.Annotations[linkerd.Inject]
	key := arch.DeploymentKey(ev.Environment, o.V.Name)
	d, known := ev.System.Deployments[key]
	if !known || state != "enabled" && state != "disabled" {
		return
	}
	s := arch.System{Deployments: map[string]arch.Deployment{key: {Of: d.Of, Mesh: arch.Some(state == "enabled")}}}
	s.Locate(map[arch.Fact]arch.Source{{Of: arch.DeploymentRef(ev.Environment, o.V.Name), At: "/mesh"}: at(o.At(arch.Config, append(slices.Clone(w.PodPath), "metadata", "annotations", linkerd.Inject)...))})
	out.System(s)
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
