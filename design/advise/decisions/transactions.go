package decisions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var transactions = decide.Decision{
	ID:       "transactions",
	Question: "A change of several owners' data: how does it stay whole?",
	Source:   "H. Garcia-Molina, K. Salem, Sagas (1987); P. Helland, Life beyond Distributed Transactions (2007); C. Richardson, Microservices Patterns (2018), ch. 4",
	Cures:    []string{"data/distributed-transaction", "data/saga-compensation", "data/saga-pivot", "data/call-in-transaction"},
	Options: []decide.Option{
		{ID: "as-it-falls", What: "calls one after the other, and mending by hand", Names: []string{"nothing"},
			Test: "kill it between any two steps and look for what is half done", Observe: "a query that counts what is half done", Maintain: "whoever is on call"},
		{ID: "events", What: "one local commit, the others follow by events", Names: []string{"eventual-consistency", "outbox"},
			Test: "kill publisher and consumers anywhere: all followers arrive, once", Observe: "age of the oldest event, dead letters", Maintain: "the first owner keeps the event, each follower its inbox"},
		{ID: "orchestrated-saga", What: "an orchestrated saga", Names: []string{"saga", "sagas", "orchestration"},
			Test: "kill it at every step, fail every step, and compare the ends (patterns/saga)", Observe: "`ashlar saga list`: age of the oldest that is open, compensations that failed", Maintain: "the owner of the first step owns the saga; each owner its action and compensation"},
		{ID: "choreographed-saga", What: "a choreographed saga", Names: []string{"choreography"},
			Test: "every order of the events, every compensation", Observe: "a trace by business key over all participants", Maintain: "all owners together, which is the difficulty"},
		{ID: "two-phase-commit", What: "two-phase commit", Names: []string{"2pc", "xa"},
			Test: "kill the coordinator between the phases", Observe: "transactions in doubt, locks held", Maintain: "the platform's owner"},
	},
	Local: []decide.Measure{
		{Key: "steps", Factor: decide.Consistency, About: "owners whose data it changes", Unit: "owners", Whole: true, From: 2, To: 6},
		{Key: "refusals", Factor: decide.Domain, About: "later steps that may refuse for reasons of the business, such as a payment", Unit: "steps that may refuse", Whole: true, From: 0, To: 2},
		{Key: "runs", Factor: decide.Scale, About: "how often it runs", Unit: "runs/s", From: .01, To: 100},
		{Key: "failing", Factor: decide.Consistency, About: "share of its later steps that fail", Unit: "% failing", From: .01, To: 1},
	},
	Moot: func(c *decide.Case) string {
		if len(c.Crossings()) > 0 || len(c.System.Sagas) > 0 {
			return ""
		}
		if f := c.Fact("crossing"); !f.Value.Known {
			return "whether any change crosses owners is not known: " + f.Where
		} else if f.Value.V > 0 {
			return fmt.Sprintf("in one database they stay transactions; a cut as `ashlar split` draws it would make %.0f of them sagas", f.Value.V)
		}
		return "no operation changes data of two owners: local transactions are enough"
	},
	Subjects: crossings,
	Judge: func(s *decide.Sheet, option string) {
		steps, refusals := s.M("steps"), s.M("refusals")
		one := decide.N(1, "")
		second := decide.N(31557600, "s a year")
		switch option {
		case "as-it-falls":
			odds := s.M("failing").Over(decide.N(100, "")).Plus(s.P("crash"))
			s.Days(decide.Consistency, "mending what is half done", s.M("runs").Times(second).Times(odds).Times(s.P("mend")).Most(s.P("mend-most")))
		case "events":
			s.Days(decide.Operations, "events and their consumers", steps.Less(one).Times(s.P("event-run")))
			s.Change(decide.Operations, "from calls to events", steps.Less(one).Times(s.P("event-move")))
			if refusals.V >= 1 {
				s.Veto("%.0f of its later steps may refuse: what was committed must then be undone, which is a saga", refusals.V)
			}
		case "orchestrated-saga":
			s.Days(decide.Consistency, "steps and compensations", steps.Times(s.P("saga-step")))
			s.Days(decide.Operations, "a journal of what is open", s.P("outbox"))
			s.Change(decide.Consistency, "building the steps", steps.Times(s.P("saga-build")))
		case "choreographed-saga":
			s.Days(decide.Consistency, "steps and compensations", steps.Times(s.P("saga-step")))
			s.Days(decide.Operations, "events and their consumers", steps.Less(one).Times(s.P("event-run")))
			s.Days(decide.Operations, "following what no place describes", steps.Times(steps.Less(one)).Over(decide.N(2, "")).Times(s.P("saga-trace")))
			s.Change(decide.Consistency, "building the steps", steps.Times(s.P("saga-build")))
		case "two-phase-commit":
			s.Days(decide.Operations, "a coordinator and what it leaves in doubt", s.P("two-phase"))
			s.Days(decide.Latency, "locks across services", steps.Times(s.P("sync-late")))
			s.Veto("services that speak HTTP, gRPC or events take part in no two-phase commit")
		}
	},
}

func crossings(c *decide.Case) []decide.Subject {
	var out []decide.Subject
	for _, n := range arch.Sorted(c.System.Sagas) {
		g := c.System.Sagas[n]
		sub := decide.Subject{Title: "saga " + n, Current: "orchestrated-saga", Facts: map[string]decide.Fact{"steps": decide.Counted(c, len(g.Steps), arch.NewRef(arch.KindSaga, n)), "refusals": decide.Known(1, "somebody made it a saga")}}
		if g.Style == "choreographed" {
			sub.Current = "choreographed-saga"
		}
		for _, st := range g.Steps {
			sub.Of = append(sub.Of, st.Action)
		}
		out = append(out, sub)
	}
	for _, x := range c.Crossings() {
		sub := decide.Subject{Title: x.Op.Short(), Of: append([]arch.Ref{x.Op}, x.Owners...), Current: "as-it-falls", Facts: map[string]decide.Fact{"steps": decide.Counted(c, len(x.Owners), x.Owners...), "refusals": refusals(c, x)}}
		names := make([]string, len(x.Owners))
		for i, o := range x.Owners {
			names[i] = o.Short()
		}
		sub.Note = "it changes what " + strings.Join(names, ", ") + " own"
		op := c.System.Services[x.Op.Name()].Operations[x.Op.Member()]
		sub.Facts["runs"] = rateOfJourneys(c, x.Op)
		if r, ok := op.Rate.Get(); ok && !sub.Facts["runs"].Value.Known {
			sub.Facts["runs"] = decide.Known(r, "observed")
		}
		worst, known := 0., false
		for _, e := range x.Edges {
			if v, ok := e.Call.Errors.Get(); ok {
				worst, known = max(worst, v), true
			}
		}
		switch n := op.Latency.N; {
		case known && worst > 0:
			sub.Facts["failing"] = decide.Known(100*worst, "observed")
		case known:
			sub.Facts["failing"] = decide.Fact{Where: fmt.Sprintf("none in the %d that were seen, which rules out no more than what is above %.2g %% (rule of three)", n, 300/float64(max(1, n)))}
		}
		out = append(out, sub)
	}
	return out
}

// refusing are the first words of what the other side may decline.
var refusing = []string{"charge", "charges", "pay", "payment", "payments", "reserve", "reservation", "reservations", "book", "authorize", "withdraw", "debit", "allocate", "transfer"}

// refusals counts the changes that may be declined by what they are called.
func refusals(c *decide.Case, x decide.Crossing) decide.Fact {
	var may []string
	all := true
	for _, e := range x.Edges {
		name := strings.ToLower(e.Call.To.Member())
		ws := strings.FieldsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' })
		if slices.ContainsFunc(ws, func(w string) bool { return slices.Contains(refusing, w) }) {
			may = append(may, e.Call.To.Short())
			continue
		}
		how, ok := advise.Changes(c.System, e)
		all = all && (ok && strings.HasPrefix(how, "by its name") || e.Call.Access == arch.AccessWrite)
	}
	switch {
	case len(may) > 0:
		return decide.Known(float64(len(may)), "by its name, "+may[0]+" may refuse")
	case all:
		return decide.Known(0, "by their names they only record")
	}
	return decide.Fact{Where: "their names do not say whether they may refuse", Questions: []advise.Question{{Text: "may a later step of " + x.Op.Short() + " refuse for a reason of the business? If so, write it down under sagas:"}}}
}

// rateOfJourneys is how often the journeys that lead to an operation come.
func rateOfJourneys(c *decide.Case, op arch.Ref) decide.Fact {
	above := map[arch.Ref]bool{op: true}
	for grown := true; grown; {
		grown = false
		for _, e := range c.Edges() {
			if above[e.Call.To] && !above[e.From] {
				above[e.From], grown = true, true
			}
		}
	}
	sum, names := 0., []string{}
	for _, n := range arch.Sorted(c.System.Journeys) {
		j := c.System.Journeys[n]
		if r, ok := j.Rate.Get(); ok && above[j.Entry] {
			sum += r
			names = append(names, n)
		}
	}
	if sum > 0 {
		return decide.Known(sum, "journey "+strings.Join(names, ", "))
	}
	return decide.Fact{Where: "no trace and no journey says how often it runs", Questions: []advise.Question{advise.OfOperation(op, "rate", "5rps", "how often does "+op.Short()+" run?")}}
}
