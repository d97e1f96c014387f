package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var syncChain = review.Rule{
	ID:    "communication/sync-chain",
	Cure:  "advise communication",
	Title: "A request waits for a long chain of services",
	Why:   "Each service in the chain must be up and fast for the first one to answer: availabilities multiply, latencies add up, and one slow link holds the threads of all above it.",
	Bad:   "frontend -> order -> pricing -> tax -> ledger, each waiting for the next",
	Good:  "order keeps a copy of the tax table that events refresh, and writes to the ledger by an event",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:  []review.Need{review.Calls},
	Params: []review.Param{{Name: "services", Default: "4", About: "services in a row, the first included, from which the chain counts"}, {Name: "availability", Default: "0.999", About: "assumed for a service that has no objective, for the product"}},
	Source: "M. Nygard, Release It!, 2nd ed., ch. 4 (cascading failures); the product is that of independent components in series",
	Fires:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces: nginx-web-server -> compose-post -> text -> url-shorten",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Check: func(c *review.Case, r *review.Reporter) {
		g := c.Graph()
		w := newWalk(c, g)
		limit := int(r.Number("services"))
		reported := map[string]bool{}
		for _, name := range arch.Sorted(c.System.Services) {
			start := arch.NewRef(arch.KindService, name)
			if waited(c, g, start) { // somebody waits for it: the chain starts further up
				continue
			}
			links := w.longest(start)
			if len(links)+1 < limit {
				continue
			}
			chain, certain := services(start, links)
			if key := shortChain(chain); reported[key] {
				continue
			} else {
				reported[key] = true
			}
			f := review.Finding{Of: []arch.Ref{chain[0], chain[len(chain)-1]}, Path: chain}
			for _, e := range links {
				f.Evidence = append(f.Evidence, c.At(e.From.Parent().Short()+" calls "+e.Call.To.Parent().Short(), e.At(), e.At("to")))
			}
			must := "%d services in a row must answer: %s"
			f.Severity = review.Medium
			if !certain && slices.ContainsFunc(f.Evidence, func(e review.Evidence) bool { return e.Origin != arch.Trace }) {
				f.Confidence = .4 // the calls exist; that one request makes them all is not known
				must = "up to " + must
			} else if len(chain) >= limit+2 {
				f.Severity = review.High
			}
			a := math.Pow(r.Number("availability"), float64(len(chain)))
			f.Title = fmt.Sprintf(must, len(chain), shortChain(chain))
			f.Detail = fmt.Sprintf("At %s each, the first is up %s of the time: %s a month are lost to the chain alone.%s", percent(r.Number("availability")), percent(a), minutes((1-a)*30*24*60), latencySum(c, chain))
			f.Fix = "Let the end of the chain publish what changes and keep a copy where it is needed, or answer first and finish by an event; `ashlar advise` weighs both."
			r.Find(f)
		}
	},
}

// waited reports whether another service of the domain waits for it.
func waited(c *review.Case, g *review.Graph, ref arch.Ref) bool {
	return slices.ContainsFunc(g.In[ref], func(in arch.Ref) bool {
		return slices.Contains(g.Sync[in], ref) && inPath(c, in)
	})
}

// inPath: registries, brokers and the like are no links of a business chain.
func inPath(c *review.Case, ref arch.Ref) bool {
	svc, ok := c.System.Services[ref.Name()]
	if !ok || ref.Kind() != arch.KindService {
		return false
	}
	return !arch.Infrastructure(svc.Role) || svc.Role == arch.RoleGateway
}

func edgeEvidence(c *review.Case, chain []arch.Ref) []review.Evidence {
	var out []review.Evidence
	edges := c.System.Edges()
	for i := 0; i+1 < len(chain); i++ {
		for _, e := range edges {
			if e.From.Parent() == chain[i] && e.Call.To.Parent() == chain[i+1] {
				out = append(out, c.At(chain[i].Short()+" calls "+chain[i+1].Short(), e.At(), e.At("to")))
				break
			}
		}
	}
	return out
}

func latencySum(c *review.Case, chain []arch.Ref) string {
	var parts []string
	for _, ref := range chain {
		for _, op := range c.System.Services[ref.Name()].Operations {
			if p, ok := op.Latency.Time(.99); ok && op.Latency.N > 0 {
				parts = append(parts, fmt.Sprintf("%s p99 %s", ref.Short(), round(p)))
				break
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " Seen in traces: " + strings.Join(parts, ", ") + "."
}

func shortChain(chain []arch.Ref) string {
	var s []string
	for _, r := range chain {
		s = append(s, r.Short())
	}
	return strings.Join(s, " -> ")
}
