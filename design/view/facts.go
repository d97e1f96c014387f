package view

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// maxPlaces bounds how many call sites a tooltip lists.
const maxPlaces = 8

func (b *builder) serviceFacts(r arch.Ref, s arch.Service) []Fact {
	fs := known(
		Fact{"context", s.Context}, Fact{"team", s.Owner}, Fact{"role", s.Role}, Fact{"language", s.Lang},
		Fact{"operations", number(len(s.Operations))}, Fact{"objective", objectives(s.Objectives)}, Fact{"image", s.Run.Image})
	return append(append(fs, b.deployed(r)...), b.where(r)...)
}

func (b *builder) storeFacts(r arch.Ref, s arch.Store) []Fact {
	fs := known(Fact{"kind", s.Kind}, Fact{"owner", s.Owner.Short()}, Fact{"tables", number(len(s.Tables))}, Fact{"pool", opt(s.Pool)})
	return append(append(fs, b.deployed(r)...), b.where(r)...)
}

func (b *builder) topicFacts(r arch.Ref, t arch.Topic) []Fact {
	var retention string
	if d, ok := t.Retention.Get(); ok {
		retention = d.String()
	}
	return append(known(Fact{"broker", t.Broker}, Fact{"key", t.Key}, Fact{"partitions", opt(t.Partitions)}, Fact{"retention", retention},
		Fact{"dead letters", t.DeadLetter}, Fact{"events", strings.Join(arch.Sorted(t.Events), ", ")}), b.where(r)...)
}

func (b *builder) gatewayFacts(r arch.Ref, g arch.Gateway) []Fact {
	return append(known(Fact{"gateway", r.Short()}, Fact{"kind", g.Kind}, Fact{"hosts", strings.Join(g.Hosts, ", ")}, Fact{"routes", number(len(g.Routes))}), b.where(r)...)
}

func (b *builder) externalFacts(r arch.Ref, x arch.External) []Fact {
	return append(known(Fact{"owner", x.Owner}, Fact{"host", x.Host}, Fact{"objective", objectives(x.Objectives)}), b.where(r)...)
}

// deployed says how an element runs in the chosen environment.
func (b *builder) deployed(r arch.Ref) []Fact {
	var d arch.Deployment
	for _, env := range []string{"", b.o.Env} {
		e, ok := b.s.Deployments[arch.DeploymentKey(env, r.Name())]
		if !ok || e.Of != "" && e.Of != r {
			continue
		}
		if e.Replicas.Known {
			d.Replicas = e.Replicas
		}
		if e.Max.Known {
			d.Max = e.Max
		}
		if e.Zones.Known {
			d.Zones = e.Zones
		}
		d.Version = cmp.Or(e.Version, d.Version)
	}
	replicas := opt(d.Replicas)
	if d.Max.Known {
		replicas = cmp.Or(replicas, "?") + " to " + opt(d.Max)
	}
	return known(Fact{"replicas", replicas}, Fact{"zones", opt(d.Zones)}, Fact{"version", d.Version})
}

func (b *builder) where(r arch.Ref) []Fact {
	return known(Fact{"said by", b.s.Ledger.Where(arch.Fact{Of: r}).String()})
}

// sum adds a call site to an arrow.
func (b *builder) sum(g *Edge, e arch.Edge) {
	c := e.Call
	g.Calls++
	if r, ok := c.Rate.Get(); ok {
		g.Rate = arch.Some(g.Rate.Or(0) + r)
	}
	switch {
	case g.Calls == 1:
		g.Protocol = c.Protocol
	case g.Protocol != c.Protocol && c.Protocol != "":
		if g.Protocol == "" {
			g.Protocol = c.Protocol
		} else if !strings.Contains(", "+g.Protocol+",", ", "+c.Protocol+",") {
			g.Protocol += ", " + c.Protocol
		}
	}
	if g.Calls > maxPlaces {
		return
	}
	what := e.From.Short() + " → " + c.To.Short()
	if c.Access != "" && c.Access != arch.AccessCall {
		what += " (" + c.Access + ")"
	}
	b.say(g, "call", what)
	if c.Why != "" {
		b.say(g, "known from", c.Why)
	}
	b.limits(g, c)
	if p99, ok := c.Latency.Quantile(.99); ok {
		b.say(g, "p99", Duration(p99))
	}
	b.say(g, "said by", b.s.Ledger.Where(e.At(), e.At("to")).String())
}

func (b *builder) limits(g *Edge, c arch.Call) {
	eff := c.Effective(b.o.Env)
	if t, ok := eff.Timeout.Get(); ok {
		text := "none"
		if t > 0 {
			text = t.String() + " (" + eff.By + ")"
		}
		b.say(g, "timeout", text)
	}
	if eff.Tries > 1 {
		b.say(g, "tries", strconv.Itoa(eff.Tries))
	}
	if o, ok := c.Optional.Get(); ok && o {
		b.say(g, "optional", "yes")
	}
}

func known(fs ...Fact) []Fact {
	var out []Fact
	for _, f := range fs {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func opt(o arch.Opt[int]) string {
	if !o.Known {
		return ""
	}
	return strconv.Itoa(o.V)
}

func objectives(os []arch.Objective) string {
	var parts []string
	for _, o := range os {
		if l, ok := o.Latency.Get(); ok {
			parts = append(parts, o.Key()+" "+l.String())
		}
		if a, ok := o.Availability.Get(); ok {
			parts = append(parts, strconv.FormatFloat(a*100, 'f', -1, 64)+" % available")
		}
	}
	return strings.Join(parts, ", ")
}

// Duration writes seconds with three digits that count: "42 ms".
func Duration(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < time.Millisecond:
		return significant(seconds*1e6) + " µs"
	case d < time.Second:
		return significant(seconds*1e3) + " ms"
	case d < 2*time.Minute:
		return significant(seconds) + " s"
	default:
		return d.Round(time.Second).String()
	}
}

// PerSecond writes a rate for an edge: "12/s", "3/min".
func PerSecond(r float64) string {
	switch {
	case r <= 0:
		return "0/s"
	case r >= 10000:
		return significant(r/1000) + "k/s"
	case r >= .5:
		return significant(r) + "/s"
	case r >= .5/60:
		return significant(r*60) + "/min"
	}
	return significant(r*3600) + "/h"
}

func significant(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
