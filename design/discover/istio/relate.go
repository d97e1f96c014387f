package istio

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

type object = discover.Typed[*istio.Object]

type relation struct {
	ev  *discover.Evidence
	out discover.Sink
	gws map[string]*routing
}

// Relate makes gateways of Gateways with their VirtualServices, and policies of
// what VirtualServices and DestinationRules say to sidecars.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	r := &relation{ev: ev, out: out, gws: map[string]*routing{}}
	objects := discover.Of[*istio.Object](ev.Documents)
	var of []arch.Ref
	for _, o := range objects {
		switch spec := o.V.Spec.(type) {
		case *istio.Gateway:
			of = append(of, r.gateway(o, spec))
		case *istio.ServiceEntry:
			r.serviceEntry(o, spec)
		}
	}
	for _, o := range objects {
		switch spec := o.V.Spec.(type) {
		case *istio.VirtualService:
			of = append(of, r.virtualService(o, spec)...)
		case *istio.DestinationRule:
			if to, ok := r.ev.Hosts.Resolve(spec.GetHost(), o.V.Namespace); ok {
				of = append(of, to)
				r.sidecars(o, to, destinationPolicy(spec), func(part string) []string {
					return []string{"spec", "trafficPolicy", map[string]string{"breaker": "outlierDetection", "bulkhead": "connectionPool"}[part]}
				}, nil)
			}
		}
	}
	if len(objects) > 0 {
		of = append(of, r.access(objects)...)
	}
	for _, name := range arch.Sorted(r.gws) {
		r.emit(name, r.gws[name])
	}
	if len(objects) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

func (r *relation) gateway(o object, g *istio.Gateway) arch.Ref {
	ref := arch.NewRef(arch.KindGateway, o.V.Name)
	gw := arch.Gateway{Kind: "istio"}
	for _, s := range g.GetServers() {
		gw.Hosts = append(gw.Hosts, s.GetHosts()...)
	}
	slices.Sort(gw.Hosts)
	gw.Hosts = slices.Compact(gw.Hosts)
	s := arch.System{Gateways: map[string]arch.Gateway{o.V.Name: gw}}
	s.Attest(o.At(arch.Config))
	r.out.System(s)
	return ref
}

func (r *relation) serviceEntry(o object, e *istio.ServiceEntry) {
	if e.GetLocation().String() == "MESH_INTERNAL" {
		return
	}
	s := arch.System{Externals: map[string]arch.External{}}
	for _, h := range e.GetHosts() {
		if !strings.Contains(h, "*") {
			s.Externals[h] = arch.External{Host: h}
		}
	}
	s.Attest(o.At(arch.Config, "spec", "hosts"))
	r.out.System(s)
}

// virtualService puts its routes into the gateways that it binds to, and its
// limits onto the calls of sidecars when it binds to the mesh, as it does when it
// names no gateway.
func (r *relation) virtualService(o object, vs *istio.VirtualService) []arch.Ref {
	var of []arch.Ref
	gateways := vs.GetGateways()
	if len(gateways) == 0 {
		gateways = []string{istio.MeshGateway}
	}
	for _, g := range gateways {
		if g == istio.MeshGateway {
			of = append(of, r.mesh(o, vs)...)
			continue
		}
		name := g[strings.LastIndexByte(g, '/')+1:]
		of = append(of, arch.NewRef(arch.KindGateway, name))
		r.routes(o, vs, name)
	}
	return of
}

// locatePolicy tells where the parts of an HTTP route's policy stand, or that
// they are Istio's defaults.
func (r *relation) locatePolicy(h *istio.HTTPRoute, at func(f arch.Field, reason string, path ...string)) {
	if h.GetTimeout() != nil {
		at("/timeout", "", "timeout")
	} else {
		at("/timeout", "Istio's default: route timeouts are off")
	}
	for _, f := range []arch.Field{"/retry", "/retry/attempts", "/retry/per-try", "/retry/on", "/retry/backoff"} {
		if h.GetRetries() != nil {
			at(f, "", "retries")
		} else {
			at(f, "Istio's default: 2 retries on "+istio.DefaultRetryOn)
		}
	}
}

// mesh adds the limits of a VirtualService to every call to its hosts.
func (r *relation) mesh(o object, vs *istio.VirtualService) []arch.Ref {
	var of []arch.Ref
	for _, host := range vs.GetHosts() {
		to, ok := r.ev.Hosts.Resolve(host, o.V.Namespace)
		if !ok || len(vs.GetHttp()) == 0 {
			continue
		}
		of = append(of, to)
		// The first route without a match is what a call meets that nothing else is
		// known of.
		i := slices.IndexFunc(vs.GetHttp(), func(h *istio.HTTPRoute) bool { return len(h.GetMatch()) == 0 })
		if i < 0 {
			continue
		}
		h := vs.GetHttp()[i]
		reasons := map[arch.Field]string{}
		paths := map[arch.Field][]string{}
		r.locatePolicy(h, func(f arch.Field, reason string, path ...string) {
			reasons[f], paths[f] = reason, append([]string{"spec", "http", strconv.Itoa(i)}, path...)
		})
		r.sidecars(o, to, routePolicy(h, arch.LayerSidecar), func(part string) []string { return paths[arch.Field("/"+part)] }, reasons)
	}
	return of
}

// sidecars claims a policy on every call to an element.
func (r *relation) sidecars(o object, to arch.Ref, p arch.Policy, path func(part string) []string, reasons map[arch.Field]string) {
	s := arch.System{Services: map[string]arch.Service{}}
	places := map[arch.Fact]arch.Source{}
	for _, e := range r.ev.System.Edges() {
		if e.Call.To != to || e.From.Kind() != arch.KindService {
			continue
		}
		svc := s.Services[e.From.Name()]
		if svc.Uses == nil {
			svc.Uses = map[string]arch.Call{}
		}
		svc.Uses[e.ID] = arch.Call{Layers: []arch.Policy{p}}
		s.Services[e.From.Name()] = svc
		base := e.At("layers", p.Key())
		for _, f := range arch.Facts(arch.System{Services: map[string]arch.Service{e.From.Name(): {Uses: map[string]arch.Call{e.ID: {Layers: []arch.Policy{p}}}}}}) {
			rest, ok := strings.CutPrefix(string(f.At), string(base.At))
			if f.Of != e.From || !ok {
				continue
			}
			part := strings.TrimPrefix(rest, "/")
			first, _, _ := strings.Cut(part, "/")
			src := o.At(arch.Config, pick(path(part), path(first))...)
			src.Reason = reasons[arch.Field(rest)]
			places[f.Fact] = src
		}
	}
	s.Locate(places) // only these facts: that the services exist is not Istio's to say
	r.out.System(s)
}

func pick(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

// routePolicy is what an HTTP route does, defaults included.
func routePolicy(h *istio.HTTPRoute, layer string) arch.Policy {
	p := arch.Policy{Layer: layer, Timeout: arch.Some(time.Duration(0))}
	if t := h.GetTimeout(); t != nil {
		p.Timeout = arch.Some(t.AsDuration())
	}
	re := &arch.Retry{Attempts: arch.Some(1 + istio.DefaultRetries), Backoff: arch.Some(istio.DefaultRetryBackoff * time.Millisecond), Jitter: arch.Some(true), On: strings.Split(istio.DefaultRetryOn, ",")}
	if x := h.GetRetries(); x != nil {
		re.Attempts = arch.Some(1 + int(x.GetAttempts()))
		if t := x.GetPerTryTimeout(); t != nil {
			re.PerTry = arch.Some(t.AsDuration())
		}
		if on := x.GetRetryOn(); on != "" {
			re.On = strings.Split(on, ",")
		}
	}
	p.Retry = re
	return p
}

// destinationPolicy is what a DestinationRule's traffic policy does.
func destinationPolicy(d *istio.DestinationRule) arch.Policy {
	p := arch.Policy{Layer: arch.LayerSidecar}
	tp := d.GetTrafficPolicy()
	if od := tp.GetOutlierDetection(); od != nil {
		b := &arch.Breaker{Count: arch.Some(5), Window: arch.Some(10 * time.Second), Open: arch.Some(30 * time.Second)}
		if c := od.GetConsecutive_5XxErrors(); c != nil {
			b.Count = arch.Some(int(c.GetValue()))
		}
		if t := od.GetInterval(); t != nil {
			b.Window = arch.Some(t.AsDuration())
		}
		if t := od.GetBaseEjectionTime(); t != nil {
			b.Open = arch.Some(t.AsDuration())
		}
		p.Breaker = b
	}
	if cp := tp.GetConnectionPool(); cp != nil {
		l := &arch.Limit{}
		if n := cp.GetTcp().GetMaxConnections(); n > 0 {
			l.Concurrent = arch.Some(int(n))
		}
		if n := cp.GetHttp().GetHttp2MaxRequests(); n > 0 {
			l.Concurrent = arch.Some(int(n))
		}
		if n := cp.GetHttp().GetHttp1MaxPendingRequests(); n > 0 {
			l.Queue = arch.Some(int(n))
		}
		p.Bulkhead = l
	}
	return p
}
