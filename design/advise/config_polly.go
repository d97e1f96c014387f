package advise

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// pollyConfig writes a Polly 8 pipeline for each call, the outermost strategy
// first: the whole timeout, hedge or retry, breaker, bulkhead, one try. What is
// below the least that Polly takes is raised to it.
func pollyConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("// Settings by ashlar advise resilience, for Polly 8. Polly has no retry budget; its breaker judges a share only.\nusing System;\nusing System.Net.Http;\nusing Polly;\nusing Polly.CircuitBreaker;\nusing Polly.Hedging;\nusing Polly.Retry;\n\npublic static class Pipelines\n{\n")
	seen := map[string]int{}
	for i := range answers {
		a := &answers[i]
		if k := a.To.Kind(); k != arch.KindOp && k != arch.KindService && k != arch.KindExternal {
			continue // a store's answers are no HttpResponseMessage
		}
		name := goName(a.From.Short()) + "To" + goName(a.To.Short())
		if seen[name]++; seen[name] > 1 {
			name += fmt.Sprint(seen[name])
		}
		fmt.Fprintf(b, "    // %s to %s\n    public static ResiliencePipeline<HttpResponseMessage> %s() =>\n        new ResiliencePipelineBuilder<HttpResponseMessage>()\n", a.From.Short(), a.To.Short(), name)
		l := lines{b, a}
		l.put("            .AddTimeout(%s)\n", Timeout, span(10*time.Millisecond))
		if tries, ok := a.value(Tries); ok && tries > 1 {
			fmt.Fprintf(b, "            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>\n            {\n                MaxRetryAttempts = %g,\n", tries-1)
			l.put("                Delay = %s,\n", Wait, span(0))
			b.WriteString("                BackoffType = DelayBackoffType.Exponential,\n                UseJitter = true,\n                ShouldHandle = static o => ValueTask.FromResult(o.Outcome.Exception is HttpRequestException or Polly.Timeout.TimeoutRejectedException || (int?)o.Outcome.Result?.StatusCode is 502 or 503 or 504),\n            })\n")
		}
		l.put("            .AddHedging(new HedgingStrategyOptions<HttpResponseMessage> { MaxHedgedAttempts = 1, Delay = %s })\n", Hedge, span(0))
		pollyBreaker(b, a)
		l.put("            .AddConcurrencyLimiter(permitLimit: %s, queueLimit: 0)\n", Bulkhead, plain)
		if tries, _ := a.value(Tries); tries > 1 {
			l.put("            .AddTimeout(%s)\n", PerTry, span(10*time.Millisecond))
		}
		b.WriteString("            .Build();\n\n")
	}
	if len(seen) == 0 {
		return errors.New("polly: none of these calls goes to a service or an external")
	}
	s := strings.TrimSuffix(b.String(), "\n")
	b.Reset()
	b.WriteString(strings.Replace(s, "using System.Net.Http;\n", "using System.Net.Http;\nusing System.Threading.Tasks;\n", 1) + "}\n")
	return nil
}

func pollyBreaker(b *strings.Builder, a *Answer) {
	ratio, shares := a.value(Threshold)
	window, _ := a.value(Window)
	calls, _ := a.value(MinCalls)
	if row, ok := a.value(InARow); !shares && ok { // all of so many calls within the wait for them
		ratio, calls, window, shares = 1, row, 10, true
	}
	if !shares {
		return
	}
	fmt.Fprintf(b, "            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<HttpResponseMessage>\n            {\n                FailureRatio = %.4g,\n                SamplingDuration = %s,\n                MinimumThroughput = %g,\n                BreakDuration = TimeSpan.FromSeconds(5),\n                ShouldHandle = static o => ValueTask.FromResult(o.Outcome.Exception is HttpRequestException or Polly.Timeout.TimeoutRejectedException || (int?)o.Outcome.Result?.StatusCode >= 500),\n            })\n",
		ratio, span(500*time.Millisecond)(window), math.Max(2, calls))
}

// span writes a TimeSpan of at least least.
func span(least time.Duration) func(float64) string {
	return func(v float64) string {
		return fmt.Sprintf("TimeSpan.FromMilliseconds(%.0f)", math.Max(wholeMillis(v), float64(least.Milliseconds())))
	}
}
