package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var queries = decide.Decision{
	ID:       "queries",
	Question: "One model, read models of their own (CQRS), or event sourcing?",
	Source:   "M. Fowler, CQRS (2011): \"for most systems CQRS adds risky complexity\"; G. Young, CQRS Documents (2010)",
	Cures:    []string{"communication/missing-aggregate", "communication/n-plus-one", "communication/call-in-loop"},
	Options: []decide.Option{
		{ID: "one-model", What: "one model for reading and writing", Names: []string{"crud"},
			Test: "queries against their latency goal with a year's data", Observe: "the slowest queries", Maintain: "the data's owner"},
		{ID: "read-models", What: "read models where a query spans services (CQRS)", Names: []string{"cqrs"},
			Test: "rebuild each and compare with its sources (`ashlar readmodel reconcile`)", Observe: "lag, and rows that differ", Maintain: "the owner of the query"},
		{ID: "event-sourcing", What: "event sourcing", Names: []string{"event-sourced"},
			Test: "replay from the first event gives the same state; old versions of events are read", Observe: "length of streams, time to rebuild", Maintain: "a team that has done it before"},
	},
	Local: []decide.Measure{
		{Key: "spanning", Factor: decide.Latency, About: "queries that read from three or more services", Unit: "queries over services", Whole: true, From: 0, To: 5},
		{Key: "lateness", Factor: decide.Latency, About: "of these, those that take longer than was promised", Unit: "queries over their promise", Whole: true, From: 0, To: 5},
		{Key: "audits", Factor: decide.Consistency, About: "1: a constraint demands that history can be shown", Unit: "audit demanded", Whole: true, From: 0, To: 1},
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		n, first := spanning(c)
		f := decide.Known(float64(n), "none in the calls that were seen")
		if n > 0 {
			f.Where = "counted; the first is " + first.Short()
		} else if len(c.Waits()) == 0 && len(c.Apps()) > 1 {
			f = decide.Fact{Where: "no call between services was seen"}
		}
		audits := demanded(c, "must the history of changes be provable?", "audit")
		if has(c.Compliance(), "audit", "auditable", "history", "sox") {
			audits = decide.Known(1, "a compliance constraint")
		}
		return local(c, "one-model", map[string]decide.Fact{"spanning": f, "audits": audits, "lateness": lateness(c)})
	},
	Judge: func(s *decide.Sheet, option string) {
		n, audits := s.M("spanning"), s.M("audits")
		join := s.P("join-call")
		switch option {
		case "one-model":
			s.Days(decide.Latency, "queries put together from calls", n.Times(join))
			s.Days(decide.Consistency, "a provable history", audits.Times(s.P("audit")))
		case "read-models":
			s.Days(decide.Operations, "projections", n.Times(s.P("read-model")))
			s.Days(decide.Consistency, "a provable history", audits.Times(s.P("audit")))
			s.Change(decide.Operations, "projections", n.Times(s.P("read-model-build")))
			if n.V == 0 {
				s.Veto("no query spans three services: there is nothing to read it for")
			}
		case "event-sourcing":
			s.Days(decide.Operations, "versions of events for ever", s.P("event-sourced"))
			s.Days(decide.Operations, "projections", n.Times(s.P("read-model")))
			s.Change(decide.Operations, "turning tables into streams", s.P("event-source"))
		}
		if s.M("lateness").V > 0 && option == "one-model" { // a promise that fan-out breaks is worth a read model each
			s.Days(decide.Latency, "queries that break their promise", s.M("lateness").Times(s.P("sync-late").Plus(join)))
		}
	},
}

// reading are the services that an operation asks something of.
func reading(c *decide.Case, op arch.Ref) map[arch.Ref]bool {
	to := map[arch.Ref]bool{}
	for _, e := range c.Edges() {
		if e.From != op || e.Call.To.Parent() == op.Parent() || e.Call.To.Kind() != arch.KindOp {
			continue
		}
		if _, ok := advise.Reads(c.System, e); ok {
			to[e.Call.To.Parent()] = true
		}
	}
	return to
}

func spanning(c *decide.Case) (n int, first arch.Ref) {
	for _, op := range c.System.Refs(arch.KindOp) {
		if len(reading(c, op)) >= 3 {
			if n++; n == 1 {
				first = op
			}
		}
	}
	return n, first
}

// lateness counts the spanning queries of which a call breaks the promise.
func lateness(c *decide.Case) decide.Fact {
	late, judged := map[arch.Ref]bool{}, false
	for _, a := range c.Resilience {
		judged = judged || a.Verdict == advise.Settings || a.Verdict == advise.Infeasible
		if a.Verdict == advise.Infeasible && len(reading(c, a.From)) >= 3 {
			late[a.From] = true
		}
	}
	if n, _ := spanning(c); n == 0 {
		return decide.Known(0, "no query spans three services")
	}
	if !judged {
		return decide.Fact{Where: "no promise, or no latency, is known"}
	}
	return decide.Known(float64(len(late)), "`ashlar advise resilience`")
}
