package policy_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

// hammer runs f from several goroutines, n times each, with a clock that they
// share and push.
func hammer(n int, f func(rng *rand.Rand, now policy.Time)) {
	var clock atomic.Int64
	var wg sync.WaitGroup
	for g := range uint64(8) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(g, 1))
			for range n {
				f(rng, policy.Time(clock.Add(rng.Int64N(int64(time.Millisecond)))))
			}
		})
	}
	wg.Wait()
}

func TestBreakerHammered(t *testing.T) {
	t.Parallel()
	for _, c := range []policy.BreakerConfig{
		{Size: 20, OpenFor: 50 * time.Millisecond},
		{Window: policy.TimeWindow, Span: time.Second, SlowAfter: 20 * time.Millisecond, OpenFor: 50 * time.Millisecond},
	} {
		var mu sync.Mutex
		next := map[uint64]policy.Change{}
		b, err := policy.NewBreaker(c, 1, func(ch policy.Change) {
			mu.Lock()
			defer mu.Unlock()
			if _, twice := next[ch.Seq]; twice {
				t.Errorf("change %d told twice", ch.Seq)
			}
			next[ch.Seq] = ch
		})
		if err != nil {
			t.Fatal(err)
		}
		var under atomic.Int64
		hammer(20_000, func(rng *rand.Rand, now policy.Time) {
			tk, v := b.Admit(now)
			if !v.Admit() {
				return
			}
			if b.State() == policy.HalfOpen {
				under.Add(1)
				defer under.Add(-1)
			}
			switch rng.IntN(1000) {
			case 0:
				_ = b.Snapshot(now)
			case 1:
				b.Reset(now)
			case 2:
				c := b.Config()
				c.MinCalls = 5 + rng.IntN(10)
				if err := b.Configure(now, c); err != nil {
					t.Error(err)
				}
			}
			o := policy.Success
			if rng.IntN(3) == 0 {
				o = policy.Failure
			}
			b.Report(tk, now+policy.Time(rng.Int64N(int64(30*time.Millisecond))), o)
		})
		for seq := uint64(2); seq <= uint64(len(next)); seq++ {
			if next[seq].From != next[seq-1].To {
				t.Fatalf("change %d starts from %s, the one before went to %s", seq, next[seq].From, next[seq-1].To)
			}
		}
		if len(next) < 10 {
			t.Errorf("only %d changes", len(next))
		}
		b.Reset(policy.Never / 2)
		if s := b.Snapshot(policy.Never / 2); s.InFlight != 0 || s.Overdue != 0 {
			t.Errorf("after all calls: %+v", s)
		}
	}
}

func TestBulkheadHammered(t *testing.T) {
	t.Parallel()
	const limit = 3
	b, err := policy.NewBulkhead(policy.BulkheadConfig{Limit: limit, Queue: 4, MaxWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var under, most atomic.Int64
	var turns sync.Map // turn -> chan struct{}
	channel := func(turn policy.Turn) chan struct{} {
		ch, _ := turns.LoadOrStore(turn, make(chan struct{}))
		return ch.(chan struct{})
	}
	hammer(20_000, func(rng *rand.Rand, now policy.Time) {
		turn, v := b.Admit(now, policy.Never)
		switch v.Reason {
		case policy.Queued:
			if rng.IntN(3) == 0 && b.Cancel(turn) {
				return
			}
			<-channel(turn) // a lost wake-up hangs here
		case policy.Admitted:
		default:
			return
		}
		n := under.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		under.Add(-1)
		if turn, ok := b.Leave(now); ok {
			close(channel(turn))
		}
	})
	if most.Load() > limit || b.InFlight() != 0 || b.Waiting() != 0 {
		t.Fatalf("up to %d under way, %d left, %d waiting", most.Load(), b.InFlight(), b.Waiting())
	}
}

func TestBudgetRateAndAdaptiveHammered(t *testing.T) {
	t.Parallel()
	budget, err := policy.NewBudget(policy.BudgetConfig{Ratio: 0.1, Burst: 10, PerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	rate, err := policy.NewRate(policy.RateConfig{PerSecond: 1000, Burst: 50})
	if err != nil {
		t.Fatal(err)
	}
	adaptive, err := policy.NewAdaptive(policy.AdaptiveConfig{Initial: 5, Max: 6})
	if err != nil {
		t.Fatal(err)
	}
	var earned, spent, started, last, most atomic.Int64
	hammer(20_000, func(rng *rand.Rand, now policy.Time) {
		earned.Add(1) // before Earn: the sum must never be behind
		budget.Earn()
		if rng.IntN(2) == 0 && budget.Spend(now) {
			spent.Add(1)
		}
		if rate.Admit(now, policy.Never, 1).Admit() {
			started.Add(1)
		}
		for m := last.Load(); int64(now) > m && !last.CompareAndSwap(m, int64(now)); m = last.Load() {
		}
		if adaptive.Admit().Admit() {
			if n := int64(adaptive.InFlight()); n > most.Load() {
				most.Store(n)
			}
			adaptive.Report(now, now+policy.Time(rng.Int64N(1e6)), policy.Success)
		}
	})
	if got, top := spent.Load(), 10+earned.Load()/10; got > top {
		t.Errorf("%d retries for %d calls, at most %d", got, earned.Load(), top)
	}
	if got, top := started.Load(), 51+last.Load()/int64(time.Millisecond); got > top {
		t.Errorf("%d starts in %s, at most %d", got, time.Duration(last.Load()), top)
	}
	if most.Load() > 6 || adaptive.InFlight() != 0 {
		t.Errorf("adaptive: up to %d under way, %d left", most.Load(), adaptive.InFlight())
	}
}
