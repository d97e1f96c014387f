package facts

import (
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/link"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// instance reads a Resilience4j setting of the instance that an annotation names,
// or of the default configuration.
func (r *reader) instance(t *link.Type, x *unit.Mark, pattern, key string) (string, bool) {
	m := r.modules[t.Module]
	if m == nil || m.Setting == nil {
		return "", false
	}
	name := r.text1(t, x.Arg("name", "value"))
	for _, at := range []string{"instances." + name, "backends." + name, "configs.default"} {
		if v, ok := m.Setting("resilience4j." + pattern + "." + at + "." + key); ok {
			return v, true
		}
	}
	return "", false
}

// Duration reads what Spring takes for one: 2s, 500ms, PT2S, or milliseconds.
func Duration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(strings.TrimRight(s, "Ll"), 10, 64); err == nil {
		return time.Duration(n) * time.Millisecond, true
	}
	iso := strings.ToLower(strings.TrimPrefix(strings.ToUpper(s), "PT"))
	d, err := time.ParseDuration(iso)
	return d, err == nil
}

func (r *reader) breaker(t *link.Type, x *unit.Mark) *arch.Breaker {
	b := &arch.Breaker{}
	if v, ok := r.instance(t, x, "circuitbreaker", "sliding-window-size"); ok {
		if n, err := strconv.Atoi(v); err == nil {
			b.Count = arch.Some(n)
		}
	}
	if v, ok := r.instance(t, x, "circuitbreaker", "failure-rate-threshold"); ok {
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			b.Failures = arch.Some(f / 100)
		}
	}
	if v, ok := r.instance(t, x, "circuitbreaker", "wait-duration-in-open-state"); ok {
		if d, ok := Duration(v); ok {
			b.Open = arch.Some(d)
		}
	}
	return b
}

func (r *reader) retry(t *link.Type, x *unit.Mark) *arch.Retry {
	out := &arch.Retry{}
	v, ok := r.instance(t, x, "retry", "max-attempts")
	if !ok {
		v = r.text1(t, x.Arg("maxAttempts", "maxRetries"))
	}
	if n, err := strconv.Atoi(v); err == nil {
		if x.Arg("maxRetries") != nil {
			n++ // MicroProfile counts re-tries
		}
		out.Attempts = arch.Some(n)
	} else {
		out.Attempts = arch.Some(3) // the libraries' default
	}
	if v, ok := r.instance(t, x, "retry", "wait-duration"); ok {
		if d, ok := Duration(v); ok {
			out.Backoff = arch.Some(d)
		}
	}
	return out
}

func (r *reader) timeout(t *link.Type, x *unit.Mark, p *arch.Policy) {
	v, ok := r.instance(t, x, "timelimiter", "timeout-duration")
	if !ok && unit.Last(x.Name) == "Timeout" {
		v = r.text1(t, x.Arg("value"))
	}
	if v == "" {
		v = "1s" // the default of both
	}
	if d, ok := Duration(v); ok {
		p.Timeout = arch.Some(d)
	}
}

func (r *reader) bulkhead(t *link.Type, x *unit.Mark) *arch.Limit {
	v, ok := r.instance(t, x, "bulkhead", "max-concurrent-calls")
	if !ok {
		v = r.text1(t, x.Arg("value"))
	}
	l := &arch.Limit{}
	if n, err := strconv.Atoi(v); err == nil {
		l.Concurrent = arch.Some(n)
	}
	return l
}

// hystrix reads the limits that stand in the annotation or in the settings; its
// default limit of time is one second.
func (r *reader) hystrix(t *link.Type, x *unit.Mark, p *arch.Policy) {
	key := r.text1(t, x.Arg("commandKey"))
	if key == "" && r.cur != nil {
		key = r.cur.m.Unit.Name
	}
	const limit = "execution.isolation.thread.timeoutInMilliseconds"
	v := "1000"
	if m := r.modules[t.Module]; m != nil && m.Setting != nil {
		for _, k := range []string{"hystrix.command.default." + limit, "hystrix.command." + key + "." + limit} {
			if s, ok := m.Setting(k); ok {
				v = s
			}
		}
	}
	if props := x.Arg("commandProperties"); props != nil {
		for _, q := range list(props) {
			if r.text1(t, pair(q, "name")) == limit {
				v = r.text1(t, pair(q, "value"))
			}
		}
	}
	if d, ok := Duration(v); ok {
		p.Timeout = arch.Some(d)
	}
}
