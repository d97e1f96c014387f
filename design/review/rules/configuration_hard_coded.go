package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/review"
)

var hardCoded = review.Rule{
	ID:    "configuration/hard-coded-endpoint",
	Cure:  "advise discovery",
	Title: "The address of another system is written into the code",
	Why:   "It cannot differ by environment: a test calls the real one, and moving it takes a release of everybody who calls it.",
	Bad:   `http.Get("http://payment.prod.internal:8080/charges")`,
	Good:  `http.Get(os.Getenv("PAYMENT_URL") + "/charges")`,
	Since: "0.1", Severity: review.Medium, Confidence: .85,
	Needs:  []review.Need{review.Code},
	Source: "The Twelve-Factor App, III. Config; D. Taibi and V. Lenarduzzi, On the Definition of Microservice Bad Smells (hard-coded endpoints)",
	Fires:  "benbjohnson/wtf@05bc90c http/dial.go:409",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 src/ (Go; addresses come from the environment)",
	Check: func(c *review.Case, r *review.Reporter) {
		if c.Code == nil {
			return
		}
		by := map[string][]code.Client{}
		var order []string
		for _, x := range c.Code.Clients {
			if x.Fixed && remote(x) { // the names of topics and tables belong to the code
				key := string(serviceOf(c, x.Method))
				if by[key] == nil {
					order = append(order, key)
				}
				by[key] = append(by[key], x)
			}
		}
		for _, key := range order {
			xs := by[key]
			f := review.Finding{}
			var targets []string
			for _, x := range xs {
				f.Evidence = append(f.Evidence, place(x.Pos, called(x.Method)+": "+x.Target))
				if !slices.Contains(targets, x.Target) {
					targets = append(targets, x.Target)
				}
			}
			slices.Sort(targets)
			f.Title = fmt.Sprintf("The address %s is written into the code of %s", targets[0], called(xs[0].Method))
			if n := len(targets); n > 1 {
				who := serviceOf(c, xs[0].Method).Short()
				if who == "" {
					who = "the code"
				}
				f.Title = fmt.Sprintf("%d addresses are written into the code of %s, such as %s", n, who, targets[0])
			}
			f.Of = append(f.Of, serviceOf(c, xs[0].Method))
			if !slices.ContainsFunc(targets, func(t string) bool { return !inside(c, t) }) { // a name that each environment resolves by itself: only its port and its rename hurt
				f.Severity = review.Low
			}
			f.Fix = "Read it from the configuration of the environment, with no default that leads to a real system."
			r.Find(f)
		}
	},
}

// inside: the address is the name of a service of this system.
func inside(c *review.Case, target string) bool {
	if _, rest, ok := strings.Cut(target, "://"); ok {
		target = rest
	}
	host, _, _ := strings.Cut(target, "/")
	host, _, _ = strings.Cut(host, ":")
	_, ok := serviceNamed(c, host)
	return ok
}
