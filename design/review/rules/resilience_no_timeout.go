package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noTimeout = review.Rule{
	ID:    "resilience/no-timeout",
	Title: "Nobody limits how long a call may take",
	Why:   "A callee that hangs holds the caller's thread or connection until it gives up by itself; soon the caller hangs too, and whoever waits for it.",
	Bad:   "http: [{route: [{destination: {host: order}}]}]   # Istio sets no route timeout by default",
	Good:  "http: [{timeout: 2s, route: [{destination: {host: order}}]}]",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source: "Istio documentation, HTTPRoute.timeout (disabled by default); M. Nygard, Release It!, 2nd ed., ch. 5",
	Advice: "resilience",
	Fires:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/trainticket-gateway.yaml",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (not judged: the clients' code was not read)",
	Check: func(c *review.Case, r *review.Reporter) {
		calls(c, r)
		routes(c, r)
	},
}

// calls judges a call only where the code that makes it was read, or every layer
// that was read says "none" by name: the client may limit it where we did not look.
func calls(c *review.Case, r *review.Reporter) {
	bare := map[arch.Ref][]arch.Edge{} // by the service that waits
	for _, e := range c.System.Edges() {
		from := e.From.Parent()
		if e.Call.Async.Or(false) || from == e.Call.To.Parent() || c.System.Services[from.Name()].Role == arch.RoleLoadgen {
			continue
		}
		eff := e.Call.Effective(c.Environment)
		if eff.Timeout.Known && eff.Timeout.V > 0 {
			continue
		}
		if !written(c, e) {
			r.NotJudged("the code that makes the call was not read", from)
			continue
		}
		if !witnessed(c, e, arch.Hand) && !witnessed(c, e, arch.Code) { // a setting names the callee, and its client has limits of its own: Eureka's, nginx's; that the mesh sets none does not lift them
			r.NotJudged("the call is known from settings only, and what its client waits by itself is not", from)
			continue
		}
		if !witnessed(c, e, arch.Hand) && !eff.Timeout.Known && !inherits(e.Call) {
			r.NotJudged("its code was read, but not how long the client waits: that is set elsewhere, or by a driver", from)
			continue
		}
		bare[from] = append(bare[from], e)
	}
	for _, from := range arch.Sorted(bare) {
		r.Find(waits(c, r, from, bare[from]))
	}
}

// waits is the finding about one service: it is cured in one place, the client
// that all its calls go through.
func waits(c *review.Case, r *review.Reporter, from arch.Ref, edges []arch.Edge) review.Finding {
	f := review.Finding{Key: string(from), Fix: "Give the call a timeout below its caller's own."}
	callees := map[arch.Ref]bool{}
	own := false // somebody of the domain waits to be answered
	for _, e := range edges {
		callees[e.Call.To.Parent()] = true
		own = own || !arch.Infrastructure(c.System.Services[e.Call.To.Name()].Role)
		note := "the call"
		if len(edges) > 1 {
			note = e.From.Short() + " -> " + e.Call.To.Short()
		}
		f.Evidence = append(f.Evidence, review.Evidence{Source: codeOf(c, e), Note: note})
		if p99, ok := e.Call.Latency.Time(.99); ok && f.Detail == "" {
			f.Detail = fmt.Sprintf("The p99 of %s is %s: a limit well above that costs nobody anything.", e.Call.To.Short(), round(p99))
		}
	}
	if !own {
		f.Severity = review.Medium
	}
	first := edges[0]
	f.Advice = r.Advice(first.From, first.Call.To)
	if len(edges) == 1 {
		f.Of = []arch.Ref{first.From, first.Call.To}
		f.Title = fmt.Sprintf("%s waits for %s without a limit", first.From.Short(), first.Call.To.Short())
		return f
	}
	f.Of = append([]arch.Ref{from}, refs(callees)...)
	f.Title = fmt.Sprintf("%s waits for %s without a limit, at %d places", from.Short(), list(refs(callees), 2), len(edges))
	f.Fix = "Give each call a timeout below its caller's own, best in the one client that they share."
	return f
}

// codeOf is where the code makes the call, or else where the call is known from.
func codeOf(c *review.Case, e arch.Edge) arch.Source {
	for _, x := range c.System.Ledger[e.At()] {
		if x.Origin() == arch.Code && len(x.From) > 0 {
			return x.From[0]
		}
	}
	return c.System.Ledger.Where(e.At(), e.At("to"))
}

// witnessed: a witness of that kind saw this very call.
func witnessed(c *review.Case, e arch.Edge, o arch.Origin) bool {
	return slices.ContainsFunc(c.System.Ledger[e.At()], func(x arch.Claim) bool { return x.Origin() == o })
}

// inherits: a call by gRPC has the deadline of its context or none, and readers of
// code see who sets one; other clients may be given theirs where no reader looks.
func inherits(c arch.Call) bool { return c.Protocol == "grpc" }

// routes judges the routes of gateways: what enters from outside meets no limit
// but theirs. All routes of a gateway without one are one finding.
func routes(c *review.Case, r *review.Reporter) {
	for _, name := range arch.Sorted(c.System.Gateways) {
		gw, ref := c.System.Gateways[name], arch.NewRef(arch.KindGateway, name)
		var bare []arch.Ref
		var ev []review.Evidence
		seen := map[arch.Ref]bool{}
		for _, rt := range gw.Routes {
			eff := arch.Call{Layers: rt.Layers}.Effective(c.Environment)
			if !eff.Timeout.Known { // this kind of gateway says nothing; its default is not known
				r.NotJudged("the gateway's own default timeout is not known", ref)
				continue
			}
			if eff.Timeout == arch.Some(time.Duration(0)) && !seen[rt.To] {
				seen[rt.To] = true
				bare = append(bare, rt.To)
				at := arch.Field("").Join("routes", rt.ID)
				ev = append(ev, c.At("route "+rt.Path+" to "+rt.To.Short(), arch.Fact{Of: ref, At: at + "/layers/gateway/timeout"}, arch.Fact{Of: ref, At: at}))
			}
		}
		if len(bare) == 0 {
			continue
		}
		f := review.Finding{Of: append([]arch.Ref{ref}, bare...), Evidence: ev, Severity: review.Medium}
		f.Title = fmt.Sprintf("gateway %s lets requests to %s wait for ever", name, list(bare, 2))
		if len(bare) > 2 {
			f.Title = fmt.Sprintf("gateway %s lets requests to %d services wait for ever: none of their routes has a timeout", name, len(bare))
		}
		f.Fix = "Set `timeout` on each HTTP route, above the objective of what it leads to and below the users' patience."
		r.Find(f)
	}
}
