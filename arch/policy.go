package arch

import (
	"slices"
	"strings"
	"time"
)

// Layers in the order in which a request meets them.
const (
	LayerCode    = "code"    // the caller's own client
	LayerSidecar = "sidecar" // the caller's mesh proxy
	LayerGateway = "gateway" // a gateway between them
	LayerInbound = "inbound" // the callee's mesh proxy
	LayerServer  = "server"  // the callee's server
)

// Policy is what one layer says about a call. An unknown part says nothing;
// what a platform does by default is a claim like any other.
type Policy struct {
	Layer string `arch:"-"` // one of the layers, with ":name" after it where there are several: "gateway:kong"
	Env   string `arch:"-"` // "": every environment

	Timeout  Opt[time.Duration] `arch:"timeout"` // whole call as this layer sees it, its retries included; a known 0 means none
	Retry    *Retry             `arch:"retry"`
	Breaker  *Breaker           `arch:"breaker"`
	Bulkhead *Limit             `arch:"bulkhead"`
	Hedge    Opt[time.Duration] `arch:"hedge"`
	Rate     Opt[float64]       `arch:"rate"` // limit, per second
	Fallback Opt[bool]          `arch:"fallback"`
}

// Key identifies a policy within its list.
func (p Policy) Key() string {
	if p.Env != "" {
		return p.Layer + "@" + p.Env
	}
	return p.Layer
}

// Retry: Attempts counts tries, the first included. Istio's `attempts` counts
// re-tries, so tries = 1 + attempts.
type Retry struct {
	Attempts Opt[int]           `arch:"attempts"`
	PerTry   Opt[time.Duration] `arch:"per-try"`
	Backoff  Opt[time.Duration] `arch:"backoff"` // first wait
	Max      Opt[time.Duration] `arch:"max-backoff"`
	Jitter   Opt[bool]          `arch:"jitter"`
	Budget   Opt[float64]       `arch:"budget"` // retries per request, 0..1
	On       []string           `arch:"on"`     // conditions, in the words of the layer
}

// Breaker stops calling what fails.
type Breaker struct {
	Window   Opt[time.Duration] `arch:"window"`
	Count    Opt[int]           `arch:"count"`    // calls in the window, or consecutive failures
	Failures Opt[float64]       `arch:"failures"` // share that trips, 0..1
	Slow     Opt[float64]       `arch:"slow"`     // share of slow calls that trips
	Open     Opt[time.Duration] `arch:"open"`
}

// Limit bounds concurrency.
type Limit struct {
	Concurrent Opt[int]           `arch:"concurrent"`
	Queue      Opt[int]           `arch:"queue"`
	Wait       Opt[time.Duration] `arch:"wait"`
}

var layerRank = []string{LayerCode, LayerSidecar, LayerGateway, LayerInbound, LayerServer}

// Rank is the place of a layer on the way of a request; unknown layers come last.
func Rank(layer string) int {
	base, _, _ := strings.Cut(layer, ":")
	if i := slices.Index(layerRank, base); i >= 0 {
		return i
	}
	return len(layerRank)
}

// Effect is what all layers of a call together amount to.
type Effect struct {
	// Timeout is the shortest limit on the whole call, and By the layer that sets
	// it. A known Timeout of 0 means that every layer that spoke said "none".
	Timeout Opt[time.Duration]
	By      string
	// Tries is the product of the layers' tries: what one call of the code can
	// become at the callee. At least 1.
	Tries int
	// Worst is how long the innermost retrying layer may take if every try runs
	// into its per-try limit, back-offs included; unknown without a per-try limit.
	Worst Opt[time.Duration]
}

// Effective folds the layers that hold in an environment, in the order in which
// the request meets them.
func (c Call) Effective(env string) Effect { return fold(c.Layers, env) }

func fold(layers []Policy, env string) Effect {
	e := Effect{Tries: 1}
	ls := slices.DeleteFunc(slices.Clone(layers), func(p Policy) bool { return p.Env != "" && p.Env != env })
	slices.SortStableFunc(ls, func(a, b Policy) int { return Rank(a.Layer) - Rank(b.Layer) })
	for _, p := range ls {
		if t, ok := p.Timeout.Get(); ok {
			if !e.Timeout.Known || t > 0 && (e.Timeout.V == 0 || t < e.Timeout.V) {
				e.Timeout, e.By = Some(t), p.Layer
			}
		}
		if p.Retry != nil {
			e.Tries *= max(1, p.Retry.Attempts.Or(1))
			if w, ok := p.Retry.worst(); ok {
				e.Worst = Some(w)
			}
		}
	}
	return e
}

// worst is tries x perTry + the sum of the exponential waits between them.
func (r Retry) worst() (time.Duration, bool) {
	per, ok := r.PerTry.Get()
	if !ok || per == 0 {
		return 0, false
	}
	tries := max(1, r.Attempts.Or(1))
	total, wait := time.Duration(tries)*per, r.Backoff.Or(0)
	for range tries - 1 {
		total += wait
		wait *= 2
		if m, ok := r.Max.Get(); ok && wait > m {
			wait = m
		}
	}
	return total, true
}
