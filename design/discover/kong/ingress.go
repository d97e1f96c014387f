package kong

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kong"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// ingresses adds what Kong does to the routes of the Ingresses of its class, which
// the kubernetes source has found: the tries and times of the Services' annotations
// or of their KongIngress, else Kong's own.
func ingresses(ev *discover.Evidence, out discover.Sink) []arch.Ref {
	objects := discover.Of[*kubernetes.Object](ev.Documents)
	resources := discover.Of[*kong.Resource](ev.Documents)
	var of []arch.Ref
	for _, o := range objects {
		in, ok := o.V.Typed.(*networkingv1.Ingress)
		g := ev.System.Gateways[o.V.Name]
		if !ok || !Class(o.V, in) || len(g.Routes) == 0 {
			continue
		}
		ref := arch.NewRef(arch.KindGateway, o.V.Name)
		of = append(of, ref)
		mine := arch.Gateway{}
		places := map[arch.Fact]arch.Source{}
		for _, rt := range g.Routes {
			x := arch.Route{ID: rt.ID} // every route, so that their order stays what it is
			if svc, ok := service(objects, ev, o, in, rt.To); ok {
				l := limits{o: o, policy: arch.Policy{Layer: arch.LayerGateway + ":" + Name, Retry: &arch.Retry{}}, at: map[string]arch.Source{}}
				l.of(svc, resources)
				l.rate(resources, svc)
				x.Layers = []arch.Policy{l.policy}
				for f, src := range l.at {
					places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", rt.ID, "layers", l.policy.Key()) + arch.Field(f)}] = src
				}
			}
			mine.Routes = append(mine.Routes, x)
		}
		s := arch.System{Gateways: map[string]arch.Gateway{o.V.Name: mine}}
		s.Locate(places) // only the limits: the routes are the Ingress's
		out.System(s)
	}
	return of
}

// Class reports whether an Ingress is Kong's.
func Class(o *kubernetes.Object, in *networkingv1.Ingress) bool {
	return in.Spec.IngressClassName != nil && *in.Spec.IngressClassName == Name || o.Annotations["kubernetes.io/ingress.class"] == Name
}

type object = discover.Typed[*kubernetes.Object]

// service is the Service of an Ingress that leads to an element.
func service(objects []object, ev *discover.Evidence, o object, in *networkingv1.Ingress, to arch.Ref) (object, bool) {
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			if p.Backend.Service == nil {
				continue
			}
			if ref, ok := ev.Hosts.Resolve(p.Backend.Service.Name, o.V.Namespace); !ok || ref != to {
				continue
			}
			for _, s := range objects {
				if _, ok := s.V.Typed.(*corev1.Service); ok && s.V.Name == p.Backend.Service.Name && s.V.Namespace == o.V.Namespace {
					return s, true
				}
			}
		}
	}
	return object{}, false
}

// limits are under way for a route.
type limits struct {
	o      object // the Ingress
	policy arch.Policy
	at     map[string]arch.Source
}

func (l *limits) of(svc object, resources []discover.Typed[*kong.Resource]) {
	var proxy *kong.Service
	var from discover.Typed[*kong.Resource]
	for _, r := range resources {
		if r.V.Override != nil && r.V.Override.Proxy != nil && r.V.Namespace == svc.V.Namespace && r.V.Name == svc.V.Annotations[kong.AnnotationOverride] {
			proxy, from = r.V.Override.Proxy, r
		}
	}
	read := func(name, field string, v *int, def int) (int, arch.Source) {
		key := kong.AnnotationPrefix + name
		if text, ok := svc.V.Annotations[key]; ok {
			if n, err := strconv.Atoi(text); err == nil {
				return n, svc.At(arch.Config, "metadata", "annotations", key)
			}
		}
		if v != nil {
			return *v, from.At(arch.Config, "proxy", field)
		}
		src := svc.At(arch.Config)
		src.Reason = fmt.Sprintf("Kong's default where neither %s nor a KongIngress says otherwise", key)
		return def, src
	}
	var retries, wait *int
	if proxy != nil {
		retries, wait = proxy.Retries, proxy.Read
	}
	tries, at := read("retries", "retries", retries, kong.DefaultRetries)
	per, when := read("read-timeout", "read_timeout", wait, kong.DefaultReadTimeout)
	at.By, when.By = Name, Name
	l.policy.Retry.Attempts, l.policy.Retry.PerTry = arch.Some(1+tries), arch.Some(millis(per))
	l.policy.Timeout = arch.Some(millis(per * (1 + tries)))
	l.at["/retry"], l.at["/retry/attempts"], l.at["/retry/per-try"] = at, at, when
	when.Reason = strings.TrimPrefix(when.Reason+"; ", "; ") + fmt.Sprintf("%d tries that get no byte for read_timeout; Kong has no limit on the whole request", 1+tries)
	l.at["/timeout"] = when
}

// rate is the smallest limit of the rate-limiting plugins that the Ingress or the
// Service names, where it counts requests of the route and not those of each
// client.
func (l *limits) rate(resources []discover.Typed[*kong.Resource], svc object) {
	for _, o := range []object{l.o, svc} {
		for name := range strings.SplitSeq(o.V.Annotations[kong.AnnotationPlugins], ",") {
			for _, r := range resources {
				p := r.V.Plugin
				if p == nil || r.V.Name != strings.TrimSpace(name) || r.V.Kind == "KongPlugin" && r.V.Namespace != o.V.Namespace || !*p.Enabled {
					continue
				}
				if by := p.Config.Str("limit_by"); by != "service" && by != "path" {
					continue
				}
				for _, x := range p.Limits() {
					secs, ok := perSecond[x.Unit]
					if ok && (!l.policy.Rate.Known || x.N/secs < l.policy.Rate.V) {
						l.policy.Rate = arch.Some(x.N / secs)
						l.at["/rate"] = r.At(arch.Config, "config", x.Unit)
					}
				}
			}
		}
	}
}
