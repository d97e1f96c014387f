package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// refBulkhead is a list of waiting calls and a count.
type refBulkhead struct {
	c      policy.BulkheadConfig
	now    policy.Time
	under  int
	queue  []policy.Turn
	next   policy.Turn
	gap    float64
	handed policy.Time
}

func (r *refBulkhead) admit(now, deadline policy.Time) (policy.Turn, policy.Reason) {
	if r.under < r.c.Limit && len(r.queue) == 0 {
		r.under++
		return 0, policy.Admitted
	}
	r.now = max(r.now, now)
	if len(r.queue) >= r.c.Queue {
		return 0, policy.Full
	}
	wait := min(r.c.MaxWait, deadline.Sub(r.now))
	if wait <= 0 || len(r.queue) > 0 && r.gap*float64(len(r.queue)+1) > float64(wait) {
		return 0, policy.TooLate
	}
	if len(r.queue) == 0 {
		r.handed = -1
	}
	r.next++
	r.queue = append(r.queue, r.next)
	return r.next, policy.Queued
}

func (r *refBulkhead) leave(now policy.Time) (policy.Turn, bool) {
	if len(r.queue) == 0 {
		r.under--
		return 0, false
	}
	r.now = max(r.now, now)
	if r.under > r.c.Limit {
		r.under--
		return 0, false
	}
	if r.handed >= 0 {
		r.gap += (float64(r.now.Sub(r.handed)) - r.gap) / 8
	}
	r.handed = r.now
	t := r.queue[0]
	r.queue = r.queue[1:]
	return t, true
}

func (r *refBulkhead) configure(now policy.Time, c policy.BulkheadConfig) (turns []policy.Turn) {
	r.now = max(r.now, now)
	r.c = c.Defaults()
	for r.under < r.c.Limit && len(r.queue) > 0 {
		turns = append(turns, r.queue[0])
		r.queue = r.queue[1:]
		r.under++
	}
	return turns
}

func TestBulkheadIsItsModel(t *testing.T) {
	t.Parallel()
	configs := []policy.BulkheadConfig{{Limit: 3}, {Limit: 1, Queue: 4}, {Limit: 5, Queue: 10, MaxWait: time.Second}, {Limit: 2, Queue: 3, MaxWait: 20 * time.Millisecond}}
	b, err := policy.NewBulkhead(configs[1])
	if err != nil {
		t.Fatal(err)
	}
	ref := &refBulkhead{c: configs[1].Defaults(), handed: -1}
	rng := rand.New(rand.NewPCG(3, 4))
	now := policy.Time(0)
	var waiting, past []policy.Turn
	seen := map[policy.Reason]int{}
	for step := range modelSteps {
		now += policy.Time(rng.Int64N(int64(5 * time.Millisecond)))
		at := max(0, now-policy.Time(rng.Int64N(int64(time.Millisecond))))
		switch k := rng.IntN(1000); {
		case k == 0:
			c := configs[rng.IntN(len(configs))]
			got, err := b.Configure(at, c)
			want := ref.configure(at, c)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("step %d: configure named %v (%v), reference %v", step, got, err, want)
			}
			waiting = slices.DeleteFunc(waiting, func(x policy.Turn) bool { return slices.Contains(got, x) })
		case k < 500:
			deadline := policy.Never
			if rng.IntN(2) == 0 {
				deadline = at + policy.Time(rng.Int64N(int64(50*time.Millisecond)))
			}
			turn, v := b.Admit(at, deadline)
			wantTurn, want := ref.admit(at, deadline)
			seen[want]++
			if turn != wantTurn || v.Reason != want {
				t.Fatalf("step %d: %s turn %d, reference %s turn %d", step, v.Reason, turn, want, wantTurn)
			}
			if want == policy.Queued {
				waiting = append(waiting, turn)
			}
		case k < 900 && ref.under > 0:
			turn, ok := b.Leave(at)
			wantTurn, want := ref.leave(at)
			if turn != wantTurn || ok != want {
				t.Fatalf("step %d: handed to %d %t, reference %d %t", step, turn, ok, wantTurn, want)
			}
			if ok {
				waiting = slices.DeleteFunc(waiting, func(x policy.Turn) bool { return x == turn })
				past = append(past, turn)
			}
		case k < 950 && len(waiting) > 0:
			i := rng.IntN(len(waiting))
			if !b.Cancel(waiting[i]) {
				t.Fatalf("step %d: turn %d waits and cannot be cancelled", step, waiting[i])
			}
			ref.queue = slices.DeleteFunc(ref.queue, func(x policy.Turn) bool { return x == waiting[i] })
			waiting = slices.Delete(waiting, i, i+1)
		case len(past) > 0:
			if b.Cancel(past[len(past)-1]) {
				t.Fatalf("step %d: a turn that was named could be cancelled", step)
			}
			past = past[:0]
		}
		if b.InFlight() != ref.under || b.Waiting() != len(ref.queue) {
			t.Fatalf("step %d: %d under way, %d waiting, reference %d, %d", step, b.InFlight(), b.Waiting(), ref.under, len(ref.queue))
		}
	}
	for _, want := range []policy.Reason{policy.Admitted, policy.Full, policy.Queued, policy.TooLate} {
		if seen[want] < 100 {
			t.Errorf("%s came only %d times", want, seen[want])
		}
	}
}
