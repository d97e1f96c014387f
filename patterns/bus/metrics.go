package bus

import (
	"context"
	"sync/atomic"
	"time"
)

type counts struct {
	ok, failed atomic.Int64
}

type consumerCounts struct {
	handled, failed, redelivered, dead, deadFailed, skipped, revoked, lost atomic.Int64
}

// Stats are a consumer's figures since it began.
type Stats struct {
	Topics []string `json:"topics"`
	Group  string   `json:"group"`

	Handled       int64   `json:"handled"`        // events whose handler returned nil
	FailedTries   int64   `json:"failed_tries"`   // tries that returned an error or panicked
	Redelivered   int64   `json:"redelivered"`    // deliveries that the broker said were not the first
	DeadLetters   int64   `json:"dead_letters"`   // events stored as dead letters
	DeadFailed    int64   `json:"dead_failed"`    // tries to store one that failed
	OtherReplays  int64   `json:"other_replays"`  // replays for another group, passed over
	RevokedParts  int64   `json:"revoked_parts"`  // partitions handed over in time
	LostParts     int64   `json:"lost_parts"`     // partitions that were gone before they could be handed over
	InHand        int     `json:"in_hand"`        // queued or running now
	Parked        int     `json:"parked"`         // behind a failing event of their key, now
	OldestSeconds float64 `json:"oldest_seconds"` // age of the oldest event in hand; 0: none
	// Lag is how many records the group has not committed in the partitions of
	// this consumer; -1: the broker did not say.
	Lag int64 `json:"lag"`
}

// Stats returns the consumer's figures. Lag is asked of the broker.
func (c *Consumer) Stats(ctx context.Context) Stats {
	active, parked, oldest := c.sched.load()
	s := Stats{
		Topics: c.sub.Topics, Group: c.sub.Group,
		Handled: c.n.handled.Load(), FailedTries: c.n.failed.Load(), Redelivered: c.n.redelivered.Load(),
		DeadLetters: c.n.dead.Load(), DeadFailed: c.n.deadFailed.Load(), OtherReplays: c.n.skipped.Load(),
		RevokedParts: c.n.revoked.Load(), LostParts: c.n.lost.Load(),
		InHand: active, Parked: parked, Lag: -1,
	}
	if !oldest.IsZero() {
		s.OldestSeconds = max(0, now().Sub(oldest).Seconds())
	}
	if lags, err := c.driver.Lag(ctx); err == nil {
		s.Lag = 0
		for _, l := range lags {
			s.Lag += l.Records
		}
	}
	return s
}

// Metric is one figure in the manner of OpenMetrics.
type Metric struct {
	Name    string // "bus_consumer_handled_total"; the suffix _total marks counters
	Help    string
	Labels  [][2]string
	Value   float64
	Counter bool
}

// Metrics hands every figure of the bus and its consumers to f, for whatever
// exports them. It asks the broker for the lag.
func (b *Bus) Metrics(ctx context.Context, f func(Metric)) {
	f(Metric{"bus_published_total", "Events handed to the broker.", nil, float64(b.published.ok.Load()), true})
	f(Metric{"bus_publish_failed_total", "Events that were refused or not acknowledged.", nil, float64(b.published.failed.Load()), true})
	b.mu.Lock()
	cs := make([]*Consumer, 0, len(b.consumers))
	for c := range b.consumers {
		cs = append(cs, c)
	}
	b.mu.Unlock()
	for _, c := range cs {
		s := c.Stats(ctx)
		labels := [][2]string{{"group", s.Group}}
		for _, m := range [...]Metric{
			{"bus_consumer_handled_total", "Events whose handler succeeded.", labels, float64(s.Handled), true},
			{"bus_consumer_failed_tries_total", "Handler tries that failed.", labels, float64(s.FailedTries), true},
			{"bus_consumer_redelivered_total", "Deliveries that were not the first.", labels, float64(s.Redelivered), true},
			{"bus_consumer_dead_letters_total", "Events stored as dead letters.", labels, float64(s.DeadLetters), true},
			{"bus_consumer_dead_letter_failures_total", "Dead letters that could not be stored yet.", labels, float64(s.DeadFailed), true},
			{"bus_consumer_in_hand", "Events queued or running.", labels, float64(s.InHand), false},
			{"bus_consumer_parked", "Events behind a failing one of their key.", labels, float64(s.Parked), false},
			{"bus_consumer_lag_records", "Records that the group has not committed.", labels, float64(s.Lag), false},
			{"bus_consumer_oldest_seconds", "Age of the oldest event in hand.", labels, s.OldestSeconds, false},
		} {
			f(m)
		}
	}
}

// age is how long ago t was, for messages.
func age(t time.Time) time.Duration { return now().Sub(t).Round(time.Millisecond) }
