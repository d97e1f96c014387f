package strangler

import (
	"fmt"
	"strings"
)

// kong writes a declarative configuration of format 3.0. An upstream spreads
// clients over monolith and service by their address, so that one client stays
// with one of them.
func kong(b *strings.Builder, services []service, o Options) {
	b.WriteString("_format_version: \"3.0\"\nupstreams:\n")
	for _, s := range services {
		fmt.Fprintf(b, "  - name: %s-cutover\n    algorithm: consistent-hashing\n    hash_on: ip\n    targets:\n", s.name)
		fmt.Fprintf(b, "      - {target: %q, weight: %d}\n", o.Monolith, 100-o.Percent)
		fmt.Fprintf(b, "      - {target: %q, weight: %d} # 0 to 100 %%\n", fmt.Sprintf("%s:%d", s.name, o.Port), o.Percent)
	}
	b.WriteString("services:\n")
	for _, s := range services {
		fmt.Fprintf(b, "  - name: %s-cutover\n    host: %s-cutover # the upstream above\n    retries: 0 # an answer that was lost must not be asked for on the other side\n    routes:\n", s.name, s.name)
		kongRoutes(b, s, "")
		fmt.Fprintf(b, "  - name: %s-chosen\n    host: %s\n    port: %d\n    retries: 0\n    routes:\n", s.name, s.name, o.Port)
		kongRoutes(b, s, s.name)
		fmt.Fprintf(b, "  - name: %s-stays\n    host: %s\n    port: %s\n    retries: 0\n    routes:\n", s.name, host(o.Monolith), port(o.Monolith))
		kongRoutes(b, s, "monolith")
	}
	fmt.Fprintf(b, "  - name: monolith\n    host: %s\n    port: %s\n    routes:\n      - {name: everything-else, paths: [\"/\"], strip_path: false}\n", host(o.Monolith), port(o.Monolith))
}

func kongRoutes(b *strings.Builder, s service, chosen string) {
	kind := "cutover"
	if chosen != "" {
		kind = "chosen-" + chosen
	}
	for i, r := range s.routes {
		fmt.Fprintf(b, "      - name: %s-%s-%d\n        paths: [%q]\n        strip_path: false\n", s.name, kind, i+1, "~"+r.expr+"$")
		if r.method != "" {
			fmt.Fprintf(b, "        methods: [%s]\n", r.method)
		}
		if chosen != "" {
			fmt.Fprintf(b, "        headers: {%s: [%s]}\n", Header, chosen)
		}
	}
}
