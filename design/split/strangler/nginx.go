package strangler

import (
	"fmt"
	"strings"
)

// nginx writes what belongs into the http block: maps choose the backend, so that
// methods of one path can go different ways. Clients are told apart by address.
func nginx(b *strings.Builder, services []service, o Options) {
	fmt.Fprintf(b, "# include this file in the http block\nupstream monolith { server %s; }\n", o.Monolith)
	for _, s := range services {
		fmt.Fprintf(b, "upstream %s { server %s:%d; }\n", s.name, s.name, o.Port)
	}
	b.WriteString("\n# which context answers: the first pattern that matches\nmap \"$request_method $uri\" $cutover_context {\n    default monolith;\n")
	for _, s := range services {
		for _, r := range s.routes {
			method := r.method
			if method == "" {
				method = "[A-Z]+"
			}
			fmt.Fprintf(b, "    \"~^%s %s$\" %s;\n", method, r.expr, s.name)
		}
	}
	b.WriteString("}\n")
	for _, s := range services {
		v := strings.NewReplacer("-", "_").Replace(s.name)
		fmt.Fprintf(b, "\nsplit_clients \"$remote_addr\" $cutover_%s_share {\n", v)
		switch o.Percent {
		case 0:
			b.WriteString("    * monolith; # put \"1% " + s.name + ";\" before this line to begin\n")
		case 100:
			fmt.Fprintf(b, "    * %s;\n", s.name)
		default:
			fmt.Fprintf(b, "    %d%% %s;\n    * monolith;\n", o.Percent, s.name)
		}
		fmt.Fprintf(b, "}\nmap $http_%s $cutover_%s {\n    default $cutover_%s_share;\n    %s %s;\n    monolith monolith;\n}\n", strings.ReplaceAll(Header, "-", "_"), v, v, s.name, s.name)
	}
	b.WriteString("\nmap $cutover_context $cutover_backend {\n    default monolith;\n")
	for _, s := range services {
		fmt.Fprintf(b, "    %s $cutover_%s;\n", s.name, strings.ReplaceAll(s.name, "-", "_"))
	}
	b.WriteString("}\n\nserver {\n    listen 8080;\n    location / {\n        proxy_pass http://$cutover_backend;\n        proxy_next_upstream off; # an answer that was lost must not be asked for on the other side\n        proxy_set_header Host $host;\n    }\n}\n")
}
