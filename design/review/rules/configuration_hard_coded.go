package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/review"
)

var hardCoded = review.Rule{
	ID:    "configuration/hard-coded-endpoint",
	Title: "The address of another system is written into the code",
	Why:   "It cannot differ by environment: a test calls the real one, and moving it takes a release of everybody who calls it.",
	Bad:   `http.Get("http://payment.prod.internal:8080/charges")`,
	Good:  `http.Get(os.Getenv("PAYMENT_URL") + "/charges")`,
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Needs:   []review.Need{review.Code},
	Source:  "The Twelve-Factor App, III. Config; D. Taibi and V. Lenarduzzi, On the Definition of Microservice Bad Smells (hard-coded endpoints)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 src/ (Go; addresses come from the environment)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		if c.Code == nil {
			return
		}
		by := map[string][]code.Client{}
		var order []string
		for _, x := range c.Code.Clients {
			if x.Fixed && x.Kind != "topic" {
				key := string(serviceOf(c, x.Method)) + " " + x.Target
				if by[key] == nil {
					order = append(order, key)
				}
				by[key] = append(by[key], x)
			}
		}
		for _, key := range order {
			xs := by[key]
			f := review.Finding{Title: fmt.Sprintf("The address %s is written into the code of %s", xs[0].Target, called(xs[0].Method))}
			for _, x := range xs {
				f.Evidence = append(f.Evidence, place(x.Pos, x.Verb))
			}
			f.Of = append(f.Of, serviceOf(c, xs[0].Method))
			f.Fix = "Read it from the configuration of the environment, with no default that leads to a real system."
			r.Find(f, xs[0].Target)
		}
	},
}
