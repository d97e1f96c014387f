package strangler

import (
	"fmt"
	"slices"
	"strings"
)

// istio writes one VirtualService for the monolith's host.
func istio(b *strings.Builder, services []service, o Options) {
	fmt.Fprintf(b, "# For requests from outside add gateways: and their public hosts. Weights are per request.\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: %s-cutover\nspec:\n  hosts: [%s]\n  http:\n", host(o.Monolith), host(o.Monolith))
	to := func(h, p string, weight int) string {
		return fmt.Sprintf("        - {destination: {host: %s, port: {number: %s}}, weight: %d}\n", h, p, weight)
	}
	for _, s := range services {
		for _, way := range []struct {
			name, header string
			percent      int
		}{{s.name + "-chosen", s.name, 100}, {s.name + "-stays", "monolith", 0}, {s.name, "", o.Percent}} {
			fmt.Fprintf(b, "    - name: %s\n      match:\n", way.name)
			for _, r := range s.routes {
				kind, value := "regex", r.expr
				if r.plain {
					kind, value = "exact", r.path
				}
				fmt.Fprintf(b, "        - uri: {%s: %q}\n", kind, value)
				if r.method != "" {
					fmt.Fprintf(b, "          method: {exact: %s}\n", r.method)
				}
				if way.header != "" {
					fmt.Fprintf(b, "          headers: {%s: {exact: %s}}\n", Header, way.header)
				}
			}
			b.WriteString("      route:\n")
			if way.percent < 100 {
				b.WriteString(to(host(o.Monolith), port(o.Monolith), 100-way.percent))
			}
			if way.percent > 0 {
				b.WriteString(to(s.name, fmt.Sprint(o.Port), way.percent))
			}
		}
	}
	b.WriteString("    - name: everything-else\n      route:\n" + to(host(o.Monolith), port(o.Monolith), 100))
}

// What the Gateway API allows: rules in an HTTPRoute, and matches in a rule of its
// first stable version.
const (
	maxRules   = 16
	maxMatches = 8
)

// gatewayAPI writes HTTPRoutes, as many as their limits of rules and matches ask
// for, and one for everything else. A match on a header wins over one without.
func gatewayAPI(b *strings.Builder, services []service, o Options) {
	b.WriteString("# Name your Gateway in parentRefs. Weights are per request. Gateways need not support RegularExpression.\n")
	head := func(name string) {
		fmt.Fprintf(b, "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: %s\nspec:\n  parentRefs:\n    - {name: gateway}\n  rules:\n", name)
	}
	backend := func(h, p string, weight int) string {
		return fmt.Sprintf("        - {name: %s, port: %s, weight: %d}\n", h, p, weight)
	}
	for _, s := range services {
		chunks := slices.Collect(slices.Chunk(s.routes, maxMatches))
		for part, some := range slices.Collect(slices.Chunk(chunks, maxRules/3)) {
			name := s.name + "-cutover"
			if part > 0 {
				name += fmt.Sprintf("-%d", part+1)
			}
			head(name)
			for _, routes := range some {
				for _, way := range []struct {
					header  string
					percent int
				}{{s.name, 100}, {"monolith", 0}, {"", o.Percent}} {
					b.WriteString("    - matches:\n")
					for _, r := range routes {
						kind, value := "RegularExpression", r.expr
						if r.plain {
							kind, value = "Exact", r.path
						}
						fmt.Fprintf(b, "        - path: {type: %s, value: %q}\n", kind, value)
						if r.method != "" {
							fmt.Fprintf(b, "          method: %s\n", r.method)
						}
						if way.header != "" {
							fmt.Fprintf(b, "          headers: [{name: %s, value: %s}]\n", Header, way.header)
						}
					}
					b.WriteString("      backendRefs:\n")
					if way.percent < 100 {
						b.WriteString(backend(host(o.Monolith), port(o.Monolith), 100-way.percent))
					}
					if way.percent > 0 {
						b.WriteString(backend(s.name, fmt.Sprint(o.Port), way.percent))
					}
				}
			}
		}
	}
	head("everything-else")
	b.WriteString("    - matches:\n        - path: {type: PathPrefix, value: /}\n      backendRefs:\n" + backend(host(o.Monolith), port(o.Monolith), 1))
}
