package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/review"
)

var callInLoop = review.Rule{
	ID:    "communication/call-in-loop",
	Cure:  "advise queries",
	Title: "A loop over data makes a remote call for each item",
	Why:   "Each item costs a network round trip, one after the other: what takes no time with three items of a test takes seconds with three hundred, and the callee sees the traffic multiplied.",
	Bad:   "for _, item := range cart { price := pricing.Get(item.SKU) }",
	Good:  "prices := pricing.GetMany(skus(cart))",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Needs:  []review.Need{review.Code},
	Source: "M. Fowler, Patterns of Enterprise Application Architecture (ripple loading, remote facade); C. Smith and L. Williams, Software Performance Antipatterns (Empty Semi Trucks)",
	Fires:  "GoogleCloudPlatform/microservices-demo@34ffea9 src/checkoutservice/main.go (prepOrderItems)",
	Silent: "benbjohnson/wtf@05bc90c",
	Check: func(c *review.Case, r *review.Reporter) {
		if c.Code == nil {
			return
		}
		clients, calls := map[code.MethodID][]code.Client{}, map[code.MethodID][]code.Call{}
		for _, x := range c.Code.Clients {
			if remote(x) && aimed(x) {
				clients[x.Method] = append(clients[x.Method], x)
			}
		}
		for _, x := range c.Code.Calls {
			if !x.Async {
				calls[x.From] = append(calls[x.From], x)
			}
		}
		seen := map[string]bool{}
		what, by, order := map[code.MethodID][]string{}, map[code.MethodID]*review.Finding{}, []code.MethodID{}
		find := func(at code.Pos, m code.MethodID, x code.Client) {
			key := fmt.Sprint(m, x.Verb, x.Target)
			if seen[key] {
				return
			}
			seen[key] = true
			f := by[m]
			if f == nil {
				f = &review.Finding{Of: []arch.Ref{serviceOf(c, m)}}
				by[m], order = f, append(order, m)
			}
			what[m] = append(what[m], asks(x))
			f.Evidence = append(f.Evidence, place(at, "in the loop"))
			if x.Pos != at {
				f.Evidence = append(f.Evidence, place(x.Pos, "the remote call"))
			}
		}
		for _, x := range c.Code.Clients {
			if remote(x) && aimed(x) && x.InLoop {
				find(x.Pos, x.Method, x)
			}
		}
		for _, l := range c.Code.Calls {
			if l.InLoop && !l.Async {
				for _, x := range within(l.To, calls, clients) {
					find(l.Pos, l.From, x)
				}
			}
		}
		for _, m := range order { // one loop is one decision, whatever it calls
			f := *by[m]
			f.Title = fmt.Sprintf("%s asks for %s once for each item of a loop", called(m), what[m][0])
			if n := len(what[m]) - 1; n > 0 {
				f.Title = fmt.Sprintf("%s asks for %s and %d more once for each item of a loop", called(m), what[m][0], n)
			}
			f.Fix = "Ask for all items in one call, ask for several at the same time with a bound, or keep a copy of the data."
			r.Find(f, string(m))
		}
	},
}

// aimed: it is known what is asked of whom. A loop over addresses asks each of
// them once.
func aimed(x code.Client) bool { return x.Verb != "" && strings.Trim(x.Target, "{}") != "" }

// loopDepth: how many functions a loop and its remote call may lie apart. Deeper
// ones are seldom what the loop is about.
const loopDepth = 3

// within lists the remote calls that a method makes, itself or through others.
func within(m code.MethodID, calls map[code.MethodID][]code.Call, clients map[code.MethodID][]code.Client) []code.Client {
	var out []code.Client
	seen := map[code.MethodID]bool{}
	todo := []code.MethodID{m}
	for range loopDepth {
		var next []code.MethodID
		for _, m := range todo {
			if seen[m] {
				continue
			}
			seen[m] = true
			for _, x := range clients[m] {
				if !x.InLoop { // that loop has its own finding
					out = append(out, x)
				}
			}
			for _, x := range calls[m] {
				if !x.InLoop {
					next = append(next, x.To)
				}
			}
		}
		todo = next
	}
	return out
}
