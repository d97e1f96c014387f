package decisions

import (
	"slices"
	"strings"

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
		{Key: "lateness", Factor: decide.Latency, About: "1: it breaks what was promised, 0: it does not", Unit: "over its promise", Whole: true, From: 0, To: 1},
		{Key: "audits", Factor: decide.Consistency, About: "1: a constraint demands that history can be shown", Unit: "audit demanded", Whole: true, From: 0, To: 1},
		{Key: "streams", Factor: decide.Operations, About: "services whose tables would become streams of events", Unit: "services as streams", Whole: true, From: 1, To: 4},
	},
	Subjects: readers,
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
			streams := s.M("streams")
			s.Days(decide.Operations, "versions of events for ever", streams.Times(s.P("event-sourced")))
			s.Days(decide.Operations, "projections", n.Times(s.P("read-model")))
			s.Change(decide.Operations, "turning tables into streams", streams.Times(s.P("event-source")))
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

// changing reports whether an operation changes something by one of its calls:
// then it is a command, however much it reads.
func changing(c *decide.Case, op arch.Ref) bool {
	return slices.ContainsFunc(c.Edges(), func(e arch.Edge) bool {
		if e.From != op {
			return false
		}
		_, ok := advise.Changes(c.System, e)
		return ok || e.Call.Access == arch.AccessWrite || e.Call.Access == arch.AccessPublish
	})
}

// readers are the queries that read from three services or more, by name; the
// services whose history must be provable; and everything else together.
func readers(c *decide.Case) []decide.Subject {
	var out []decide.Subject
	known := func(n int, where string) decide.Fact { return decide.Known(float64(n), where) }
	for _, op := range c.System.Refs(arch.KindOp) {
		from := reading(c, op)
		if len(from) < 3 || changing(c, op) {
			continue
		}
		names := make([]string, 0, len(from))
		for _, r := range arch.Sorted(from) {
			names = append(names, r.Short())
		}
		out = append(out, decide.Subject{
			Title: op.Short(), Of: append([]arch.Ref{op}, arch.Sorted(from)...), Current: "one-model", Note: "it asks " + strings.Join(names, ", "),
			Facts: map[string]decide.Fact{"spanning": known(1, "counted"), "lateness": lateness(c, op), "audits": known(0, "a query changes nothing"), "streams": decide.Counted(c, len(from), arch.Sorted(from)...)},
		})
	}
	queries, whole := len(out), decide.Fact{}
	for _, name := range arch.Sorted(c.System.Constraints) {
		k := c.System.Constraints[name]
		if k.Kind != "compliance" || !has(decide.Words(k.Value), audited...) {
			continue
		}
		where := "constraint " + name
		if k.Of == "" {
			whole = known(1, where)
			continue
		}
		out = append(out, decide.Subject{
			Title: "history of " + k.Of.Short(), Of: []arch.Ref{k.Of}, Current: "one-model",
			Facts: map[string]decide.Fact{"spanning": known(0, "its history is what counts"), "lateness": known(0, "its history is what counts"), "audits": known(1, where), "streams": known(1, "what the constraint is of")},
		})
	}
	if !whole.Value.Known {
		whole = demanded(c, "must the history of changes be provable?", "audit")
	}
	rest := decide.Subject{Current: "one-model", Facts: map[string]decide.Fact{
		"spanning": known(0, "none in the calls that were seen"), "lateness": known(0, "no query spans three services"), "audits": whole, "streams": known(1, "one at the least"),
	}}
	if queries == 0 && len(c.Waits()) == 0 && len(c.Apps()) > 1 {
		rest.Facts["spanning"] = decide.Fact{Where: "no call between services was seen"}
	}
	if queries > 0 {
		rest.Facts["spanning"] = known(0, "those that do are judged by name")
	}
	if len(out) > 0 {
		rest.Title = "everything else"
	}
	return append(out, rest)
}

// audited are the words of constraints that demand a provable history.
var audited = []string{"audit", "auditable", "history", "sox"}

// lateness says whether a query breaks its promise by the calls that it makes.
func lateness(c *decide.Case, op arch.Ref) decide.Fact {
	judged := false
	for _, a := range c.Resilience {
		if a.From != op {
			continue
		}
		judged = judged || a.Verdict == advise.Settings
		if a.Verdict == advise.Infeasible {
			return decide.Known(1, "`ashlar advise resilience`: "+strings.Join(a.Because, "; "))
		}
	}
	if judged {
		return decide.Known(0, "`ashlar advise resilience` finds timeouts for its calls")
	}
	return decide.Fact{Where: "no promise, or no latency, is known"}
}
