package advise_test

import (
	"math"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// What TestByHand leaves, each worked by hand from the knobs of usual: 50 calls
// a second at each of two instances, 20 ms at the callee, 20 ms of own work, 60
// ms for the other call, 300 ms in all.
func TestByHandTheRest(t *testing.T) {
	t.Parallel()
	type want map[string]float64
	for _, c := range []struct {
		what string
		turn func(*knobs)
		edit func(arch.System)
		want want
	}{
		{what: "stalls", turn: func(k *knobs) { k.budget = time.Second }, want: want{
			advise.Timeout:    0.245,   // (1000 - 20) x 20 / 80
			advise.PerTry:     0.1125,  // (245 - 20) / 2
			advise.SlowAfter:  0.05625, // half a try, below 10 x 20
			advise.StallCalls: 5,       // 6 / 50 + 9/8 x 0.05625 is below 10 s
		}},
		{what: "stalls at little traffic", turn: func(k *knobs) { k.budget, k.rate = time.Second, 1 }, want: want{
			advise.InARow:     5, // 0.5 x 10
			advise.StallCalls: 3, // 4 / 0.5 + 9/8 x 0.05625 = 8.06 s; one more is past 10 s
		}},
		{what: "no failure seen", turn: func(k *knobs) { k.fail = 0 }, edit: func(s arch.System) {
			c := s.Services["a"].Operations["Do"].Calls[toB]
			c.Latency.N = 600
			s.Services["a"].Operations["Do"].Calls[toB] = c
		}, want: want{
			advise.Tries:       2,    // 3 / 600 = 0.5 %: ln 0.05 % / ln 0.5 % = 1.43
			advise.RetryBudget: 0.01, // 2 x 0.5 %
		}},
		{what: "a share above the floor", turn: func(k *knobs) { k.fail, k.avail = 0.3, 0.5 }, want: want{
			advise.Tries:     2,                                     // ln 0.25 / ln 0.3 = 1.15
			advise.Threshold: 0.3 + 3*math.Sqrt(0.3*0.7/500),        // 36.1 %
			advise.Window:    9.975 / (0.3 + 3*math.Sqrt(0.21/500)), // 27.6 s
		}},
		{what: "a share that may not be more", turn: func(k *knobs) { k.fail, k.avail, k.rate, k.budget = 0.6, 0.1, 2.2, 3*time.Second }, want: want{
			advise.Threshold: 0.9, // 0.6 + 3 x sqrt(0.24 / 11) is above
		}},
		{what: "the budget of one hop", turn: func(k *knobs) { k.fail, k.avail = 0.2, 0.9 }, want: want{
			advise.Tries:       2,    // ln 0.05 / ln 0.2 = 1.86
			advise.RetryBudget: 0.25, // not 2 x 20 %
		}},
		{what: "the budget of three tries", turn: func(k *knobs) { k.fail, k.avail, k.budget = 0.05, 0.9998, time.Second }, want: want{
			advise.Tries:       3,     // ln 0.01 % / ln 5 % = 3.07, and time for 6: the load allows 3
			advise.RetryBudget: 0.105, // 2 x (5 % + 0.25 %)
			advise.PerTry:      0.205 / 3,
		}},
		{what: "no peak", edit: func(s arch.System) {
			j := s.Journeys["j"]
			j.Peak = arch.Opt[float64]{}
			s.Journeys["j"] = j
		}, want: want{
			advise.Bulkhead: 5, // L = 50 x 20 ms = 1; 1 + 3 + 1
		}},
		{what: "four rounds", edit: func(s arch.System) {
			o := s.Services["a"].Operations["Do"]
			o.Body = arch.Step{Kind: arch.Seq, Steps: []arch.Step{
				{Kind: arch.Work, Own: arch.Const(0.02)},
				{Kind: arch.Loop, Times: arch.Const(4), Steps: []arch.Step{{Kind: arch.Do, Call: toB}}},
				{Kind: arch.Do, Call: toC},
			}}
			s.Services["a"].Operations["Do"] = o
		}, want: want{
			advise.Timeout: 0.04, // (300 - 20) x 80 / 140 = 160, in 4 rounds
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			k := usual()
			if c.turn != nil {
				c.turn(&k)
			}
			s := system(k)
			if c.edit != nil {
				c.edit(s)
			}
			as, err := advise.Resilience(s, "a", "b.Do", nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if got := value(t, as[0], name); math.Abs(got-want) > 1e-9 {
					t.Errorf("%s: %v, want %v", name, got, want)
				}
			}
		})
	}
}
