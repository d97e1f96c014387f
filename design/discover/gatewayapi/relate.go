package gatewayapi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
)

type object = discover.Typed[*gatewayapi.Object]

type relation struct {
	ev  *discover.Evidence
	out discover.Sink
	of  []arch.Ref
	gws map[string]*gateway
}

// gateway gathers the routes that all resources hang on one gateway, since one
// witness has to say in which order they match.
type gateway struct {
	routes []ranked
	seen   map[string]bool
	places map[arch.Fact]arch.Source
}

// ranked is a route with its precedence.
type ranked struct {
	arch.Route
	precedence []int
}

// Relate makes gateways of Gateways with the routes that hang on them.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	r := &relation{ev: ev, out: out, gws: map[string]*gateway{}}
	objects := discover.Of[*gatewayapi.Object](ev.Documents)
	for _, o := range objects {
		switch t := o.V.Typed.(type) {
		case *gatewayapi.Gateway:
			r.gateway(o, t)
		case *gatewayapi.HTTPRoute:
			r.route(o, t.Spec.ParentRefs, texts(t.Spec.Hostnames), httpRules(t))
		case *gatewayapi.GRPCRoute:
			r.route(o, t.Spec.ParentRefs, texts(t.Spec.Hostnames), grpcRules(t))
		}
	}
	for _, name := range arch.Sorted(r.gws) {
		r.emit(name, r.gws[name])
	}
	if len(objects) > 0 {
		slices.Sort(r.of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(r.of)})
	}
	return nil
}

func (r *relation) gateway(o object, g *gatewayapi.Gateway) {
	gw := arch.Gateway{Kind: Name}
	for _, l := range g.Spec.Listeners {
		if l.Hostname != nil {
			gw.Hosts = append(gw.Hosts, string(*l.Hostname))
		}
	}
	slices.Sort(gw.Hosts)
	gw.Hosts = slices.Compact(gw.Hosts)
	r.of = append(r.of, arch.NewRef(arch.KindGateway, o.V.Name))
	s := arch.System{Gateways: map[string]arch.Gateway{o.V.Name: gw}}
	s.Attest(o.At(arch.Config))
	r.out.System(s)
}

// route hangs a route's rules on its parents: gateways, or Services whose callers
// a mesh then limits.
func (r *relation) route(o object, parents []gatewayapi.ParentReference, hosts []string, rules []rule) {
	done := map[string]bool{} // several sections of one gateway are one parent
	for _, p := range parents {
		kind := "Gateway"
		if p.Kind != nil {
			kind = string(*p.Kind)
		}
		key := kind + "/" + string(p.Name)
		if done[key] {
			continue
		}
		done[key] = true
		switch kind {
		case "Gateway":
			r.routes(o, string(p.Name), hosts, rules)
		case "Service":
			namespace := o.V.Namespace
			if p.Namespace != nil {
				namespace = string(*p.Namespace)
			}
			if to, ok := r.ev.Hosts.Resolve(string(p.Name), namespace); ok {
				r.mesh(o, to, rules)
			}
		}
	}
}

// emit puts out a gateway's routes in the order in which the API has them match.
func (r *relation) emit(name string, gw *gateway) {
	if len(gw.routes) == 0 {
		return
	}
	slices.SortStableFunc(gw.routes, func(a, b ranked) int { return slices.Compare(b.precedence, a.precedence) })
	g := arch.Gateway{Kind: Name}
	for _, x := range gw.routes {
		g.Routes = append(g.Routes, x.Route)
	}
	ref := arch.NewRef(arch.KindGateway, name)
	r.of = append(r.of, ref)
	s := arch.System{Gateways: map[string]arch.Gateway{name: g}}
	s.Locate(gw.places)
	// what no resource says of its own, the order and the kind, stands where the first route does
	s.Attest(gw.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", g.Routes[0].ID)}])
	r.out.System(s)
}

func (r *relation) routes(o object, name string, hosts []string, rules []rule) {
	gw := r.gws[name]
	if gw == nil {
		gw = &gateway{seen: map[string]bool{}, places: map[arch.Fact]arch.Source{}}
		r.gws[name] = gw
	}
	if gw.seen[o.V.String()] { // the same resource in another file is an alternative, and a conflict
		own := &relation{ev: r.ev, out: r.out, gws: map[string]*gateway{}}
		own.routes(o, name, hosts, rules)
		own.emit(name, own.gws[name])
		return
	}
	gw.seen[o.V.String()] = true
	ref := arch.NewRef(arch.KindGateway, name)
	for i, rl := range rules {
		for j, m := range rl.matches {
			for k, b := range rl.backends {
				to, ok := r.to(b, o.V.Namespace)
				if !ok {
					continue
				}
				id := fmt.Sprintf("%s#%03d.%d.%d", strings.TrimPrefix(o.V.Namespace+"/"+o.V.Name, "/"), i, j, k)
				if o.V.Kind == "GRPCRoute" {
					id = "grpc:" + id
				}
				rt := arch.Route{ID: id, Host: strings.Join(hosts, ","), Path: m.path, Method: m.method, To: to}
				if len(rl.backends) > 1 {
					rt.Weight = arch.Some(share(rl.backends, k))
				}
				p := rl.policy
				p.Layer = arch.LayerGateway
				if rl.limits {
					rt.Layers = []arch.Policy{p}
				}
				gw.routes = append(gw.routes, ranked{rt, m.precedence(hosts)})
				at := func(f string, path ...string) {
					gw.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", id) + arch.Field(f)}] = o.At(arch.Config, append([]string{"spec", "rules", strconv.Itoa(i)}, path...)...)
				}
				at("", "matches", strconv.Itoa(j))
				at("/path", "matches", strconv.Itoa(j), "path")
				at("/method", "matches", strconv.Itoa(j), "method")
				at("/to", "backendRefs", strconv.Itoa(k), "name")
				at("/weight", "backendRefs", strconv.Itoa(k), "weight")
				gw.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", id, "host")}] = o.At(arch.Config, "spec", "hostnames")
				for _, f := range policyFields {
					at("/layers/"+arch.LayerGateway+f.field, f.path...)
				}
			}
		}
	}
}

// policyFields are the parts of a rule's policy with their places in the rule.
var policyFields = []struct {
	field string
	path  []string
}{
	{"", nil}, {"/timeout", []string{"timeouts", "request"}}, {"/retry/per-try", []string{"timeouts", "backendRequest"}},
	{"/retry", []string{"retry"}}, {"/retry/attempts", []string{"retry", "attempts"}}, {"/retry/backoff", []string{"retry", "backoff"}}, {"/retry/on", []string{"retry", "codes"}},
}

// mesh claims the limits of the first rule that takes every request for every
// call to the Service: what a call meets of which nothing else is known.
func (r *relation) mesh(o object, to arch.Ref, rules []rule) {
	r.of = append(r.of, to)
	i := slices.IndexFunc(rules, func(rl rule) bool { return slices.ContainsFunc(rl.matches, match.all) })
	if i < 0 || !rules[i].limits {
		return
	}
	p := rules[i].policy
	p.Layer = arch.LayerSidecar
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
		for _, f := range policyFields {
			at := e.At("layers", p.Key())
			at.At += arch.Field(f.field)
			places[at] = o.At(arch.Config, append([]string{"spec", "rules", strconv.Itoa(i)}, f.path...)...)
		}
	}
	s.Locate(places) // only these facts: that the callers exist is not this route's to say
	r.out.System(s)
}

// to is the element behind a backend; one that nothing answers to is still named,
// so that it can be reported. Backends that are no Service are left out.
func (r *relation) to(b gatewayapi.BackendRef, namespace string) (arch.Ref, bool) {
	if b.Kind != nil && *b.Kind != "Service" && *b.Kind != "ServiceImport" {
		return "", false
	}
	if b.Namespace != nil {
		namespace = string(*b.Namespace)
	}
	if ref, ok := r.ev.Hosts.Resolve(string(b.Name), namespace); ok {
		return ref, true
	}
	return arch.NewRef(arch.KindService, string(b.Name)), b.Name != ""
}

// share of a backend among those of its rule; a weight that is not given is 1.
func share(bs []gatewayapi.BackendRef, k int) float64 {
	weight := func(b gatewayapi.BackendRef) float64 {
		if b.Weight == nil {
			return 1
		}
		return max(0, float64(*b.Weight))
	}
	sum := 0.0
	for _, b := range bs {
		sum += weight(b)
	}
	return weight(bs[k]) / cmp.Or(sum, 1)
}

func texts[T ~string](xs []T) []string {
	var out []string
	for _, x := range xs {
		out = append(out, string(x))
	}
	return out
}
