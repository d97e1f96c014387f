// Package balance chooses among the endpoints of a service, call by call.
//
// The default choice takes two endpoints at random and of these the one where
// the call is expected to end sooner: its latency, as a moving average that
// follows peaks at once and forgets them slowly, times its calls under way. An
// endpoint that becomes ten times slower gets almost no calls within a few of
// its answers, without a health check and without talking to other callers.
//
//	b, err := balance.New(balance.Config{Zone: "eu-1a"}, endpoints)
//	pick, err := b.Pick(now, rand.Uint64(), balance.Request{})
//	... call pick.Endpoint().Address ...
//	b.Done(pick, later, balance.Answered)
//
// Like the machines of package policy a balancer reads no clock and draws no
// random numbers: times are nanoseconds on a monotonic clock with an arbitrary
// zero. Its methods may be called concurrently; Pick and Done take no lock in
// the way of each other's endpoints and allocate nothing.
//
// Every algorithm skips endpoints that were ejected as outliers and prefers the
// caller's zone; see [Config].
package balance

import (
	"errors"
	"fmt"
	"time"
)

// Endpoint is one instance of a service.
type Endpoint struct {
	ID      string // unique
	Address string // host:port, or whatever the caller dials
	Zone    string // "": unknown, near to nobody
	Weight  int    // share of calls beside others; default 1
}

// Algorithm of choice.
type Algorithm uint8

const (
	// PeakEWMA: the better of two random ones by latency and calls under way.
	PeakEWMA Algorithm = iota
	// RoundRobin: one after the other, blind to load. Weights are ignored.
	RoundRobin
	// LeastRequest: of Choices random ones that with the fewest calls under way.
	LeastRequest
	// Weighted: at random in proportion to the weights.
	Weighted
	// Hash: calls of one key go to one endpoint as long as it is there and not
	// overloaded; when endpoints come or go few keys move (Maglev).
	Hash
)

// String returns the algorithm's name as configurations write it.
func (a Algorithm) String() string {
	if int(a) < len(algorithms) {
		return algorithms[a]
	}
	return "unknown"
}

var algorithms = [...]string{"peak-ewma", "round-robin", "least-request", "weighted", "hash"}

// Config of a balancer. The zero value is the documented default.
type Config struct {
	Algorithm Algorithm
	// Decay is the time in which the memory of a latency fades to 1/e; default 10 s.
	Decay time.Duration
	// Penalty is the latency that a failed call counts as at least, so that an
	// endpoint that fails fast does not look attractive; default 1 s.
	Penalty time.Duration
	Choices int // of LeastRequest; default 2
	// HashLoad bounds an endpoint's calls under way under Hash to this multiple
	// of the average; what is above goes to the key's next endpoint; default
	// 1.25; negative: no bound.
	HashLoad float64

	// Zone is the caller's; "": all endpoints are equal. Endpoints of the zone
	// are preferred while at least ZoneMin (default 0.7) of their weight is not
	// ejected, and, under PeakEWMA and LeastRequest, as long as the better near
	// one costs no more than ZoneSpill (default 2) times a far one. Under
	// PeakEWMA a far one must also save ZoneGain (default 1 ms): noise of
	// microseconds is not worth leaving the zone.
	Zone      string
	ZoneMin   float64
	ZoneSpill float64
	ZoneGain  time.Duration

	Outlier OutlierConfig
}

// OutlierConfig says when an endpoint is left out for a while.
type OutlierConfig struct {
	Off bool
	// Failures in a row that eject; default 5.
	Failures int
	// Rate of failures among at least MinCalls (default 20) calls of one
	// Interval (default 10 s) that ejects; default 0.5; negative: never.
	Rate     float64
	MinCalls int
	Interval time.Duration
	// EjectFor is the first ejection's length, doubling with each further one up
	// to EjectMax; defaults 10 s and 5 min. An endpoint that then stays for
	// EjectMax starts over.
	EjectFor, EjectMax time.Duration
	// MaxEjected is the share of endpoints that may be out at a time, rounded
	// down but one at least if there are two; default 0.5. When most of them
	// fail the cause is elsewhere.
	MaxEjected float64
}

// Defaults returns c with every zero replaced by its default.
func (c Config) Defaults() Config {
	def(&c.Decay, 10*time.Second)
	def(&c.Penalty, time.Second)
	def(&c.Choices, 2)
	def(&c.HashLoad, 1.25)
	def(&c.ZoneMin, 0.7)
	def(&c.ZoneSpill, 2)
	def(&c.ZoneGain, time.Millisecond)
	o := &c.Outlier
	def(&o.Failures, 5)
	def(&o.Rate, 0.5)
	def(&o.MinCalls, 20)
	def(&o.Interval, 10*time.Second)
	def(&o.EjectFor, 10*time.Second)
	def(&o.EjectMax, max(5*time.Minute, o.EjectFor))
	def(&o.MaxEjected, 0.5)
	return c
}

// Validate joins everything that is wrong with c; nil means usable.
func (c Config) Validate() error {
	d := c.Defaults()
	o := d.Outlier
	return errors.Join(
		check(d.Algorithm <= Hash, "Algorithm %d is not known", d.Algorithm),
		check(d.Decay > 0, "Decay %s is not positive", d.Decay),
		check(d.Penalty > 0, "Penalty %s is not positive", d.Penalty),
		check(d.Choices >= 2, "Choices %d is below 2", d.Choices),
		check(d.HashLoad < 0 || d.HashLoad > 1, "HashLoad %g is neither above 1 nor negative (off)", d.HashLoad),
		check(d.ZoneMin > 0 && d.ZoneMin <= 1, "ZoneMin %g is not in (0, 1]", d.ZoneMin),
		check(d.ZoneGain > 0, "ZoneGain %s is not positive", d.ZoneGain),
		check(d.ZoneSpill >= 1, "ZoneSpill %g is below 1", d.ZoneSpill),
		check(o.Failures > 0, "Outlier.Failures %d is not positive", o.Failures),
		check(o.Rate <= 1, "Outlier.Rate %g is above 1", o.Rate),
		check(o.MinCalls > 0, "Outlier.MinCalls %d is not positive", o.MinCalls),
		check(o.Interval > 0, "Outlier.Interval %s is not positive", o.Interval),
		check(o.EjectFor > 0 && o.EjectMax >= o.EjectFor, "Outlier.EjectFor %s is not in (0, EjectMax %s]", o.EjectFor, o.EjectMax),
		check(o.MaxEjected > 0 && o.MaxEjected <= 1, "Outlier.MaxEjected %g is not in (0, 1]", o.MaxEjected),
	)
}

// ErrNone says that there is no endpoint at all.
var ErrNone = errors.New("balance: no endpoints")

// Outcome says how a call to an endpoint ended.
type Outcome uint8

const (
	Answered Outcome = iota // also with a business error
	Failed                  // refused, timed out, 5xx
	Ignored                 // given up by the caller: says nothing
)

// Request is what a call brings to its choice.
type Request struct {
	Key uint64 // for Hash; see [Key]
	// Avoid is an earlier choice that a retry should not meet again if there is
	// another.
	Avoid Pick
}

// Pick is a choice. It goes back with Done. The zero Pick is none.
type Pick struct {
	node   *node
	start  int64
	hashed bool // counted in busy
}

// Endpoint returns the chosen endpoint; nil for the zero Pick.
func (p Pick) Endpoint() *Endpoint {
	if p.node == nil {
		return nil
	}
	return &p.node.Endpoint
}

// Key hashes a string for Request.Key (FNV-1a, mixed).
func Key(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// golden is splitmix64's step from one number to the next.
const golden = 0x9e3779b97f4a7c15

// mix spreads a number over all bits (splitmix64's finalizer).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func def[T ~int | ~int64 | ~float64](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

func check(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("balance: "+format, args...)
}
