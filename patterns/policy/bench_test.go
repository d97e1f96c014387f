package policy_test

import (
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
)

func BenchmarkBreaker(b *testing.B) {
	for _, tc := range []struct {
		name string
		c    policy.BreakerConfig
		bad  int // one call in so many fails; 0: none
	}{
		{"count", policy.BreakerConfig{}, 0},
		{"count, one in 50 fails", policy.BreakerConfig{}, 50},
		{"time", policy.BreakerConfig{Window: policy.TimeWindow}, 0},
		{"count, all reasons", policy.BreakerConfig{SlowAfter: time.Second}, 0},
		{"time, all reasons", policy.BreakerConfig{Window: policy.TimeWindow, SlowAfter: time.Second}, 0},
	} {
		b.Run(tc.name, func(b *testing.B) {
			br, err := policy.NewBreaker(tc.c, 1, nil)
			if err != nil {
				b.Fatal(err)
			}
			now := policy.Time(0)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				now += 100
				t, _ := br.Admit(now)
				n++
				o := policy.Success
				if tc.bad > 0 && n%tc.bad == 0 {
					o = policy.Failure
				}
				br.Report(t, now+50, o)
			}
		})
	}
}
