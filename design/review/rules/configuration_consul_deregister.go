package rules

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/consul"
)

var consulDeregister = review.Rule{
	ID:    "configuration/consul-deregister",
	Title: "A service is to be taken out sooner than Consul does",
	Why:   "A shorter time counts as one minute, and what takes services out runs every 30 s: callers that rely on the time that stands there meet dead instances for up to a minute and a half. Only passing instances should be asked for anyway.",
	Bad:   "deregister_critical_service_after = \"10s\"",
	Good:  "deregister_critical_service_after = \"1m\", and callers that ask for passing instances only",
	Since: "0.1", Severity: review.Low, Confidence: .95,
	Source:  "Consul documentation, Health checks: deregister_critical_service_after (minimum one minute; the reaper runs every 30 seconds)",
	Silent:  "hashicorp/learn-consul-vms@56f547c service-mesh/, d7561985/consul-demos@f93c6b4",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, d := range discover.Of[*consul.Config](c.Documents) {
			judge := func(of []arch.Ref, name string, x consul.Check) {
				if x.Deregister == nil || *x.Deregister <= 0 || *x.Deregister >= consul.MinDeregister {
					return
				}
				f := review.Finding{Of: of, Evidence: []review.Evidence{{Source: d.At(arch.Config, consul.Place(x.Node, x.Way, "deregister_critical_service_after")...), Note: "counts as " + consul.MinDeregister.String()}}}
				f.Title = fmt.Sprintf("%s is to be taken out after %v, Consul waits %v at least", name, *x.Deregister, round(consul.MinDeregister.Truncate(time.Second)))
				f.Fix = "Write 1m or more, and let callers ask for passing instances only."
				r.Find(f, d.Name, name)
			}
			for _, s := range d.V.Services {
				for _, x := range s.Checks {
					judge(consulRef(c, s.Name), s.Name, x)
				}
			}
			for _, x := range d.V.Checks {
				judge(consulRef(c, x.Service), x.Service, x)
			}
		}
	},
}

// consulRef is the element of a service that Consul knows.
func consulRef(c *review.Case, name string) []arch.Ref {
	if ref, ok := serviceNamed(c, name); ok {
		return []arch.Ref{ref}
	}
	return []arch.Ref{}
}
