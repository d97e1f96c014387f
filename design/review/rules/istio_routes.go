package rules

import (
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

// httpRoute is one HTTP route of a VirtualService.
type httpRoute struct {
	vsDoc
	*istio.HTTPRoute
	index int
}

// at is the place of something in the route.
func (h httpRoute) at(note string, path ...string) review.Evidence {
	return review.Evidence{Source: h.At(arch.Config, append([]string{"spec", "http", strconv.Itoa(h.index)}, path...)...), Note: note}
}

// httpRoutes lists the HTTP routes of all VirtualServices, in the order of the
// files.
func httpRoutes(c *review.Case) []httpRoute {
	var out []httpRoute
	for _, o := range discover.Of[*istio.Object](c.Documents) {
		if vs, ok := o.V.Spec.(*istio.VirtualService); ok {
			for i, h := range vs.GetHttp() {
				out = append(out, httpRoute{o, h, i})
			}
		}
	}
	return out
}

// serviceOfHost is the service that a host names, by its first label.
func serviceOfHost(c *review.Case, host string) []arch.Ref {
	name := firstLabel(host)
	if ref, ok := serviceNamed(c, name); ok {
		return []arch.Ref{ref}
	}
	return []arch.Ref{arch.NewRef(arch.KindService, name)}
}

func firstLabel(host string) string {
	for i := range host {
		if host[i] == '.' {
			return host[:i]
		}
	}
	return host
}

// fullHost completes a short host name as Istio does: with the namespace of the
// resource that names it. Without a namespace the place stays open.
func fullHost(host, namespace string) string {
	if firstLabel(host) != host {
		return host
	}
	return host + "." + namespace + ".svc.cluster.local"
}
