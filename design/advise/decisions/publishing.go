package decisions

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var publishing = decide.Decision{
	ID:       "publishing",
	Question: "How does a committed change become an event: outbox, change data capture, or both written?",
	Source:   "C. Richardson, Microservices Patterns (2018), ch. 3 (transactional outbox); M. Kleppmann, Designing Data-Intensive Applications (2017), ch. 11",
	Cures:    []string{"data/dual-write", "data/breaking-event", "data/event-shapes", "data/consumer-not-idempotent"},
	Options: []decide.Option{
		{ID: "dual-write", What: "commit and publish one after the other", Names: []string{},
			Test: "kill it between the two", Observe: "a count of rows without their event", Maintain: "whoever is on call"},
		{ID: "outbox", What: "an outbox in the same transaction, and a relay", Names: []string{"transactional-outbox"},
			Test: "kill the relay and the database anywhere: every row arrives, in order (patterns/outbox)", Observe: "age of the oldest row that was not sent", Maintain: "the publisher's owner"},
		{ID: "change-data-capture", What: "change data capture", Names: []string{"cdc", "debezium"},
			Test: "stop it for a day: it resumes, and the log is still there", Observe: "lag in bytes and seconds, size of the retained log", Maintain: "who owns the connectors and the schemas they show"},
	},
	Local: []decide.Measure{{Key: "unsafe", Factor: decide.Consistency, About: "publishers that commit and publish apart", Unit: "publishers that write twice", Whole: true, From: 0, To: 8}},
	Moot: func(c *decide.Case) string {
		if len(c.Publishers()) > 0 {
			return ""
		}
		if !c.Fact("publishers").Value.Known {
			return "which operations publish what they commit is not known: no code and no traces were read"
		}
		return "no operation both commits and publishes"
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		ops := c.Publishers()
		n := 0
		for _, op := range ops {
			if !oneTx(c, op) {
				n++
			}
		}
		current := "outbox"
		if n > 0 {
			current = "dual-write"
		}
		if p, _ := c.Runs("debezium"); p != "" {
			current = "change-data-capture"
		}
		return local(c, current, map[string]decide.Fact{"unsafe": decide.Known(float64(n), "counted")}, ops...)
	},
	Judge: func(s *decide.Sheet, option string) {
		n, unsafe := s.M("publishers"), s.M("unsafe")
		switch option {
		case "dual-write":
			lost := s.M("peak").Times(decide.N(31557600, "s a year")).Times(s.P("crash")).Times(s.P("mend"))
			s.Days(decide.Consistency, "events that a crash lost", lost.Most(s.P("mend-most")))
		case "outbox":
			s.Days(decide.Operations, "relays", n.Times(s.P("outbox")))
			s.Change(decide.Operations, "outboxes", unsafe.Times(s.P("outbox-build")))
		case "change-data-capture":
			s.Days(decide.Operations, "connectors", s.P("connector").Plus(n.Times(s.P("connector-keep"))))
			s.Days(decide.Domain, "consumers that follow tables", n.Times(s.P("captured")))
			learned(s, "change data capture", "debezium", "cdc", "kafka-connect")
		}
	},
}

// oneTx reports whether an operation publishes within the transaction of a write.
func oneTx(c *decide.Case, op arch.Ref) bool {
	tx := map[string]int{}
	for _, e := range c.Edges() {
		if e.From == op && e.Call.Tx != "" {
			switch e.Call.Access {
			case arch.AccessWrite:
				tx[e.Call.Tx] |= 1
			case arch.AccessPublish:
				tx[e.Call.Tx] |= 2
			}
		}
	}
	for _, v := range tx {
		if v == 3 {
			return true
		}
	}
	return false
}
