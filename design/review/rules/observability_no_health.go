package rules

import (
	"fmt"
	slash "path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var noHealth = review.Rule{
	ID:    "observability/no-health",
	Title: "A service that cannot say whether it is well",
	Why:   "Balancers, probes and people can only see whether its port is open: an instance without its database, or with all its threads stuck, goes on getting its share of the traffic.",
	Bad:   "a server with /orders and nothing else",
	Good:  "/livez (the process answers) and /readyz (it can serve now: database, pool, warm-up)",
	Since: "0.1", Severity: review.Low, Confidence: .7,
	Needs:  []review.Need{review.Code},
	Source: "C. Richardson, Microservices Patterns, ch. 11 (health check API); Kubernetes documentation, Liveness, Readiness and Startup Probes; gRPC health checking protocol",
	Fires:  "koushikkothagal/spring-boot-microservices-workshop@8b01c6d",
	Silent: "stefanprodan/podinfo@eec06d1",
	Check: func(c *review.Case, r *review.Reporter) {
		well, read := map[arch.Ref]bool{}, map[arch.Ref]bool{}
		home := homes(c)
		var above []string // folders whose builds count for what lies below
		for _, d := range discover.Of[*marks.File](c.Documents) {
			of := home(d.V.Path)
			read[of] = true
			for _, m := range d.V.Marks {
				if m.Kind == marks.Health {
					well[of] = true
					if d.V.Build {
						above = append(above, d.V.Dir)
					}
				}
			}
		}
		var ill []arch.Ref
		f := review.Finding{}
		for _, of := range apps(c) {
			if well[of] || !served(c, of) || probed(c, of) {
				continue
			}
			mods := modulesOf(c, of)
			if len(mods) == 0 || !read[of] {
				r.NotJudged("its code was not read", of)
				continue
			}
			inherited := false
			for _, m := range mods {
				for _, dir := range above {
					inherited = inherited || dir == "." || strings.HasPrefix(slash.Clean(m.Dir)+"/", dir+"/")
				}
			}
			if inherited {
				continue
			}
			ill = append(ill, of)
			f.Evidence = append(f.Evidence, c.At("serves requests, and nothing that asks how it is", arch.Fact{Of: of}))
		}
		if len(ill) == 0 {
			return
		}
		f.Of = ill
		f.Title = list(ill, 3) + " cannot say whether it is well: no endpoint for it"
		if len(ill) > 1 {
			f.Title = fmt.Sprintf("%d services cannot say whether they are well: %s", len(ill), list(ill, 3))
		}
		f.Fix = "Answer two questions on paths of their own: does the process run, and can it serve now; let probes and balancers ask them."
		f.Key = "all"
		r.Find(f)
	},
}

var healthy = regexp.MustCompile(`(?i)health|/(live|ready|ping|status|up)(z|ness)?\b|livez|readyz`)

// served reports whether readers of code saw the service take requests, none of
// which asks for its health.
func served(c *review.Case, of arch.Ref) bool {
	n := 0
	for name, op := range c.System.Services[of.Name()].Operations {
		if healthy.MatchString(op.Trigger) || healthy.MatchString(name) {
			return false
		}
		if src := c.System.Ledger.Where(arch.Fact{Of: arch.NewRef(arch.KindOp, of.Name(), name)}); src.Origin == arch.Code && op.Trigger != "" && !strings.HasPrefix(op.Trigger, "topic ") && !strings.HasPrefix(op.Trigger, "every ") {
			n++
		}
	}
	return n > 0
}

// probed: whoever runs it asks it by a request, so there is something to ask.
func probed(c *review.Case, of arch.Ref) bool {
	for _, d := range c.System.Deployments {
		if d.Of != of {
			continue
		}
		for _, p := range d.Probes {
			if p != "" && !strings.HasPrefix(p, "tcp") {
				return true
			}
		}
	}
	return false
}
