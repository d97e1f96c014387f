package decisions

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

var broker = decide.Decision{
	ID:       "broker",
	Question: "Which message broker, if any?",
	Source:   "J. Kreps, The Log (2013); the limits of each broker's own documentation",
	Cures:    []string{"data/no-dead-letters"},
	Options: []decide.Option{
		{ID: "none", What: "no broker", Names: []string{"no-broker"},
			Test: "nothing to test", Observe: "nothing to observe", Maintain: "nobody has to"},
		{ID: "nats", What: "NATS JetStream", Names: []string{"jetstream"},
			Test: "kill a node under load: nothing is lost that was acknowledged (bus/natsbus, synced always)", Observe: "pending and redelivered by consumer", Maintain: "the platform's owner"},
		{ID: "rabbitmq", What: "RabbitMQ", Names: []string{"amqp"},
			Test: "kill a node under load, with quorum queues and confirms (bus/rabbitbus)", Observe: "ready, unacknowledged, memory alarm", Maintain: "the platform's owner"},
		{ID: "kafka", What: "Kafka", Names: []string{"strimzi", "redpanda"},
			Test: "kill a broker under load with acks=all and two in sync (bus/kafkabus)", Observe: "lag by group, partitions under-replicated", Maintain: "the platform's owner"},
	},
	Local: []decide.Measure{
		{Key: "topics", Factor: decide.Operations, About: "topics, queues and streams that there are", Whole: true, From: 1, To: 20},
		{Key: "wanted", Factor: decide.Operations, About: "calls that should be events (`ashlar advise communication`)", Unit: "calls that should be events", Whole: true, From: 0, To: 10},
	},
	Subjects: func(c *decide.Case) []decide.Subject {
		p, by := c.Runs("kafka", "rabbitmq", "nats", "redpanda", "pulsar", "activemq", "artemis")
		current := map[string]string{"": "none", "kafka": "kafka", "redpanda": "kafka", "rabbitmq": "rabbitmq", "nats": "nats"}[p]
		if p == "" && len(c.System.Topics) > 0 {
			current = ""
		}
		wanted := 0
		for _, a := range c.Resilience {
			if a.Verdict == advise.Async && a.To.Kind() == arch.KindOp && len(a.Because) > 0 && !already(c, a) {
				wanted++
			}
		}
		sub := decide.Subject{Current: current, Facts: map[string]decide.Fact{
			"topics": decide.Counted(c, len(c.System.Topics), c.System.Refs(arch.KindTopic)...),
			"wanted": decide.Known(float64(wanted), "`ashlar advise resilience`"),
		}}
		if p != "" && len(c.System.Topics) == 0 {
			sub.Facts["topics"] = decide.Fact{Where: "which topics it carries was not seen"}
		}
		if p != "" {
			sub.Note = fmt.Sprintf("%s is there already (%s)", p, by)
		}
		return []decide.Subject{sub}
	},
	Judge: func(s *decide.Sheet, option string) {
		topics, wanted := s.M("topics"), s.M("wanted")
		here := s.Current != "" && s.Current != "none"
		if option == "none" {
			if topics.V > 0 {
				s.Veto("%.0f topics are in use", topics.V)
			} else if here {
				s.Veto("%s runs, and something was put there to use it", s.Current)
			}
			s.Days(decide.Operations, "calls that should be events", wanted.Times(s.P("sync-late")))
			return
		}
		run := s.P(option)
		if s.Current == option || s.Case.Expert(option) {
			run = run.Times(decide.N(.7, "by those who know it"))
		}
		s.Days(decide.Operations, "running it", run)
		cores(s, "its nodes", s.P(option+"-cores"))
		learned(s, "it", option)
		s.Change(decide.Operations, "moving topics", topics.Times(s.P("broker-move")))
		if here {
			s.Change(decide.Operations, "leaving the one that is there", s.P("broker-leave"))
		}
		if s.Current == "none" {
			s.Change(decide.Operations, "from calls to events", wanted.Times(s.P("event-move")))
		}
		if p := s.M("peak"); option != "kafka" && p.V > s.P("broker-peak").V {
			s.Veto("%.0f requests/s at the peak are above the %.0f messages/s that one of its queues takes", p.V, s.P("broker-peak").V)
		}
	},
}

// already reports whether the call is asynchronous as it is.
func already(c *decide.Case, a advise.Answer) bool {
	for _, e := range c.Edges() {
		if e.From == a.From && e.ID == a.ID {
			return e.Call.Async.V || e.Call.Access == arch.AccessPublish
		}
	}
	return false
}
