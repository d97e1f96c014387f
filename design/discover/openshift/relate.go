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

// Relate makes the router of the Routes.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	found := false
	for _, o := range discover.Of[*openshift.Object](ev.Documents) {
		if rt, ok := o.V.Typed.(*openshift.Route); ok {
			found = true
			out.System(route(ev.Hosts, o, rt))
		}
	}
	if found {
		out.Cover(arch.Coverage{Origin: arch.Config, Of: []arch.Ref{arch.NewRef(arch.KindGateway, Router)}})
	}
	return nil
}

func route(hosts *discover.Hosts, o object, rt *openshift.Route) arch.System {
	g := arch.Gateway{Kind: Name}
	if rt.Spec.Host != "" {
		g.Hosts = []string{rt.Spec.Host}
	}
	backends := append([]openshift.RouteTarget{rt.Spec.To}, rt.Spec.AlternateBackends...)
	sum := 0.0
	for _, b := range backends {
		sum += weight(b)
	}
	name := o.V.Name
	if o.V.Namespace != "" {
		name = o.V.Namespace + "/" + name
	}
	p, reason := policy(o.V)
	places := map[arch.Fact]arch.Source{}
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
		g.Routes = append(g.Routes, x)
		backend := []string{"spec", "to"}
		if i > 0 {
			backend = []string{"spec", "alternateBackends", strconv.Itoa(i - 1)}
		}
		at := func(f string, reason string, path ...string) {
			src := o.At(arch.Config, path...)
			src.Reason = reason
			places[arch.Fact{Of: arch.NewRef(arch.KindGateway, Router), At: arch.Field("").Join("routes", id) + arch.Field(f)}] = src
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
	s := arch.System{Gateways: map[string]arch.Gateway{Router: g}}
	s.Locate(places)
	s.Attest(o.At(arch.Config))
	return s
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
