package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var mixedPropagation = review.Rule{
	ID:    "observability/mixed-propagation",
	Title: "Services hand traces on in languages that they don't share",
	Why:   "Where the callee does not read the header that the caller writes, the trace ends, and a new one begins that nobody can tie to the request.",
	Bad:   "frontend: OTEL_PROPAGATORS=b3, order: OTEL_PROPAGATORS=tracecontext",
	Good:  "OTEL_PROPAGATORS=tracecontext,baggage everywhere; both formats while you move",
	Since: "0.1", Severity: review.Medium, Confidence: .95,
	Needs:   []review.Need{review.Manifests},
	Source:  "OpenTelemetry specification, Environment Variables (OTEL_PROPAGATORS); W3C Trace Context",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		type speaker struct {
			formats []string
			ev      review.Evidence
		}
		by := map[arch.Ref]speaker{}
		for _, w := range workloads(c) {
			if v, ev, ok := w.variable("OTEL_PROPAGATORS"); ok && w.ref != "" {
				by[w.ref] = speaker{propagators(v), ev}
			}
		}
		done := map[[2]arch.Ref]bool{}
		for _, e := range c.System.Edges() {
			from, to := e.From.Parent(), e.Call.To.Parent()
			a, ok1 := by[from]
			b, ok2 := by[to]
			if !ok1 || !ok2 || from == to || done[[2]arch.Ref{from, to}] || slices.ContainsFunc(a.formats, func(f string) bool { return slices.Contains(b.formats, f) }) {
				continue
			}
			done[[2]arch.Ref{from, to}] = true
			f := review.Finding{Of: []arch.Ref{from, to}, Evidence: []review.Evidence{a.ev, b.ev, c.At("the call", e.At("to"), e.At())}}
			f.Title = fmt.Sprintf("traces end between %s (%s) and %s (%s)", from.Short(), strings.Join(a.formats, ", "), to.Short(), strings.Join(b.formats, ", "))
			f.Fix = "Set OTEL_PROPAGATORS=tracecontext,baggage on both."
			r.Find(f)
		}
	},
}

// propagators lists the trace formats of a setting; baggage carries no trace.
func propagators(v string) []string {
	var out []string
	for p := range strings.SplitSeq(v, ",") {
		if p = strings.TrimSpace(p); p != "" && p != "baggage" {
			out = append(out, p)
		}
	}
	return out
}
