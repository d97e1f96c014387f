package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/design/split"
)

var decomposition = decide.Decision{
	ID:       "decomposition",
	Question: "One deployable, one with modules, a few services, or many?",
	Source:   "M. Fowler, MonolithFirst (2015); S. Newman, Monolith to Microservices (2019), ch. 1; M. Skelton, M. Pais, Team Topologies (2019)",
	Cures: []string{"boundaries/too-many-services", "boundaries/nano-service", "boundaries/mega-service", "boundaries/modular-monolith", "boundaries/teams-wait",
		"boundaries/changes-cross-teams", "boundaries/context-cut", "communication/distributed-monolith", "communication/cycle", "communication/chatty"},
	Options: []decide.Option{
		{ID: "monolith", What: "one deployable", Names: []string{"single-deployable"},
			Test: "its tests in one run", Observe: "lead time of a change, and changes that break what they did not mean to", Maintain: "everybody, by review"},
		{ID: "modular-monolith", What: "a modular monolith", Names: []string{"modulith"},
			Test: "a build rule for each border: a module imports the interfaces of others only", Observe: "imports against the rules (none), lead time by module", Maintain: "a team owns a module; borders change by review of both sides"},
		{ID: "few-services", What: "few services, one for each team", Names: []string{"macroservices"},
			Test: "contracts between the teams in both builds, journeys end to end", Observe: "objectives by journey, releases that had to be coordinated", Maintain: "a team owns what it deploys, at night too"},
		{ID: "services", What: "a service for each context", Names: []string{"microservices"},
			Test: "contracts of every call in both builds, faults injected into every call, journeys end to end", Observe: "traces over all services, objectives by journey, releases that had to be coordinated", Maintain: "each service has a team; no team has more than it can wake up for"},
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		n := len(c.Apps())
		sub := decide.Subject{}
		teams := c.Fact("teams").Value
		switch {
		case n == 1 && c.Split != nil && len(c.Code.Modules) > 2:
			sub.Current = "modular-monolith"
		case n <= 1:
			sub.Current = "monolith"
		case teams.Known && float64(n) <= max(2, 1.5*teams.V):
			sub.Current = "few-services"
		default:
			sub.Current = "services"
		}
		if c.Split != nil && n <= 1 {
			sub.Sure, sub.By = arch.Some(c.Split.Answer.Confidence), "as sure as `ashlar split` is"
		}
		if c.Split != nil && n > 1 {
			sub.Note = "of the code that was read, `ashlar split` says: " + c.Split.Answer.Sentence
		}
		return []decide.Subject{sub}
	},
	Judge: func(s *decide.Sheet, option string) {
		one := decide.N(1, "deployable")
		n := one
		now := s.M("services")
		teams, people, contexts := s.M("teams"), s.M("people"), s.M("contexts")
		pairs := teams.Times(teams.Less(decide.N(1, ""))).Over(decide.N(2, ""))
		switch option {
		case "monolith":
			s.Days(decide.Domain, "changes that touch what they should not", people.Times(s.P("tangle")).Times(s.M("complexity")).Over(decide.N(2, "medium complexity")))
			s.Days(decide.Teams, "teams that wait for one release", pairs.Times(s.P("release-wait")))
		case "modular-monolith":
			s.Days(decide.Domain, "keeping the borders of modules", contexts.Times(s.P("border-keep")))
			s.Days(decide.Teams, "teams that wait for one release", pairs.Times(s.P("release-wait")).Times(decide.N(.5, "with borders")))
			s.Change(decide.Domain, "drawing the borders", contexts.Times(s.P("module")))
		case "few-services":
			if teams.V < 2 && !extracts(s) {
				s.Veto("one team needs no network between its own parts")
			}
			n = teams
			if n.V < 2 {
				n = decide.N(2, "services")
			}
			apart(s, n, now)
		case "services":
			n = now
			if n.V < 2 {
				n = contexts
			}
			if n.V < 2 {
				n = decide.N(2, "services")
			}
			apart(s, n, now)
		}
		s.Days(decide.Operations, "deploying and watching", n.Times(s.P("deployable")))
		copies := n.Times(s.P("copies")).Times(s.P("copy-cores"))
		cores(s, "what must run at least", copies)
		if now.V > n.V {
			s.Change(decide.Operations, "putting services together", now.Less(n).Times(s.P("merge")))
		}
		bySplit(s, option)
	},
}

// apart enters what lies between n services.
func apart(s *decide.Sheet, n, now decide.Num) {
	calls := s.M("calls") // between the services that there are, as they become more or fewer
	if now.V > 1 {
		calls = calls.Times(n.Less(decide.N(1, ""))).Over(now.Less(decide.N(1, "")))
	} else {
		calls = decide.N(1.5, "calls a service").Times(n)
	}
	s.Days(decide.Teams, "contracts between services", calls.Times(s.P("contract")))
	s.Days(decide.Consistency, "sagas where one transaction was enough", s.M("crossing").Times(decide.N(3, "steps")).Times(s.P("saga-step")))
	if now.V < n.V {
		s.Change(decide.Operations, "taking services out", n.Less(decide.N(1, "")).Times(s.P("extract")))
	}
	if hops, p := s.M("depth"), s.M("promise"); 1000*hops.V*s.P("hop").V > p.V {
		s.Veto("%.0f calls in a row take %.0f ms and %.0f ms were promised", hops.V, 1000*hops.V*s.P("hop").V, p.V)
	}
}

// bySplit lets the code speak where the whole is one deployable: what `ashlar
// split` measured is not weighed against estimates.
func bySplit(s *decide.Sheet, option string) {
	r := s.Case.Split
	if r == nil || len(s.Case.Apps()) > 1 || len(r.Candidates) == 0 {
		return
	}
	finer := option == "few-services" || option == "services"
	switch r.Answer.Verdict {
	case split.KeepWhole:
		if finer || option == "modular-monolith" {
			s.Veto("the code says: %s", r.Answer.Sentence)
		}
	case split.Modular:
		if option != "modular-monolith" {
			s.Veto("the code says: %s", r.Answer.Sentence)
		}
	case split.ExtractFew:
		if option != "few-services" {
			s.Veto("the code says: %s", r.Answer.Sentence)
		}
	}
}

// extracts reports whether the code itself says that parts of it are worth a
// service.
func extracts(s *decide.Sheet) bool {
	r := s.Case.Split
	return r != nil && len(s.Case.Apps()) <= 1 && r.Answer.Verdict == split.ExtractFew
}
