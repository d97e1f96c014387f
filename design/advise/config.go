package advise

import (
	"errors"
	"fmt"
	"go/format"
	"io"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch"
)

// Targets that [Config] writes.
const Targets = "go, istio, linkerd, kong, resilience4j, polly"

// Config writes the numbers as configuration. A number that is not known is
// left out, so that the platform's own default stays visible as such.
func Config(w io.Writer, target string, answers []Answer) error {
	write, ok := map[string]func(*strings.Builder, []Answer) error{
		"go": goConfig, "istio": istioConfig, "linkerd": linkerdConfig, "kong": kongConfig, "resilience4j": r4jConfig, "polly": pollyConfig,
	}[target]
	if !ok {
		return fmt.Errorf("--as %s: want one of %s", target, Targets)
	}
	var usable []Answer
	for _, a := range answers {
		if a.Verdict == Settings && len(a.Numbers) > 0 {
			usable = append(usable, a)
		}
	}
	if len(usable) == 0 {
		return errors.New("there are no settings to write: ask without --as for the reasons")
	}
	var b strings.Builder
	if err := write(&b, usable); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *Answer) value(name string) (float64, bool) {
	n, ok := a.Number(name)
	return n.Value, ok
}

// lines collects "key: value" for the numbers that are known.
type lines struct {
	b *strings.Builder
	a *Answer
}

func (l lines) put(format, name string, as func(float64) string) {
	if v, ok := l.a.value(name); ok {
		_, _ = fmt.Fprintf(l.b, format, as(v))
	}
}

func nanos(v float64) string {
	return fmt.Sprintf("%d", time.Duration(v*1e9).Round(10*time.Microsecond))
}
func plain(v float64) string { return fmt.Sprintf("%.4g", v) }

// seconds is the form that Istio's own types and every JSON of protobuf take.
func seconds(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", math.Max(1, math.Ceil(v*1e3))/1e3), "0"), ".") + "s"
}

func milli(v float64) string { return fmt.Sprintf("%.0fms", math.Max(1, math.Ceil(v*1e3))) }

func goConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("// Settings by ashlar advise resilience; times in nanoseconds.\npackage settings\n\nimport \"github.com/ashlar-dev/ashlar/patterns/policy\"\n")
	seen := map[string]int{}
	for i := range answers {
		a := &answers[i]
		name := goName(a.From.Short()) + "To" + goName(a.To.Short())
		if seen[name]++; seen[name] > 1 {
			name += fmt.Sprint(seen[name])
		}
		l := lines{b, a}
		fmt.Fprintf(b, "\n// %s: %s to %s.\nvar %s = struct {\nTimeout policy.TimeoutConfig\nRetry policy.RetryConfig\nBreaker policy.BreakerConfig\nBulkhead policy.BulkheadConfig\nHedge *policy.HedgeConfig\n}{\nTimeout: policy.TimeoutConfig{", name, a.From.Short(), a.To.Short(), name)
		l.put("Total: %s, ", Timeout, nanos)
		l.put("Try: %s", PerTry, nanos)
		b.WriteString("},\nRetry: policy.RetryConfig{")
		l.put("Tries: %s, ", Tries, plain)
		l.put("BaseWait: %s, ", Wait, nanos)
		if r, ok := a.value(RetryBudget); ok {
			if r == 0 {
				r = -1 // none; 0 would be the default
			}
			fmt.Fprintf(b, "Budget: policy.BudgetConfig{Ratio: %.4g}", r)
		}
		b.WriteString("},\nBreaker: policy.BreakerConfig{")
		if _, ok := a.value(Window); ok {
			b.WriteString("Window: policy.TimeWindow, ")
		}
		l.put("Window: policy.Consecutive, Size: %s, ", InARow, plain)
		l.put("Span: %s, ", Window, nanos)
		l.put("MinCalls: %s, ", MinCalls, plain)
		l.put("FailureRate: %s, ", Threshold, plain)
		l.put("SlowAfter: %s, ", SlowAfter, nanos)
		l.put("StallCalls: %s", StallCalls, plain)
		b.WriteString("},\nBulkhead: policy.BulkheadConfig{")
		l.put("Limit: %s", Bulkhead, plain)
		b.WriteString("},\n")
		l.put("Hedge: &policy.HedgeConfig{After: %s},\n", Hedge, nanos)
		b.WriteString("}\n")
	}
	src, err := format.Source([]byte(b.String()))
	b.Reset()
	b.Write(src)
	return err
}

// goName makes an exported name of words.
func goName(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	if s := b.String(); s != "" && !unicode.IsDigit(rune(s[0])) {
		return s
	}
	return "X" + b.String()
}

// istioConfig writes a VirtualService and a DestinationRule for each callee. A
// mesh knows hosts, not operations: of several calls the longest timeout, the
// fewest tries and the largest limit hold.
func istioConfig(b *strings.Builder, answers []Answer) error {
	byHost := map[string]*Answer{}
	var hosts []string
	for i := range answers {
		a := &answers[i]
		if k := a.To.Kind(); k != arch.KindOp && k != arch.KindService {
			continue // a VirtualService routes HTTP, which stores do not speak
		}
		h := a.To.Name()
		if old, ok := byHost[h]; ok {
			byHost[h] = widest(old, a)
			continue
		}
		byHost[h] = a
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 {
		return errors.New("istio: none of these calls goes to a service, and a VirtualService routes HTTP only")
	}
	for i, h := range hosts {
		a := byHost[h]
		l := lines{b, a}
		if i > 0 {
			b.WriteString("---\n")
		}
		fmt.Fprintf(b, "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %q}\nspec:\n  hosts: [%q]\n  http:\n    - route: [{destination: {host: %q}}]\n", h, h, h)
		l.put("      timeout: %s\n", Timeout, seconds)
		if n, ok := a.value(Tries); ok {
			fmt.Fprintf(b, "      retries: {attempts: %g", n-1) // Istio counts what comes after the first
			if n > 1 {
				l.put(", perTryTimeout: %s", PerTry, seconds)
				b.WriteString(", retryOn: \"connect-failure,refused-stream,gateway-error\"")
			}
			b.WriteString("}\n")
		}
		_, limit := a.value(Bulkhead)
		_, window := a.value(Window)
		_, row := a.value(InARow)
		if !limit && !window && !row {
			continue
		}
		fmt.Fprintf(b, "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %q}\nspec:\n  host: %q\n  trafficPolicy:\n", h, h)
		l.put("    connectionPool: {http: {http2MaxRequests: %s}}\n", Bulkhead, plain)
		l.put("    outlierDetection: {consecutive5xxErrors: %s, interval: 1s, baseEjectionTime: 5s, maxEjectionPercent: 50}\n", InARow, plain)
		if window { // the mesh counts failures in a row, not a share: 5 is its own default
			l.put("    outlierDetection: {consecutive5xxErrors: %s", MinCalls, func(v float64) string { return plain(min(v, 5)) })
			fmt.Fprint(b, ", interval: 1s, baseEjectionTime: 5s, maxEjectionPercent: 50}\n")
		}
	}
	return nil
}

// widest joins the settings of two calls to one host.
func widest(a, b *Answer) *Answer {
	out := *a
	out.Numbers = append([]Number{}, a.Numbers...)
	for i, n := range out.Numbers {
		m, ok := b.Number(n.Name)
		if ok && (m.Value > n.Value) != (n.Name == Tries) {
			out.Numbers[i] = m
		}
	}
	return &out
}

// r4jConfig writes Spring Boot properties of Resilience4j.
func r4jConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("resilience4j:\n")
	group := func(name, of, needs string, put func(l lines)) {
		first := true
		seen := map[string]int{}
		for i := range answers {
			a := &answers[i]
			id := goName(a.From.Short()) + "To" + goName(a.To.Short())
			if seen[id]++; seen[id] > 1 {
				id += fmt.Sprint(seen[id])
			}
			if _, ok := a.value(needs); !ok {
				continue
			}
			if first {
				fmt.Fprintf(b, "  %s:\n    %s:\n", name, of)
				first = false
			}
			fmt.Fprintf(b, "      %s:\n", id)
			put(lines{b, a})
		}
	}
	const in = "        "
	group("timelimiter", "instances", Timeout, func(l lines) {
		if _, ok := l.a.value(PerTry); ok {
			l.put(in+"timeoutDuration: %s\n", PerTry, milli)
			return
		}
		l.put(in+"timeoutDuration: %s\n", Timeout, milli)
	})
	group("retry", "instances", Tries, func(l lines) {
		l.put(in+"maxAttempts: %s\n", Tries, plain)
		if _, ok := l.a.value(Wait); ok {
			l.put(in+"waitDuration: %s\n", Wait, milli)
			b.WriteString(in + "enableExponentialBackoff: true\n" + in + "enableRandomizedWait: true\n")
		}
	})
	group("circuitbreaker", "instances", Window, func(l lines) {
		b.WriteString(in + "slidingWindowType: TIME_BASED\n")
		l.put(in+"slidingWindowSize: %s\n", Window, func(v float64) string { return plain(math.Max(1, math.Round(v))) })
		l.put(in+"minimumNumberOfCalls: %s\n", MinCalls, plain)
		l.put(in+"failureRateThreshold: %s\n", Threshold, func(v float64) string { return plain(100 * v) })
		l.put(in+"slowCallDurationThreshold: %s\n", SlowAfter, milli)
	})
	group("bulkhead", "instances", Bulkhead, func(l lines) {
		l.put(in+"maxConcurrentCalls: %s\n", Bulkhead, plain)
		b.WriteString(in + "maxWaitDuration: 0\n")
	})
	return nil
}
