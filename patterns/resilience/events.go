package resilience

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// Kind of an event.
type Kind uint8

const (
	Changed    Kind = iota + 1 // the breaker changed its state
	Refused                    // a call did not reach the callee
	Retried                    // a call is tried again, After a wait
	GaveUp                     // no further try
	TimedOut                   // a deadline of the target's own passed
	Hedged                     // a call was sent once more
	FellBack                   // a fallback answered
	Configured                 // the policies were changed
	Warned                     // the configuration is allowed and hardly meant
)

var kinds = [...]string{"", "changed", "refused", "retried", "gave up", "timed out", "hedged", "fell back", "configured", "warned"}

// String returns the kind as metrics labels show it.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return "unknown"
}

// Event is something that happened to a target; fields that do not apply are zero.
type Event struct {
	Kind       Kind
	Target, Op string
	At         time.Time
	Stage      Stage
	After      time.Duration
	Err        error
	Change     policy.Change // of Changed; its Seq orders changes
	Text       string        // of Warned
}

func (t *Target) emit(e Event) {
	if t.opts.OnEvent == nil {
		return
	}
	e.Target, e.At = t.name, time.Now()
	t.opts.OnEvent(e)
}

func (t *Target) breakerChanged(ch policy.Change) {
	t.history.add(ch)
	log := t.opts.Logger.Info
	if ch.To == policy.Opened {
		log = t.opts.Logger.Warn
	}
	log("resilience: breaker "+ch.To.String(), "target", t.name, "from", ch.From.String(), "cause", ch.Cause.String())
	t.emit(Event{Kind: Changed, Stage: StageBreaker, Change: ch})
}

// counts are totals since the target was built. Success comes first and alone:
// it is the only one that a healthy call touches.
type counts struct {
	successes atomic.Uint64
	_         [56]byte
	business, failures, ignored, timeouts,
	retries, gaveUp, hedges, fallbacks atomic.Uint64
	refused [policy.TimedOut + 1]atomic.Uint64
}

// history keeps the latest breaker changes in order.
type history struct {
	mu      sync.Mutex
	changes []policy.Change
}

const historyLength = 64

func (h *history) add(ch policy.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := len(h.changes)
	for i > 0 && h.changes[i-1].Seq > ch.Seq {
		i--
	}
	h.changes = append(h.changes, policy.Change{})
	copy(h.changes[i+1:], h.changes[i:])
	h.changes[i] = ch
	if len(h.changes) > historyLength {
		h.changes = append(h.changes[:0], h.changes[1:]...)
	}
}

func (h *history) list() []policy.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]policy.Change(nil), h.changes...)
}
