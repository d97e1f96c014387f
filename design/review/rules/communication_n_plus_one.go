package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var nPlusOne = review.Rule{
	ID:    "communication/n-plus-one",
	Cure:  "advise queries",
	Title: "One request makes the same call again and again",
	Why:   "A call for each item of a list costs a network round trip an item: the latency grows with the data, and the callee sees many times the traffic of its caller.",
	Bad:   "for _, item := range cart { price := pricing.Get(item.ID) }",
	Good:  "prices := pricing.GetMany(ids(cart))",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:   []review.Need{review.Traces},
	Params:  []review.Param{{Name: "calls", Default: "5", About: "calls to one target in one run of an operation, on average, from which it counts"}},
	Source:  "M. Fowler, Patterns of Enterprise Application Architecture (ripple loading); C. Smith and L. Williams, Software Performance Antipatterns (Empty Semi Trucks)",
	Silent:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces",
	Untried: "no public trace with repeated calls was at hand for the firing side",
	Check: func(c *review.Case, r *review.Reporter) {
		limit := r.Number("calls")
		for _, e := range c.System.Edges() {
			mean, ok := e.Call.PerCall.Mean()
			if !ok || mean < limit || e.Call.To.Parent() == e.From.Parent() {
				continue
			}
			f := review.Finding{Of: []arch.Ref{e.From, e.Call.To}, Evidence: []review.Evidence{c.At("seen in traces", e.At("per-call"), e.At())}}
			f.Title = fmt.Sprintf("%s calls %s %.0f times a request", e.From.Short(), e.Call.To.Short(), mean)
			if worst := e.Call.PerCall.Max; worst > mean {
				f.Detail = fmt.Sprintf("Up to %.0f times in one request.", worst)
			}
			if p50, ok := e.Call.Latency.Time(.5); ok {
				f.Detail += fmt.Sprintf(" At %s a call, %s of each request go by waiting if the calls are made one after the other.", round(p50), round(p50*timeFactor(mean)))
			}
			f.Fix = "Ask for all items in one call (a batch operation), join the data where it is read, or keep a copy of it."
			r.Find(f)
		}
	},
}
