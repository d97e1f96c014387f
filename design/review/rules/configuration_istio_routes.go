package rules

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

var istioUnreachable = review.Rule{
	ID:    "configuration/istio-unreachable-route",
	Title: "A route stands behind one that takes everything",
	Why:   "Istio takes the first HTTP route that matches. A route without a match takes every request, so nothing behind it is ever used: traffic that was meant to be split or moved is not.",
	Bad:   "http: [{route: [v1]}, {route: [v2]}]",
	Good:  "http: [{route: [{subset: v1, weight: 90}, {subset: v2, weight: 10}]}]",
	Since: "0.1", Severity: review.High, Confidence: 1,
	Needs:  []review.Need{review.Routes},
	Source: "Istio documentation, VirtualService.http: the first rule matching an incoming request is used",
	Fires:  "FudanSELab/train-ticket@813dd01 deployment/fault-inject-deployment/virtual-services-fault.yaml:13",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 istio-manifests/",
	Check:  func(c *review.Case, r *review.Reporter) { shadows(c, r, true) },
}

var istioShadowed = review.Rule{
	ID:    "configuration/istio-shadowed-match",
	Title: "A match is taken by an earlier, wider one",
	Why:   "Istio takes the first HTTP route that matches. Where an earlier prefix covers a later path, requests for the later one go to the wrong service.",
	Bad:   "http: [{match: [{uri: {prefix: /}}], route: [ui]}, {match: [{uri: {prefix: /api}}], route: [api]}]",
	Good:  "the longer prefix first",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Needs:  []review.Need{review.Routes},
	Source: "Istio documentation, VirtualService.http: the first rule matching an incoming request is used",
	Fires:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 istio-manifests/",
	Check:  func(c *review.Case, r *review.Reporter) { shadows(c, r, false) },
}

type vsDoc = discover.Typed[*istio.Object]

// shadows reports routes behind a catch-all (whole) or matches behind a wider
// match (not whole).
func shadows(c *review.Case, r *review.Reporter, whole bool) {
	for _, o := range discover.Of[*istio.Object](c.Documents) {
		vs, ok := o.V.Spec.(*istio.VirtualService)
		if !ok {
			continue
		}
		for i, h := range vs.GetHttp() {
			if j := catchAll(vs.GetHttp()[:i]); j >= 0 {
				if whole {
					unreachable(r, o, vs, i, j)
				}
				continue // everything in it is unreachable; its matches need no finding of their own
			}
			for k, m := range h.GetMatch() {
				if j, l, ok := wider(vs.GetHttp()[:i], m); ok && !whole {
					shadowed(r, o, vs, [2]int{i, k}, [2]int{j, l})
				}
			}
		}
	}
}

func catchAll(hs []*istio.HTTPRoute) int {
	for j, h := range hs {
		if len(h.GetMatch()) == 0 {
			return j
		}
	}
	return -1
}

// wider finds an earlier match that takes all that m takes.
func wider(hs []*istio.HTTPRoute, m *istio.HTTPMatch) (route, match int, ok bool) {
	for j, h := range hs {
		for l, e := range h.GetMatch() {
			if covers(e, m) {
				return j, l, true
			}
		}
	}
	return 0, 0, false
}

// covers: but for the path both ask the same, or the earlier asks nothing else,
// and its path takes every path of the later.
func covers(e, m *istio.HTTPMatch) bool {
	rest := func(x *istio.HTTPMatch) *istio.HTTPMatch {
		y := proto.CloneOf(x)
		y.Uri, y.Name, y.IgnoreUriCase = nil, "", false
		return y
	}
	if re := rest(e); proto.Size(re) > 0 && !proto.Equal(re, rest(m)) {
		return false
	}
	a, b := e.GetUri(), m.GetUri()
	fold := func(s string) string {
		if e.GetIgnoreUriCase() {
			return strings.ToLower(s)
		}
		return s
	}
	switch {
	case a == nil:
		return true
	case b == nil || m.GetIgnoreUriCase() && !e.GetIgnoreUriCase():
		return false
	case a.GetPrefix() != "":
		return b.GetPrefix() != "" && strings.HasPrefix(fold(b.GetPrefix()), fold(a.GetPrefix())) || b.GetExact() != "" && strings.HasPrefix(fold(b.GetExact()), fold(a.GetPrefix())) || a.GetPrefix() == "/" && b.GetRegex() != ""
	case a.GetExact() != "":
		return b.GetExact() != "" && fold(a.GetExact()) == fold(b.GetExact())
	}
	return a.GetRegex() != "" && a.GetRegex() == b.GetRegex()
}

func unreachable(r *review.Reporter, o vsDoc, vs *istio.VirtualService, i, j int) {
	at := func(n int) arch.Source { return o.At(arch.Config, "spec", "http", strconv.Itoa(n)) }
	f := review.Finding{Of: []arch.Ref{vsRef(o, vs)}, Evidence: []review.Evidence{{Source: at(i), Note: "never reached"}, {Source: at(j), Note: "takes every request"}}}
	f.Title = fmt.Sprintf("%s: the route to %s is never reached, the one in line %d takes everything", o.V, destinations(vs.GetHttp()[i]), at(j).Line)
	f.Fix = "Put both destinations into one route with weights that add up to 100, or give the earlier route a match."
	r.Find(f, o.V.String(), destinations(vs.GetHttp()[i]), strconv.Itoa(i))
}

func shadowed(r *review.Reporter, o vsDoc, vs *istio.VirtualService, late, early [2]int) {
	at := func(p [2]int) arch.Source {
		return o.At(arch.Config, "spec", "http", strconv.Itoa(p[0]), "match", strconv.Itoa(p[1]), "uri")
	}
	uri := func(p [2]int) string { return path(vs.GetHttp()[p[0]].GetMatch()[p[1]].GetUri()) }
	to, instead := destinations(vs.GetHttp()[late[0]]), destinations(vs.GetHttp()[early[0]])
	f := review.Finding{Of: []arch.Ref{vsRef(o, vs)}, Evidence: []review.Evidence{{Source: at(late), Note: "shadowed"}, {Source: at(early), Note: "comes first and covers it"}}}
	f.Title = fmt.Sprintf("%s never reaches %s: %s in line %d takes it to %s", uri(late), to, uri(early), at(early).Line, instead)
	if to == instead {
		f.Title, f.Severity = fmt.Sprintf("%s is covered by %s in line %d, which leads to the same place", uri(late), uri(early), at(early).Line), review.Low
	}
	f.Fix = "Move the longer path before the shorter one."
	r.Find(f, o.V.String(), uri(late))
}

// vsRef is what the finding is about: the gateway that the routes stand in, or
// the host that they are for.
func vsRef(o vsDoc, vs *istio.VirtualService) arch.Ref {
	for _, g := range vs.GetGateways() {
		if g != istio.MeshGateway {
			return arch.NewRef(arch.KindGateway, g[strings.LastIndexByte(g, '/')+1:])
		}
	}
	if hs := vs.GetHosts(); len(hs) > 0 {
		host, _, _ := strings.Cut(hs[0], ".")
		return arch.NewRef(arch.KindService, host)
	}
	return arch.NewRef(arch.KindService, o.V.Name)
}

func destinations(h *istio.HTTPRoute) string {
	var s []string
	for _, d := range h.GetRoute() {
		to := d.GetDestination().GetHost()
		if sub := d.GetDestination().GetSubset(); sub != "" {
			to += " " + sub
		}
		s = append(s, to)
	}
	if len(s) == 0 {
		return "its redirect"
	}
	return strings.Join(s, " and ")
}

func path(m *istio.StringMatch) string {
	switch {
	case m.GetExact() != "":
		return m.GetExact()
	case m.GetPrefix() != "":
		return m.GetPrefix() + "*"
	}
	return "~" + m.GetRegex()
}
