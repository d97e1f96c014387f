package decisions

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var communication = decide.Decision{
	ID:       "communication",
	Question: "Should the caller wait, or should an event carry it?",
	Source:   "G. Hohpe, B. Woolf, Enterprise Integration Patterns (2003), ch. 2; S. Newman, Building Microservices, 2nd ed. (2021), ch. 4",
	Cures:    []string{"communication/sync-chain", "communication/hub", "communication/serial-calls"},
	Options: []decide.Option{
		{ID: "synchronous", What: "a call that waits", Names: []string{"sync"},
			Test: "the callee slow, failing and away: the caller keeps its promise or says so", Observe: "rate, errors and duration of the call; breaker and retries", Maintain: "the callee's owner keeps the contract, the caller's the limits (`ashlar advise resilience`)"},
		{ID: "events", What: "an event, nobody waits", Names: []string{"asynchronous", "async", "messaging"},
			Test: "the event twice, late, and in the wrong order; the consumer away for an hour", Observe: "age of the oldest message, dead letters", Maintain: "the publisher's owner keeps the schema, the consumer's the dead letters"},
	},
	Local: []decide.Measure{
		{Key: "answer", Factor: decide.Consistency, About: "1: the caller needs what comes back, 0: it is called for its effect", Unit: "of the answer needed", Whole: true, From: 0, To: 1},
		{Key: "late", Factor: decide.Latency, About: "1: it takes longer, or fails more often, than its promise allows; 0: neither", Unit: "breaking its promise", Whole: true, From: 0, To: 1},
	},
	Moot: func(c *decide.Case) string {
		if len(c.Waits()) == 0 && len(c.System.Topics) == 0 {
			return "no call between services was seen"
		}
		return ""
	},
	Subjects: edges,
	Judge: func(s *decide.Sheet, option string) {
		answer := s.M("answer")
		switch option {
		case "synchronous":
			s.Days(decide.Operations, "limits and incidents of waiting", s.P("sync-wait"))
			s.Days(decide.Latency, "keeping a promise that it breaks", s.M("late").Times(s.P("sync-late")))
		case "events":
			s.Days(decide.Operations, "dead letters, duplicates, lag", s.P("event-run"))
			s.Days(decide.Consistency, "bringing the answer back", answer.Times(s.P("event-reply")))
			s.Change(decide.Operations, "from a call to an event", s.P("event-move"))
		}
	},
}

// edges are the calls between services, by pair and access.
func edges(c *decide.Case) []decide.Subject {
	var out []decide.Subject
	for _, a := range c.Resilience {
		i := slices.IndexFunc(c.Edges(), func(e arch.Edge) bool { return e.From == a.From && e.ID == a.ID })
		if i < 0 {
			continue
		}
		e := c.Edges()[i]
		to, ok := c.System.Services[a.To.Name()]
		topic := a.To.Kind() == arch.KindTopic
		if !topic && (!ok || a.To.Kind() == arch.KindStore || arch.Infrastructure(to.Role)) || arch.Infrastructure(c.System.Services[a.From.Name()].Role) || a.From.Parent() == a.To.Parent() {
			continue
		}
		if topic && e.Call.Access == arch.AccessSubscribe {
			continue // the publisher decides
		}
		sub := decide.Subject{Title: a.From.Short() + " -> " + a.To.Short(), Of: []arch.Ref{a.From, a.To}, Current: "synchronous", Facts: map[string]decide.Fact{}}
		if topic || e.Call.Async.V || e.Call.Access == arch.AccessPublish {
			sub.Current = "events"
		}
		sub.Facts["answer"], sub.Facts["late"] = needed(c, e, a), late(a)
		if sub.Facts["answer"].Value.Known && sub.Facts["answer"].Value.V == 0 && sub.Current == "synchronous" && len(a.Because) > 0 {
			sub.Note = strings.Join(a.Because, "; ")
		}
		out = append(out, sub)
	}
	return out
}

// needed says whether the caller needs the answer.
func needed(c *decide.Case, e arch.Edge, a advise.Answer) decide.Fact {
	if e.Call.Access == arch.AccessPublish || e.Call.To.Kind() == arch.KindTopic || e.Call.Async.V {
		return decide.Known(0, "it is asynchronous already")
	}
	if a.Verdict == advise.Async {
		return decide.Known(0, strings.Join(a.Because, "; "))
	}
	if how, ok := advise.Reads(c.System, e); ok {
		return decide.Known(1, how)
	}
	if e.Call.To.Kind() != arch.KindOp {
		return decide.Fact{Where: "which operation is called was not seen"}
	}
	if how, ok := advise.Changes(c.System, e); ok && e.Call.Optional.V {
		return decide.Known(0, how+", and it is optional")
	}
	f := decide.Fact{Where: "neither its method nor its name says it"}
	if !e.Call.Optional.Known {
		f.Questions = []advise.Question{advise.OfCall(e, "optional", "false", "can "+e.From.Short()+" answer without "+e.Call.To.Short()+"?")}
	} else {
		return decide.Known(1, "optional: false")
	}
	return f
}

func late(a advise.Answer) decide.Fact {
	switch a.Verdict {
	case advise.Infeasible:
		return decide.Known(1, strings.Join(a.Because, "; "))
	case advise.Async:
		return decide.Known(1, "`ashlar advise resilience`: nobody should wait for it")
	case advise.Settings:
		if _, ok := a.Number(advise.Timeout); ok {
			return decide.Known(0, "`ashlar advise resilience` finds a timeout")
		}
	}
	return decide.Fact{Where: "latency or promise are not known", Questions: a.Questions}
}
