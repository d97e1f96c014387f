package advise

import (
	"errors"
	"fmt"
	"go/format"
	"io"
	"math"
	"slices"
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

func plain(v float64) string { return fmt.Sprintf("%.4g", v) }

// wholeMillis cuts downwards as [Apply] does, so that parts still fit into their
// whole; less than a millisecond no platform takes.
func wholeMillis(v float64) float64 {
	return math.Max(1, math.Floor(cut(v).Seconds()*1e3+1e-6))
}

// seconds is the form that Istio's own types and every JSON of protobuf take.
func seconds(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", wholeMillis(v)/1e3), "0"), ".") + "s"
}

func milli(v float64) string { return fmt.Sprintf("%.0fms", wholeMillis(v)) }

// goTime writes a time in the largest unit that takes it whole.
func goTime(v float64) string {
	d := time.Duration(v * 1e9).Round(10 * time.Microsecond)
	for _, u := range []struct {
		d    time.Duration
		name string
	}{{time.Second, "Second"}, {time.Millisecond, "Millisecond"}, {time.Microsecond, "Microsecond"}} {
		if d >= u.d && d%u.d == 0 {
			return fmt.Sprintf("%d * time.%s", d/u.d, u.name)
		}
	}
	return fmt.Sprintf("%d", max(d, 1))
}

// goConfig writes a resilience.Config for each call.
func goConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("// Package settings has what `ashlar advise resilience` computed, for resilience.New.\npackage settings\n\nimport (\n\"time\"\n\n\"github.com/ashlar-dev/ashlar/patterns/policy\"\n\"github.com/ashlar-dev/ashlar/patterns/resilience\"\n)\n")
	seen := map[string]int{}
	for i := range answers {
		a := &answers[i]
		name := goName(a.From.Short()) + "To" + goName(a.To.Short())
		if seen[name]++; seen[name] > 1 {
			name += fmt.Sprint(seen[name])
		}
		fmt.Fprintf(b, "\n// %s: %s to %s.\nvar %s = resilience.Config{\n", name, a.From.Short(), a.To.Short(), name)
		part := func(kind string, fill func(l lines)) {
			var in strings.Builder
			if fill(lines{&in, a}); in.Len() > 0 {
				fmt.Fprintf(b, "%s: &policy.%sConfig{%s},\n", kind, kind, strings.TrimSuffix(in.String(), ", "))
			}
		}
		part("Timeout", func(l lines) {
			l.put("Total: %s, ", Timeout, goTime)
			l.put("Try: %s, ", PerTry, goTime)
		})
		part("Retry", func(l lines) {
			l.put("Tries: %s, ", Tries, plain)
			l.put("BaseWait: %s, ", Wait, goTime)
			l.put("Budget: policy.BudgetConfig{Ratio: %s}, ", RetryBudget, func(v float64) string {
				if v == 0 {
					v = -1 // none; 0 would be the default
				}
				return plain(v)
			})
		})
		part("Breaker", func(l lines) {
			if _, ok := a.value(Window); ok {
				l.b.WriteString("Window: policy.TimeWindow, ")
			}
			l.put("Window: policy.Consecutive, Size: %s, ", InARow, plain)
			l.put("Span: %s, ", Window, goTime)
			l.put("MinCalls: %s, ", MinCalls, plain)
			l.put("FailureRate: %s, ", Threshold, plain)
			l.put("SlowAfter: %s, ", SlowAfter, goTime)
			l.put("StallCalls: %s, ", StallCalls, plain)
		})
		part("Bulkhead", func(l lines) { l.put("Limit: %s, ", Bulkhead, plain) })
		part("Hedge", func(l lines) { l.put("After: %s, ", Hedge, goTime) })
		b.WriteString("}\n")
	}
	text := b.String()
	if !strings.Contains(text, "time.") {
		text = strings.Replace(text, "\"time\"\n\n", "", 1)
	}
	src, err := format.Source([]byte(text))
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
	hosts := byHost(answers) // a VirtualService routes HTTP, which stores do not speak
	if len(hosts) == 0 {
		return errors.New("istio: none of these calls goes to a service, and a VirtualService routes HTTP only")
	}
	for i, c := range hosts {
		h, a := c.host, c.answer
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
		row, breaks := a.inARow(5) // the mesh counts failures in a row, not a share: 5 is its own default
		if !limit && !breaks {
			continue
		}
		fmt.Fprintf(b, "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %q}\nspec:\n  host: %q\n  trafficPolicy:\n", h, h)
		l.put("    connectionPool: {http: {http2MaxRequests: %s}}\n", Bulkhead, plain)
		if breaks {
			fmt.Fprintf(b, "    outlierDetection: {consecutive5xxErrors: %g, interval: 1s, baseEjectionTime: 5s, maxEjectionPercent: 50}\n", row)
		}
	}
	return nil
}

// callee is a host with the settings of all calls to it.
type callee struct {
	host   string
	answer *Answer
}

// byHost joins the settings of the calls to services, in the order in which the
// services come: platforms that know hosts know neither callers nor, all of them,
// operations.
func byHost(answers []Answer) []callee {
	var out []callee
	for i := range answers {
		a := &answers[i]
		if k := a.To.Kind(); k != arch.KindOp && k != arch.KindService {
			continue
		}
		if j := slices.IndexFunc(out, func(c callee) bool { return c.host == host(a.To) }); j >= 0 {
			out[j].answer = widest(out[j].answer, a)
			continue
		}
		out = append(out, callee{host(a.To), a})
	}
	return out
}

// widest joins the settings of two calls: the longest time, the fewest tries, the
// largest limit. What is known of one only is left out, since it might be too
// little for the other.
func widest(a, b *Answer) *Answer {
	out := *a
	out.Numbers = nil
	for _, n := range a.Numbers {
		m, ok := b.Number(n.Name)
		switch {
		case !ok:
			continue
		case (m.Value > n.Value) != (n.Name == Tries):
			n = m
		}
		out.Numbers = append(out.Numbers, n)
	}
	_, row := out.value(InARow)
	_, calls := out.value(MinCalls)
	x, one := a.inARow(math.Inf(1))
	y, two := b.inARow(math.Inf(1))
	if !row && !calls && one && two { // a share in one, a row in the other
		out.add(InARow, max(x, y), "", "", fromRow)
	}
	return &out
}

// inARow is how many failures in a row open a breaker that knows no share, most
// of them at the most.
func (a *Answer) inARow(most float64) (float64, bool) {
	if v, ok := a.value(InARow); ok {
		return v, true
	}
	v, ok := a.value(MinCalls)
	return min(v, most), ok
}

// r4jConfig writes Spring Boot properties of Resilience4j.
func r4jConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("resilience4j:\n")
	const breaker = Window + " or " + InARow
	group := func(name, of, needs string, put func(l lines)) {
		first := true
		seen := map[string]int{}
		for i := range answers {
			a := &answers[i]
			id := goName(a.From.Short()) + "To" + goName(a.To.Short())
			if seen[id]++; seen[id] > 1 {
				id += fmt.Sprint(seen[id])
			}
			if _, ok := a.value(needs); !ok && needs != breaker {
				continue
			}
			if _, ok := a.inARow(1); !ok && needs == breaker {
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
	group("circuitbreaker", "instances", breaker, func(l lines) {
		if row, ok := l.a.value(InARow); ok { // the last so many, all failed
			fmt.Fprintf(b, in+"slidingWindowType: COUNT_BASED\n"+in+"slidingWindowSize: %g\n"+in+"minimumNumberOfCalls: %g\n"+in+"failureRateThreshold: 100\n", row, row)
			return
		}
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
