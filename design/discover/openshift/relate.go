package openshift

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/openshift"
)

// Router is the gateway that all Routes are routes of.
const Router = "openshift-router"

// layer of the router's policies.
const layer = arch.LayerGateway + ":" + Name

type object = discover.Typed[*openshift.Object]

// Relate makes the router of the Routes: one view, since one witness has to say
// in which order they match. The same Route in another file is an alternative,
// and a conflict.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	var all router
	seen := map[string]bool{}
	for _, o := range discover.Of[*openshift.Object](ev.Documents) {
		rt, ok := o.V.Typed.(*openshift.Route)
		if !ok {
			continue
		}
		if seen[o.V.String()] {
			var other router
			other.add(ev.Hosts, o, rt)
			out.System(other.system())
			continue
		}
		seen[o.V.String()] = true
		all.add(ev.Hosts, o, rt)
	}
	constraints(ev, out)
	if len(seen) > 0 {
		out.System(all.system())
		out.Cover(arch.Coverage{Origin: arch.Config, Of: []arch.Ref{arch.NewRef(arch.KindGateway, Router)}})
	}
	return nil
}

// router gathers Routes.
type router struct {
	gateway arch.Gateway
	places  map[arch.Fact]arch.Source
	first   arch.Source
}

// system is the view: longer paths match before shorter ones.
func (r *router) system() arch.System {
	g := r.gateway
	g.Kind = Name
	slices.Sort(g.Hosts)
	g.Hosts = slices.Compact(g.Hosts)
	slices.SortStableFunc(g.Routes, func(a, b arch.Route) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(len(b.Path), len(a.Path)))
	})
	s := arch.System{Gateways: map[string]arch.Gateway{Router: g}}
	s.Locate(r.places)
	s.Attest(r.first)
	return s
}

func (r *router) add(hosts *discover.Hosts, o object, rt *openshift.Route) {
	if r.places == nil {
		r.places, r.first = map[arch.Fact]arch.Source{}, o.At(arch.Config)
	}
	if rt.Spec.Host != "" {
		r.gateway.Hosts = append(r.gateway.Hosts, rt.Spec.Host)
	}
	backends := append([]openshift.RouteTarget{rt.Spec.To}, rt.Spec.AlternateBackends...)
	sum := 0.0
	for _, b := range backends {
		sum += weight(b)
	}
	name := strings.TrimPrefix(o.V.Namespace+"/"+o.V.Name, "/")
	p, reason := policy(o.V)
	for i, b := range backends {
		if b.Name == "" || b.Kind != "" && b.Kind != "Service" {
			continue
		}
		to, ok := hosts.Resolve(b.Name, o.V.Namespace)
		if !ok {
			to = arch.NewRef(arch.KindService, b.Name)
		}
		id := fmt.Sprintf("%s#%d", name, i)
		x := arch.Route{ID: id, Host: rt.Spec.Host, Path: strings.TrimSuffix(rt.Spec.Path, "/") + "/*", To: to, Layers: []arch.Policy{p}}
		if len(backends) > 1 {
			x.Weight = arch.Some(weight(b) / cmp.Or(sum, 1))
		}
		r.gateway.Routes = append(r.gateway.Routes, x)
		backend := []string{"spec", "to"}
		if i > 0 {
			backend = []string{"spec", "alternateBackends", strconv.Itoa(i - 1)}
		}
		at := func(f, reason string, path ...string) {
			src := o.At(arch.Config, path...)
			src.Reason = reason
			r.places[arch.Fact{Of: arch.NewRef(arch.KindGateway, Router), At: arch.Field("").Join("routes", id) + arch.Field(f)}] = src
		}
		at("", "", backend...)
		at("/to", "", append(slices.Clone(backend), "name")...)
		at("/weight", "", append(slices.Clone(backend), "weight")...)
		at("/host", "", "spec", "host")
		at("/path", "", "spec", "path")
		if reason != "" {
			at("/layers/"+layer+"/timeout", reason)
		} else {
			at("/layers/"+layer+"/timeout", "", "metadata", "annotations", openshift.TimeoutAnnotation)
		}
	}
}

func weight(b openshift.RouteTarget) float64 {
	if b.Weight == nil {
		return openshift.DefaultWeight
	}
	return max(0, float64(*b.Weight))
}

// policy is the router's timeout for a Route, with a reason where it is the
// router's default.
func policy(o *openshift.Object) (p arch.Policy, reason string) {
	p.Layer = layer
	if t, ok := openshift.ParseTimeout(o.Annotations[openshift.TimeoutAnnotation]); ok {
		p.Timeout = arch.Some(t)
		return p, ""
	}
	p.Timeout = arch.Some(openshift.DefaultTimeout)
	return p, "the router's default where " + openshift.TimeoutAnnotation + " is not given"
}
