package istio

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

// routing gathers the routes that all VirtualServices hang on one gateway, since
// one witness has to say in which order they match.
type routing struct {
	routes []ranked
	seen   map[string]bool
	places map[arch.Fact]arch.Source
}

// ranked is a route with what decides about its place.
type ranked struct {
	arch.Route
	host     int    // of its hosts, the least exact
	resource string // name, then namespace: Istio's order of resources that came at one time
	last     bool   // it takes every request of its hosts, or stands behind one in its resource that does
	n        int    // place in the resource
}

// order is the one in which a gateway tries its routes. Envoy chooses the virtual
// host first, the most exact domain wins; inside one, Istio puts the routes of
// several VirtualServices one after the other, the oldest resource first and
// those of one second by name, and moves what takes every request to the end. How
// old a resource is stands in no file, so the names have to do.
func (a ranked) order(b ranked) int {
	return cmp.Or(b.host-a.host, number(a.last)-number(b.last), cmp.Compare(a.resource, b.resource), a.n-b.n)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// exactness of the hosts of a VirtualService: of a full name above that of a
// wildcard, of a long wildcard above that of a short one.
func exactness(hosts []string) int {
	least := 1 << 16
	for _, h := range hosts {
		if strings.HasPrefix(h, "*") {
			least = min(least, len(h))
		}
	}
	return least
}

func (r *relation) routes(o object, vs *istio.VirtualService, gateway string) {
	gw := r.gws[gateway]
	if gw == nil {
		gw = &routing{seen: map[string]bool{}, places: map[arch.Fact]arch.Source{}}
		r.gws[gateway] = gw
	}
	if gw.seen[o.V.String()] { // the same resource in another file is an alternative, and a conflict
		own := &relation{ev: r.ev, out: r.out, gws: map[string]*routing{}}
		own.routes(o, vs, gateway)
		own.emit(gateway, own.gws[gateway])
		return
	}
	gw.seen[o.V.String()] = true
	host := strings.Join(vs.GetHosts(), ",")
	if host == "*" {
		host = ""
	}
	last := false
	for i, h := range vs.GetHttp() {
		matches := h.GetMatch()
		if len(matches) == 0 {
			matches = []*istio.HTTPMatch{nil}
		}
		for j, m := range matches {
			if !answers(m, gateway) {
				continue
			}
			last = last || takesAll(m)
			for k, d := range h.GetRoute() {
				id := fmt.Sprintf("%s#%03d.%d.%d", strings.TrimPrefix(o.V.Namespace+"/"+o.V.Name, "/"), i, j, k)
				rt := arch.Route{ID: id, Host: host, Path: pattern(m.GetUri()), Method: m.GetMethod().GetExact(), To: r.to(d.GetDestination().GetHost(), o.V.Namespace), Layers: []arch.Policy{routePolicy(h, arch.LayerGateway)}}
				if len(h.GetRoute()) > 1 {
					rt.Weight = arch.Some(share(h, k))
				}
				gw.routes = append(gw.routes, ranked{rt, exactness(vs.GetHosts()), o.V.Name + "\x00" + o.V.Namespace, last, len(gw.routes)})
				r.locate(o, gw, gateway, h, id, [3]int{i, j, k})
			}
		}
	}
}

// locate tells where the parts of a route stand.
func (r *relation) locate(o object, gw *routing, gateway string, h *istio.HTTPRoute, id string, n [3]int) {
	ref := arch.NewRef(arch.KindGateway, gateway)
	at := func(f arch.Field, reason string, path ...string) {
		src := o.At(arch.Config, append([]string{"spec", "http", strconv.Itoa(n[0])}, path...)...)
		src.Reason = reason
		gw.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", id) + f}] = src
	}
	match, route := strconv.Itoa(n[1]), strconv.Itoa(n[2])
	at("", "", "match", match)
	at("/path", "", "match", match, "uri")
	at("/method", "", "match", match, "method")
	at("/to", "", "route", route, "destination", "host")
	at("/weight", "", "route", route, "weight")
	at("/layers/"+arch.LayerGateway, "")
	gw.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", id, "host")}] = o.At(arch.Config, "spec", "hosts")
	r.locatePolicy(h, func(f arch.Field, reason string, path ...string) {
		at("/layers/"+arch.LayerGateway+f, reason, path...)
	})
}

// emit puts out a gateway's routes in their order.
func (r *relation) emit(name string, gw *routing) {
	if len(gw.routes) == 0 {
		return
	}
	slices.SortStableFunc(gw.routes, ranked.order)
	g := arch.Gateway{Kind: Name}
	for _, x := range gw.routes {
		g.Routes = append(g.Routes, x.Route)
	}
	s := arch.System{Gateways: map[string]arch.Gateway{name: g}}
	s.Locate(gw.places)
	// what no resource says of its own, the order and the kind, stands where the first route does
	s.Attest(gw.places[arch.Fact{Of: arch.NewRef(arch.KindGateway, name), At: arch.Field("").Join("routes", g.Routes[0].ID)}])
	r.out.System(s)
}

// answers reports whether a match holds at a gateway: it may name some of those
// that its resource binds to.
func answers(m *istio.HTTPMatch, gateway string) bool {
	gs := m.GetGateways()
	return len(gs) == 0 || slices.ContainsFunc(gs, func(g string) bool { return g[strings.LastIndexByte(g, '/')+1:] == gateway })
}

// takesAll reports whether a match takes every request. Istio moves only these to
// the end.
func takesAll(m *istio.HTTPMatch) bool {
	if m == nil {
		return true
	}
	if len(m.GetHeaders())+len(m.GetQueryParams())+len(m.GetWithoutHeaders())+len(m.GetSourceLabels()) > 0 || m.GetMethod() != nil || m.GetAuthority() != nil || m.GetScheme() != nil || m.GetPort() != 0 {
		return false
	}
	u := m.GetUri()
	return u == nil || u.GetPrefix() == "/" || u.GetRegex() == ".*"
}

// share of a destination among those of its route.
func share(h *istio.HTTPRoute, k int) float64 {
	sum := int32(0)
	for _, d := range h.GetRoute() {
		sum += d.GetWeight()
	}
	return float64(h.GetRoute()[k].GetWeight()) / float64(cmp.Or(sum, 1))
}

// to is the element behind a destination host; one that nothing answers to is
// still named, so that it can be reported.
func (r *relation) to(host, namespace string) arch.Ref {
	if ref, ok := r.ev.Hosts.Resolve(host, namespace); ok {
		return ref
	}
	name, _, _ := strings.Cut(host, ".")
	return arch.NewRef(arch.KindService, name)
}

// pattern writes a match: exact as it is, prefix with a star, regex with a tilde.
func pattern(m *istio.StringMatch) string {
	switch {
	case m == nil:
		return "*"
	case m.GetExact() != "":
		return m.GetExact()
	case m.GetRegex() != "":
		return "~" + m.GetRegex()
	}
	return m.GetPrefix() + "*"
}
