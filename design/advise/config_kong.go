package advise

import (
	"errors"
	"fmt"
	"strings"
)

// kongConfig writes a declarative configuration with a service, its routes
// and an upstream for each callee. Kong's timeouts are between two reads or writes, not of the
// whole answer, so that of one try is taken; it knows hosts, not callers.
func kongConfig(b *strings.Builder, answers []Answer) error {
	hosts := byHost(answers)
	if len(hosts) == 0 {
		return errors.New("kong: none of these calls goes to a service")
	}
	b.WriteString("# Kong's timeouts are between two reads or writes; it has no bulkhead, no hedge and no retry budget. Its\n# retries leave out requests that were sent and are not idempotent.\n_format_version: \"3.0\"\nservices:\n")
	ms := func(v float64) string { return fmt.Sprintf("%.0f", wholeMillis(v)) }
	for _, c := range hosts {
		h, a := c.host, c.answer
		fmt.Fprintf(b, "  - name: %q\n    host: %q # the upstream below\n", h, h)
		l := lines{b, a}
		limit := Timeout
		if _, ok := a.value(PerTry); ok {
			limit = PerTry
		}
		l.put("    connect_timeout: %s\n", limit, ms)
		l.put("    write_timeout: %s\n", limit, ms)
		l.put("    read_timeout: %s\n", limit, ms)
		l.put("    retries: %s\n", Tries, func(v float64) string { return plain(v - 1) }) // what comes after the first
		kongRoutes(b, h, answers)
	}
	b.WriteString("upstreams:\n")
	for _, c := range hosts {
		h, a := c.host, c.answer
		fmt.Fprintf(b, "  - name: %q\n    algorithm: latency\n    targets: [{target: %q}] # the callee's own place\n", h, h+":80")
		row, ok := a.inARow(5) // a count, not a share: 5 is usual
		if ok {
			row = min(row, 255) // what Kong's counters hold
			fmt.Fprintf(b, "    healthchecks:\n      passive:\n        unhealthy: {http_failures: %g, tcp_failures: %g, timeouts: %g, http_statuses: [500, 502, 503, 504]}\n      active: # brings it back: without a probe an unhealthy target stays out\n        http_path: /healthz # the callee's own\n        healthy: {interval: 5, successes: 2}\n        unhealthy: {interval: 0}\n", row, row, row)
		}
	}
	return nil
}

// kongRoutes writes the routes that lead to a service, without which it is not
// reached: one for each HTTP operation, else its host name.
func kongRoutes(b *strings.Builder, name string, answers []Answer) {
	b.WriteString("    routes:\n")
	named := map[string]bool{}
	for i := range answers {
		method, path, ok := route(answers[i].To)
		op := label(name + "-" + answers[i].To.Member())
		if !ok || host(answers[i].To) != name || named[op] {
			continue
		}
		named[op] = true
		fmt.Fprintf(b, "      - {name: %s, methods: [%s], paths: [%q], strip_path: false}\n", op, method, "~"+pathRegexp(path)+"$")
	}
	if len(named) == 0 {
		fmt.Fprintf(b, "      - {name: %s, hosts: [%q], strip_path: false}\n", label(name), name)
	}
}
