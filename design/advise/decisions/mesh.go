package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var mesh = decide.Decision{
	ID:       "mesh",
	Question: "A service mesh, or none?",
	Source:   "S. Newman, Building Microservices, 2nd ed. (2021), ch. 5; the meshes' own figures for their proxies",
	Options: []decide.Option{
		{ID: "none", What: "no mesh: limits live in the services' code", Names: []string{"no-mesh"},
			Test: "faults injected into each call, in the build", Observe: "rate, errors, duration of each call from the clients' own metrics", Maintain: "each service's owner, with one library a language (patterns/resilience)"},
		{ID: "linkerd", What: "Linkerd", Names: []string{"mesh", "service-mesh"},
			Test: "the control plane away for an hour, certificates renewed in a drill", Observe: "success rate and latency by route; expiry of the certificates", Maintain: "a platform team that is on call for it"},
		{ID: "istio", What: "Istio", Names: []string{"mesh", "service-mesh"},
			Test: "its configuration in the build (`ashlar review`), the control plane away for an hour", Observe: "the proxies' own latency and memory, rejected configuration", Maintain: "a platform team that is on call for it"},
	},
	Local: []decide.Measure{{Key: "encryption", Factor: decide.Consistency, About: "1: a constraint demands encryption between services", Unit: "encryption demanded", Whole: true, From: 0, To: 1}},
	Moot: func(c *decide.Case) string {
		if len(c.Apps()) <= 1 {
			return "there is one service: nothing to put a mesh between"
		}
		return ""
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		f := demanded(c, "is encryption between services demanded?", "pci-dss")
		if has(c.Compliance(), "mtls", "zero-trust", "pci", "pci-dss", "encryption", "hipaa", "fedramp") {
			f = decide.Known(1, "a compliance constraint")
		}
		sub := decide.Subject{Current: meshThere(c), Facts: map[string]decide.Fact{"encryption": f}}
		if sub.Current != "none" {
			sub.Note = sub.Current + " is in the way of calls already, by its own configuration"
		}
		return []decide.Subject{sub}
	},
	Judge: func(s *decide.Sheet, option string) {
		services, calls := s.M("services"), s.M("calls")
		switch option {
		case "none":
			s.Days(decide.Operations, "a library in each language", s.M("languages").Times(s.P("client-library")))
			s.Days(decide.Operations, "limits of calls", calls.Times(s.P("client-call")))
			s.Days(decide.Consistency, "certificates by hand", s.M("encryption").Times(services).Times(s.P("mtls-diy")))
			if s.Current != "" && s.Current != "none" {
				s.Change(decide.Operations, "taking it out, limits and certificates included", services.Times(s.P("mesh-leave")))
				s.Change(decide.Operations, "libraries that do what it did", s.M("languages").Times(s.P("client-library")).Times(decide.N(2, "")))
			}
		default:
			s.Days(decide.Operations, "running it", s.P(option))
			s.Days(decide.Operations, "limits of calls", calls.Times(s.P("mesh-call")))
			cores(s, "its proxies", s.M("pods").Times(s.P(option+"-cores")))
			s.Change(decide.Operations, "joining", services.Times(s.P("mesh-build")))
			learned(s, "it", option, "mesh")
			if ms, p := 1000*s.M("depth").V*s.P("mesh-hop").V, s.M("promise"); ms > p.V/4 {
				s.Veto("its proxies add %.0f ms to %.0f calls in a row: more than a quarter of the %.0f ms that were promised", ms, s.M("depth").V, p.V)
			}
		}
	},
}

// meshThere is the mesh that handles the traffic of a service.
func meshThere(c *decide.Case) string {
	in := false
	for _, d := range c.System.Deployments {
		in = in || d.Mesh.V
	}
	sidecars := false
	for _, e := range c.Edges() {
		for _, l := range e.Call.Layers {
			sidecars = sidecars || arch.Rank(l.Layer) == arch.Rank(arch.LayerSidecar) || arch.Rank(l.Layer) == arch.Rank(arch.LayerInbound)
		}
	}
	if !in && !sidecars {
		return "none"
	}
	if _, ok := c.System.Coverage["linkerd"]; ok {
		return "linkerd"
	}
	return "istio"
}
