package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var gateway = decide.Decision{
	ID:       "gateway",
	Question: "How do requests come in: each service open, the platform's entrance, or an API gateway?",
	Source:   "C. Richardson, Microservices Patterns (2018), ch. 8; S. Newman, Building Microservices, 2nd ed. (2021), ch. 5",
	Cures:    []string{"communication/many-entries"},
	Options: []decide.Option{
		{ID: "open", What: "services that are reached directly", Names: []string{"direct"},
			Test: "each service refuses without login, and under too much", Observe: "requests by service", Maintain: "each service's owner"},
		{ID: "ingress", What: "the platform's entrance", Names: []string{"gateway-api", "istio-gateway", "nginx"},
			Test: "every route leads where it should (`ashlar review`)", Observe: "requests and latency by route", Maintain: "the platform's owner; routes belong to the services' owners"},
		{ID: "api-gateway", What: "an API gateway", Names: []string{"kong", "gateway"},
			Test: "every route, login and limit from a file in the build; itself killed under load", Observe: "requests, refusals and its own latency by route", Maintain: "the platform's owner; routes belong to the services' owners, no business logic in it"},
	},
	Local: []decide.Measure{{Key: "exposed", Factor: decide.Operations, About: "services that are reached from outside", Unit: "services reached from outside", Whole: true, From: 1, To: 20}},
	Moot: func(c *decide.Case) string {
		if len(c.Apps()) <= 1 && len(c.System.Gateways) == 0 {
			return "there is one service: a gateway has nothing to choose from"
		}
		return ""
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		current := ""
		for _, n := range arch.Sorted(c.System.Gateways) {
			switch c.System.Gateways[n].Kind {
			case "kong":
				current = "api-gateway"
			default:
				if current == "" {
					current = "ingress"
				}
			}
		}
		f := decide.Fact{Where: "no gateway's routes were read"}
		to := map[arch.Ref]bool{}
		for _, g := range c.System.Gateways {
			for _, r := range g.Routes {
				if _, ok := c.System.Services[r.To.Name()]; ok {
					to[r.To.Parent()] = true
				}
			}
		}
		if len(to) > 0 {
			f = decide.Known(float64(len(to)), "routes of the gateways")
		}
		if current == "" {
			if p, by := c.Runs("kong", "krakend", "tyk", "zuul", "spring-cloud-gateway"); p != "" {
				current, f.Where = "api-gateway", by
			} else if p, by := c.Runs("envoy", "frontend-proxy", "traefik", "nginx", "haproxy"); p != "" {
				current, f.Where = "ingress", by
			}
		}
		return local(c, current, map[string]decide.Fact{"exposed": f})
	},
	Judge: func(s *decide.Sheet, option string) {
		n := s.M("exposed")
		switch option {
		case "open":
			if s.Current != "" && s.Current != "open" {
				s.Veto("what comes in has one door now; more of them gain nothing")
			}
			s.Days(decide.Operations, "login, limits and TLS", n.Times(s.P("edge-diy")))
		case "ingress":
			s.Days(decide.Operations, "running it", s.P("ingress"))
			s.Days(decide.Operations, "login, limits and TLS", n.Times(s.P("ingress-auth")))
			s.Change(decide.Operations, "routes", n.Times(s.P("gateway-route")))
		case "api-gateway":
			s.Days(decide.Operations, "running it", s.P("gateway"))
			s.Days(decide.Operations, "login, limits and TLS", n.Times(s.P("gateway-route")))
			cores(s, "its instances", s.P("gateway-cores"))
			s.Change(decide.Operations, "putting it in front", s.P("gateway-build").Plus(n.Times(s.P("gateway-route"))))
			learned(s, "it", "kong", "gateway")
		}
	},
}
