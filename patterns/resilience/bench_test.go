package resilience_test

import (
	"context"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

func BenchmarkDo(b *testing.B) {
	for _, tc := range []struct {
		name string
		c    resilience.Config
	}{
		{"empty", resilience.Config{}},
		{"breaker count", resilience.Config{Breaker: &policy.BreakerConfig{}}},
		{"breaker all reasons", resilience.Config{Breaker: &policy.BreakerConfig{Window: policy.TimeWindow, SlowAfter: time.Second}}},
		{"retry+breaker+bulkhead", resilience.Config{Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{}}},
		{"retry+breaker+bulkhead+timeout", resilience.Config{Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{}, Bulkhead: &policy.BulkheadConfig{}, Timeout: &policy.TimeoutConfig{Total: time.Second}}},
		{"every stage", resilience.Config{Retry: &policy.RetryConfig{}, Breaker: &policy.BreakerConfig{Window: policy.TimeWindow}, Bulkhead: &policy.BulkheadConfig{}, Timeout: &policy.TimeoutConfig{Total: time.Second, Try: 500 * time.Millisecond}, Adaptive: &policy.AdaptiveConfig{}, Shed: &policy.ShedConfig{}, Rate: &policy.RateConfig{PerSecond: 1e9}}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			t, err := resilience.New("callee", tc.c, nil)
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			fn := func(context.Context) (int, error) { return 1, nil }
			b.ReportAllocs()
			for b.Loop() {
				if _, err := resilience.Do(ctx, t, resilience.Repeatable, fn); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
