package decisions

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var protocol = decide.Decision{
	ID:       "protocol",
	Question: "REST or gRPC between services?",
	Source:   "S. Newman, Building Microservices, 2nd ed. (2021), ch. 5",
	Cures:    []string{"communication/unversioned-api", "communication/breaking-change", "delivery/contract-untested"},
	Options: []decide.Option{
		{ID: "rest", What: "REST, described by OpenAPI and checked", Names: []string{"http", "openapi"},
			Test: "`ashlar review --against` in every build, contract tests of both sides", Observe: "requests by route and version", Maintain: "the provider's owner; consumers are named in the contract"},
		{ID: "grpc", What: "gRPC, described by Protocol Buffers", Names: []string{"protobuf"},
			Test: "`ashlar review --against` in every build", Observe: "requests by method; balancing by request, not by connection", Maintain: "the provider's owner; one repository of .proto files or one place each"},
		{ID: "both", What: "REST and gRPC side by side", Names: []string{},
			Test: "`ashlar review --against` in every build", Observe: "requests by route and method", Maintain: "the providers' owners"},
	},
	Local: []decide.Measure{
		{Key: "http", Factor: decide.Operations, About: "calls between services over HTTP", Unit: "HTTP calls", Whole: true, From: 0, To: 40},
		{Key: "grpc", Factor: decide.Operations, About: "calls between services over gRPC", Unit: "gRPC calls", Whole: true, From: 0, To: 40},
		{Key: "contracts", Factor: decide.Operations, About: "interfaces that a file describes", Whole: true, From: 0, To: 40},
	},
	Moot: func(c *decide.Case) string {
		h, g := protocols(c)
		if h+g == 0 {
			return "no call between services says its protocol"
		}
		return ""
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		h, g := protocols(c)
		current := "rest"
		switch {
		case g > 0 && h > 0 && min(g, h)*5 >= max(g, h):
			current = "both"
		case g > h:
			current = "grpc"
		}
		return local(c, current, map[string]decide.Fact{"http": decide.Known(float64(h), "counted"), "grpc": decide.Known(float64(g), "counted"), "contracts": decide.Counted(c, len(c.System.Contracts), c.System.Refs(arch.KindContract)...)})
	},
	Judge: func(s *decide.Sheet, option string) {
		h, g := s.M("http"), s.M("grpc")
		all := h.Plus(g)
		keep := all.Times(s.P("protocol-keep"))
		if option != "grpc" && s.M("contracts").V < all.V/2 {
			keep = h.Times(s.P("protocol-loose")).Plus(g.Times(s.P("protocol-keep")))
			if option == "rest" {
				keep = all.Times(s.P("protocol-loose"))
			}
		}
		s.Days(decide.Operations, "contracts", keep)
		perRequest := s.M("depth")
		cpu := s.M("peak").Times(perRequest).Times(s.P("rest-cpu"))
		switch option {
		case "rest":
			s.Change(decide.Operations, "moving calls", g.Times(s.P("protocol-move")))
			cores(s, "encoding as text", cpu)
		case "grpc":
			s.Change(decide.Operations, "moving calls", h.Times(s.P("protocol-move")))
		case "both":
			s.Days(decide.Operations, "a second protocol", s.P("protocol-mixed"))
			cores(s, "encoding as text", cpu.Times(h).Over(all))
		}
	},
}

func protocols(c *decide.Case) (http, grpc int) {
	seen := map[string]bool{}
	for _, e := range c.Edges() {
		to := e.Call.To
		if to.Kind() != arch.KindOp && to.Kind() != arch.KindService || to.Parent() == e.From.Parent() {
			continue
		}
		p := e.Call.Protocol
		if to.Kind() == arch.KindOp {
			if t := c.System.Services[to.Name()].Operations[to.Member()].Trigger; strings.HasPrefix(t, "grpc ") {
				p = "grpc"
			}
		}
		key := fmt.Sprint(e.From.Parent(), to.Parent(), p)
		if seen[key] {
			continue
		}
		seen[key] = true
		switch {
		case strings.HasPrefix(p, "grpc"):
			grpc++
		case strings.HasPrefix(p, "http"):
			http++
		}
	}
	return http, grpc
}
