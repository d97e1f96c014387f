package balance

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// node is an endpoint with what was learnt about it.
type node struct {
	Endpoint
	underWay atomic.Int64
	average  atomic.Uint64 // latency in ns, bits of a float64; 0: none yet
	stamp    atomic.Int64  // when average was right
	_        [64]byte      // the next node's counters belong to other calls

	mu       sync.Mutex
	row      int   // failures one after the other
	calls    int   // of the present interval
	failures int   // of the present interval
	interval int64 // its end

	// Guarded by the balancer's lock.
	until     int64 // ejected until; 0: not ejected
	ejections int   // one after the other
	readmit   int64 // when it came back last
}

// moved returns a node for the same instance under a new address, zone or
// weight. Calls under way end at the old one.
func (n *node) moved(e Endpoint) *node {
	m := &node{Endpoint: e, until: n.until, ejections: n.ejections, readmit: n.readmit}
	m.average.Store(n.average.Load())
	m.stamp.Store(n.stamp.Load())
	return m
}

// unknown is the cost of a second call to an endpoint that has not answered yet:
// one call finds out about it, the others go elsewhere.
const unknown = float64(time.Hour)

// latency is the average as of now: what was learnt fades, so that an endpoint
// that nobody calls any more is tried again.
func (n *node) latency(now int64, decay time.Duration, calls float64) float64 {
	avg := math.Float64frombits(n.average.Load())
	if avg == 0 {
		if calls > 1 {
			return unknown
		}
		return 0
	}
	// Below a sixteenth of Decay it has faded by less than 6 %: not worth an exp.
	if idle := now - n.stamp.Load(); idle > int64(decay)/16 {
		avg *= math.Exp(-float64(idle) / float64(decay))
	}
	return avg
}

// observe takes an answer into the average: upwards at once, downwards with the
// weight of the time since the last answer.
func (n *node) observe(now int64, took float64, decay time.Duration) {
	n.mu.Lock()
	avg := math.Float64frombits(n.average.Load())
	if took < avg {
		w := math.Exp(-float64(max(now-n.stamp.Load(), 0)) / float64(decay))
		took = avg*w + took*(1-w)
	}
	n.average.Store(math.Float64bits(took))
	n.stamp.Store(max(now, n.stamp.Load()))
	n.mu.Unlock()
}

// judge counts an answer and reports whether the endpoint is an outlier.
func (n *node) judge(now int64, failed bool, c *OutlierConfig) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now >= n.interval {
		n.calls, n.failures, n.interval = 0, 0, now+int64(c.Interval)
	}
	n.calls++
	if !failed {
		n.row = 0
		return false
	}
	n.row++
	n.failures++
	return n.row >= c.Failures || c.Rate > 0 && n.calls >= c.MinCalls && float64(n.failures) >= c.Rate*float64(n.calls)
}

// fresh forgets what speaks against an endpoint that comes back.
func (n *node) fresh() {
	n.mu.Lock()
	n.row, n.calls, n.failures, n.interval = 0, 0, 0, 0
	n.mu.Unlock()
}
