package decisions

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var deployment = decide.Decision{
	ID:       "deployment",
	Question: "How does a new version take over: stop and start, rolling, blue-green, canary?",
	Source:   "J. Humble, D. Farley, Continuous Delivery (2010), ch. 10; Beyer et al., The Site Reliability Workbook (2018), ch. 16",
	Cures:    []string{"delivery/recreate"},
	Options: []decide.Option{
		{ID: "recreate", What: "stop the old, start the new", Names: []string{"big-bang"},
			Test: "the time in between, measured", Observe: "seconds without an answer, by release", Maintain: "each service's owner"},
		{ID: "rolling", What: "rolling updates", Names: []string{"rolling-update"},
			Test: "a release under load without a failed request; old and new side by side", Observe: "errors and latency by version, for an hour after", Maintain: "each service's owner"},
		{ID: "blue-green", What: "blue-green", Names: []string{},
			Test: "the switch, and the switch back, under load", Observe: "errors and latency before and after the switch", Maintain: "the platform's owner with each service's"},
		{ID: "canary", What: "canaries", Names: []string{"progressive-delivery", "argo-rollouts", "flagger"},
			Test: "a release that fails on purpose is taken back by itself", Observe: "the canary's errors and latency against the old version's", Maintain: "the platform's owner; thresholds belong to the services' owners"},
	},
	Local: []decide.Measure{
		{Key: "availability", Factor: decide.Latency, About: "highest availability that was promised", Unit: "% promised", From: 99, To: 99.99},
		{Key: "stopping", Factor: decide.Operations, About: "services that are stopped before the new version starts", Unit: "services stopped first", Whole: true, From: 0, To: 10},
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		stop, roll := 0, 0
		for _, d := range c.System.Deployments {
			if _, ok := c.System.Services[d.Of.Name()]; !ok {
				continue
			}
			switch s := strings.ToLower(d.Strategy); {
			case s == "recreate":
				stop++
			case d.Kind != "":
				roll++
			}
		}
		current := ""
		switch {
		case stop > roll:
			current = "recreate"
		case roll > 0 && onCluster(c):
			current = "rolling"
		}
		return local(c, current, map[string]decide.Fact{"availability": promised(c), "stopping": decide.Known(float64(stop), "manifests")})
	},
	Judge: func(s *decide.Sheet, option string) {
		n := s.M("services")
		changes := n.Times(s.P("releases"))
		bad := changes.Times(s.P("bad-release")).Times(s.P("incident"))
		switch option {
		case "recreate":
			s.Days(decide.Scale, "bad releases that reach everybody", bad)
			down := s.P("releases").V * s.P("downtime").V
			if a := s.M("availability"); down > (1-a.V/100)*31557600*.25 {
				s.Veto("%.0f s a year without an answer are more than a quarter of the %.0f s that %.6g %% allow", down, (1-a.V/100)*31557600, a.V)
			}
			s.Days(decide.Latency, "releases outside working hours", changes.Times(decide.N(.1, "days")))
		case "rolling":
			s.Days(decide.Scale, "bad releases that reach everybody", bad)
		case "blue-green":
			s.Days(decide.Scale, "bad releases until the switch back", bad.Times(decide.N(.6, "of it")))
			s.Days(decide.Operations, "two of everything", n.Times(s.P("blue-green")))
			cores(s, "two of everything", s.M("pods").Times(s.P("copy-cores")))
		case "canary":
			s.Days(decide.Scale, "bad releases that reach a part", bad.Times(decide.N(.3, "of it")))
			s.Days(decide.Operations, "controller and analysis", s.P("canary").Plus(n.Times(s.P("canary-keep"))))
			learned(s, "it", "canary", "argo-rollouts", "flagger")
			got := s.M("peak").V * s.P("canary-share").V * s.P("canary-time").V
			if got < s.P("canary-calls").V {
				s.Veto("a canary gets %.0f requests in %.0f minutes at the peak, and it takes %.0f to see that 1 %% fail", got, s.P("canary-time").V/60, s.P("canary-calls").V)
			}
		}
		s.Change(decide.Operations, "another strategy", n.Times(s.P("strategy-move")))
	},
}

func onCluster(c *decide.Case) bool {
	for _, p := range []string{"kubernetes", "openshift", "helm", "kustomize", "knative"} {
		if _, ok := c.System.Coverage[p]; ok {
			return true
		}
	}
	return false
}

func promised(c *decide.Case) decide.Fact {
	best, of := 0., ""
	look := func(name string, os []arch.Objective) {
		for _, o := range os {
			if v, ok := o.Availability.Get(); ok && 100*v > best {
				best, of = 100*v, name
			}
		}
	}
	for _, n := range arch.Sorted(c.System.Journeys) {
		look("journey "+n, c.System.Journeys[n].Objectives)
	}
	for _, n := range arch.Sorted(c.System.Services) {
		look(n, c.System.Services[n].Objectives)
	}
	if best == 0 {
		return decide.Fact{Where: "nothing was promised", Questions: []advise.Question{{Key: "journeys", Example: "{buy: {entry: order.Place, objectives: [availability: 99.9%]}}", Text: "which availability was promised, of what?"}}}
	}
	return decide.Known(best, of)
}
