package advise

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// kongConfig writes a declarative configuration with a service and an upstream
// for each callee. Kong's timeouts are between two reads or writes, not of the
// whole answer, so that of one try is taken; it knows hosts, not callers.
func kongConfig(b *strings.Builder, answers []Answer) error {
	byHost := map[string]*Answer{}
	var hosts []string
	for i := range answers {
		a := &answers[i]
		if k := a.To.Kind(); k != arch.KindOp && k != arch.KindService {
			continue
		}
		h := a.To.Name()
		if old, ok := byHost[h]; ok {
			byHost[h] = widest(old, a)
			continue
		}
		byHost[h] = a
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 {
		return errors.New("kong: none of these calls goes to a service")
	}
	b.WriteString("# Kong's timeouts are between two reads or writes; it has no bulkhead, no hedge and no retry budget. Its\n# retries leave out requests that were sent and are not idempotent.\n_format_version: \"3.0\"\nservices:\n")
	ms := func(v float64) string { return fmt.Sprintf("%.0f", math.Max(1, math.Ceil(v*1e3))) }
	for _, h := range hosts {
		a := byHost[h]
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
	}
	b.WriteString("upstreams:\n")
	for _, h := range hosts {
		a := byHost[h]
		fmt.Fprintf(b, "  - name: %q\n    algorithm: latency\n    targets: [{target: %q}] # the callee's own place\n", h, h+":80")
		row, ok := a.value(InARow)
		if !ok {
			if calls, is := a.value(MinCalls); is {
				row, ok = min(calls, 5), true // a count, not a share: 5 is usual
			}
		}
		if ok {
			row = min(row, 255) // what Kong's counters hold
			fmt.Fprintf(b, "    healthchecks:\n      passive:\n        unhealthy: {http_failures: %g, tcp_failures: %g, timeouts: %g, http_statuses: [500, 502, 503, 504]}\n      active: # brings it back: without a probe an unhealthy target stays out\n        http_path: /healthz # the callee's own\n        healthy: {interval: 5, successes: 2}\n        unhealthy: {interval: 0}\n", row, row, row)
		}
	}
	return nil
}
