package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var discovery = decide.Decision{
	ID:       "discovery",
	Question: "How do services find each other: the platform's names, a registry, or a list?",
	Source:   "C. Richardson, Microservices Patterns (2018), ch. 3 (prefer the platform's discovery)",
	Cures:    []string{"configuration/hard-coded-endpoint", "communication/unknown-target"},
	Options: []decide.Option{
		{ID: "platform-names", What: "the platform's names", Names: []string{"dns", "kubernetes"},
			Test: "a copy goes away and comes back under load: no request to the dead one after a second", Observe: "failed look-ups, connections by copy", Maintain: "the platform's owner"},
		{ID: "registry", What: "a registry", Names: []string{"consul", "eureka", "zookeeper", "etcd"},
			Test: "the registry away for an hour: calls go on (patterns/registry)", Observe: "age of the list that is used, health checks that flap", Maintain: "the platform's owner; each service its registration"},
		{ID: "static", What: "addresses that people write", Names: []string{"hard-coded"},
			Test: "a start of every service in every environment", Observe: "refused connections", Maintain: "whoever moves a service"},
	},
	Moot: func(c *decide.Case) string {
		if len(c.Apps()) <= 1 {
			return "there is one service: nobody to find"
		}
		return ""
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		sub := decide.Subject{}
		for _, n := range arch.Sorted(c.System.Services) {
			if c.System.Services[n].Role == arch.RoleRegistry {
				sub.Current, sub.Note = "registry", n+" is there"
			}
		}
		for _, platform := range []string{"kubernetes", "compose", "openshift", "helm", "kustomize", "knative"} {
			if _, ok := c.System.Coverage[platform]; ok && sub.Current == "" {
				sub.Current, sub.Note = "platform-names", platform+" gives every service a name"
			}
		}
		return []decide.Subject{sub}
	},
	Judge: func(s *decide.Sheet, option string) {
		n := s.M("services")
		switch option {
		case "platform-names":
			s.Days(decide.Operations, "keeping names right", s.P("dns"))
		case "registry":
			s.Days(decide.Operations, "running it", s.P("registry"))
			s.Days(decide.Operations, "clients", s.M("languages").Times(s.P("registry-client")))
			learned(s, "it", "consul", "eureka")
		case "static":
			s.Days(decide.Operations, "addresses by hand", n.Times(s.P("static-list")))
		}
		s.Change(decide.Operations, "moving services", n.Times(s.P("discovery-move")))
	},
}
