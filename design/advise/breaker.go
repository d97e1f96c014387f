package advise

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

func (j *job) setBreaker() {
	r, ok := j.rate.Get()
	if !ok {
		return
	}
	d := j.m.o.Detect.Seconds()
	wanted := Input{"wanted detection", j.m.o.Detect.String(), "the option --detect"}
	in := append(slices.Clone(j.rateIn), wanted)
	n := r * d
	if n < 2 {
		j.a.note("no breaker: at %s per instance %.2g calls come in %s, and it takes 2 to tell; ask for --detect %s or more, or rely on the timeout", rate(r), n, j.m.o.Detect, time.Duration(math.Ceil(2/r))*time.Second)
		return
	}
	if n < 10 {
		k := math.Floor(n)
		j.a.add(InARow, k, fmt.Sprint(k), fmt.Sprintf("%s x %s, down: too few calls for a share", rate(r), j.m.o.Detect), fromRow, in...)
		j.setStall(r, in)
		return
	}
	f, known := j.seen, j.fail.Known
	if known {
		f0 := max(f, 1/n)
		theta := min(0.9, max(leastFailure, f0+3*math.Sqrt(f0*(1-f0)/n)))
		late := j.perTry
		span := (d - late) / theta
		if span <= 0 {
			j.a.note("no breaker: a try may take %s, longer than the wanted detection of %s", sec(late), j.m.o.Detect)
			return
		}
		calls := max(2, math.Floor(r*span*theta/2))
		j.a.add(Threshold, theta, pct(theta), fmt.Sprintf("%s + 3 x sqrt(%s x %s / %.3g calls), in 20%%..90%%", pct(f0), pct(f0), pct(1-f0), n), fromChart, append(in, j.failIn)...)
		j.a.add(Window, span, sec(span), fmt.Sprintf("(%s - %s a failing try) / %s", sec(d), sec(late), pct(theta)), fromWindow, in...)
		j.a.add(MinCalls, calls, fmt.Sprintf("%g", calls), fmt.Sprintf("half of %s x %s x %s", rate(r), sec(span), pct(theta)), fromWindow, in...)
	}
	j.setStall(r, in)
}

// setStall finds how many hanging calls open the breaker within the wanted time.
func (j *job) setStall(r float64, in []Input) {
	top, topIn, ok := j.latency(0.999)
	if !ok || j.perTry == 0 {
		return
	}
	slow := j.perTry / 2
	if slow < top {
		j.a.note("slow calls do not open the breaker: half a try (%s) is below the callee's p99.9 (%s)", sec(slow), sec(top))
		return
	}
	slow = max(top, min(slow, 10*top))
	j.a.add(SlowAfter, slow, sec(slow), fmt.Sprintf("10 x p99.9 %s, at most half a try %s", sec(top), sec(j.perTry/2)), fromSlow, topIn)
	for k := 5; k >= 2; k-- {
		c := policy.BreakerConfig{SlowAfter: time.Duration(slow * 1e9), StallCalls: k}
		if t := c.DetectionTime(r); t <= j.m.o.Detect {
			j.a.add(StallCalls, float64(k), fmt.Sprint(k), fmt.Sprintf("(%d + 1) / %s + 9/8 x %s = %s, at most %s", k, rate(r), sec(slow), sec(t.Seconds()), j.m.o.Detect), fromStall, in...)
			return
		}
	}
}
