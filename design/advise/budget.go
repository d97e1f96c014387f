package advise

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// goal is what is left of an objective at one operation or call.
type goal struct {
	q       float64 // 0.99
	budget  float64 // seconds; 0: no goal of time
	fail    float64 // share that may fail
	hasFail bool
	tries   int      // what one request at the entry has become here
	hops    int      // calls from the entry to here
	steps   []string // the arithmetic so far, the entry first
	in      []Input
	broken  string     // why it cannot be kept
	unknown []Question // what would have to be known to divide it
	of      string     // what made the promise
}

// goals lists what the objectives of an operation's journeys, of its service
// and of its callers leave for it.
func (m *model) goals(op arch.Ref, seen []arch.Ref) []goal {
	if slices.Contains(seen, op) {
		return nil // a cycle adds no promise of its own
	}
	seen = append(slices.Clone(seen), op)
	var out []goal
	for _, n := range arch.Sorted(m.s.Journeys) {
		if j := m.s.Journeys[n]; j.Entry == op {
			out = append(out, m.promises(arch.NewRef(arch.KindJourney, n), j.Objectives)...)
		}
	}
	out = append(out, m.promises(op.Parent(), m.s.Services[op.Name()].Objectives)...)
	for _, e := range m.edges {
		if e.Call.To == op && !e.Call.Async.V {
			out = append(out, m.callGoals(e, seen)...)
		}
	}
	return out
}

func (m *model) promises(of arch.Ref, objectives []arch.Objective) []goal {
	var out []goal
	for _, o := range objectives {
		at := arch.Field("").Join("objectives", o.Key())
		g := goal{tries: 1, of: of.Short()}
		if t, ok := o.Latency.Get(); ok && o.Percentile > 0 {
			g.q, g.budget = o.Percentile/100, t.Seconds()
			g.in = []Input{m.input(of.Short()+" "+o.Key(), t.String(), arch.Fact{Of: of, At: at.Join("latency")}, arch.Fact{Of: of, At: at})}
		}
		if v, ok := o.Availability.Get(); ok {
			g.fail, g.hasFail = 1-v, true
			g.in = append(g.in, m.input(of.Short()+" availability", pct(v), arch.Fact{Of: of, At: at.Join("availability")}, arch.Fact{Of: of, At: at}))
		}
		if g.budget > 0 || g.hasFail {
			out = append(out, g)
		}
	}
	return out
}

// callGoals lists what the goals of the calling operation leave for a call.
func (m *model) callGoals(e arch.Edge, seen []arch.Ref) []goal {
	op, ok := m.op(e.From)
	if e.From.Kind() == arch.KindService { // of its operations nothing is known: all that it calls, in sequence, is the worst of them
		op, ok = arch.Operation{Calls: m.s.Services[e.From.Name()].Uses}, true
	}
	if !ok {
		return nil
	}
	var out []goal
	for _, g := range m.goals(e.From, seen) {
		g.steps, g.in, g.unknown = slices.Clone(g.steps), slices.Clone(g.in), slices.Clone(g.unknown)
		if len(seen) > 0 { // the tries of the asked call itself are what is advised
			g.tries *= max(1, m.call(e).Effective(m.o.Env).Tries)
		}
		g.hops++
		if g.hasFail {
			n := m.mandatory(op)
			g.fail /= float64(n)
			g.steps = append(g.steps, fmt.Sprintf("%s of %s may fail, an equal part for each of %d calls", pct(g.fail), e.From.Short(), n))
		}
		if g.budget > 0 {
			m.divide(&g, e, op)
		}
		out = append(out, g)
	}
	return out
}

// mandatory counts the calls whose failure fails the operation.
func (m *model) mandatory(op arch.Operation) int {
	n := 0
	for _, c := range op.Calls {
		if !c.Async.V && !c.Optional.V && c.Access != arch.AccessPublish {
			n++
		}
	}
	return max(1, n)
}

// divide gives a call its part of the operation's budget: what the own work
// leaves is shared by the parts in sequence as they need it at the goal's
// percentile, so that all of them at their timeouts together still keep it.
func (m *model) divide(g *goal, e arch.Edge, op arch.Operation) {
	w := &walk{m: m, op: op, from: e.From, q: g.q}
	tree := op.Body
	placed := op.Placed()
	root := arch.Step{Kind: arch.Seq, Steps: []arch.Step{tree}}
	if tree.Kind == arch.Seq {
		root.Steps = slices.Clone(tree.Steps)
	}
	for _, id := range arch.Sorted(op.Calls) { // it is not known when: in sequence is the worst
		if !placed[id] {
			root.Steps = append(root.Steps, arch.Step{Kind: arch.Do, Call: id})
		}
	}
	need := w.need(root)
	if len(w.missing) > 0 {
		g.unknown = append(g.unknown, w.missing...)
		g.budget = 0
		return
	}
	if need > g.budget {
		g.broken = fmt.Sprintf("%s needs %s at p%g for what it does and %s of the goal of %s are left for it", e.From.Short(), sec(need), 100*g.q, sec(g.budget), g.of)
	}
	b, text, _ := w.share(root, e.ID, g.budget)
	g.steps = append(g.steps, text...)
	g.budget = max(b, 0)
}

// walk measures a call tree at a quantile.
type walk struct {
	m       *model
	op      arch.Operation
	from    arch.Ref
	q       float64
	missing []Question
}

func (w *walk) times(s arch.Step) float64 {
	n, ok := s.Times.Quantile(w.q)
	if !ok {
		return 1
	}
	return max(1, math.Round(n))
}

// latency of a call as the caller sees it, at the quantile.
func (w *walk) latency(id string) (float64, bool) {
	c := w.op.Calls[id]
	if c.Async.V || c.Access == arch.AccessPublish {
		return 0, true
	}
	v, ok := c.Latency.Quantile(w.q)
	if o, is := w.m.op(c.To); !ok && is {
		if v, ok = o.Latency.Quantile(w.q); ok {
			n, _ := c.Network.Quantile(w.q)
			v += n
		}
	}
	return v, ok
}

// need is how long a step takes at the quantile. Quantiles of a sequence are
// added, which is what it takes when all parts are slow together.
func (w *walk) need(s arch.Step) float64 {
	var sum, most float64
	for _, k := range s.Steps {
		t := w.need(k)
		sum, most = sum+t, max(most, t)
	}
	switch s.Kind {
	case arch.Work:
		t, _ := s.Own.Quantile(w.q)
		return t
	case arch.Do:
		t, ok := w.latency(s.Call)
		if q := howLong(w.from, s.Call, w.op.Calls[s.Call]); !ok && !slices.Contains(w.missing, q) {
			w.missing = append(w.missing, q)
		}
		return t
	case arch.Par, arch.Choice:
		return most
	case arch.Loop:
		return sum * w.times(s)
	}
	return sum
}

// fixed reports whether nothing in a step can be cut short by a timeout.
func (w *walk) fixed(s arch.Step) bool {
	calls := false
	s.Walk(func(k arch.Step) bool { calls = calls || k.Kind == arch.Do; return !calls })
	return !calls
}

// share is the part of a step's budget that falls to a call within it; the
// least where the call stands several times.
func (w *walk) share(s arch.Step, id string, budget float64) (float64, []string, bool) {
	switch s.Kind {
	case arch.Do:
		return budget, nil, s.Call == id
	case arch.Work:
		return 0, nil, false
	case arch.Loop:
		n := w.times(s)
		b, text, ok := w.share(arch.Step{Kind: arch.Seq, Steps: s.Steps}, id, budget/n)
		if ok && n > 1 {
			text = append([]string{fmt.Sprintf("%s / %g rounds = %s", sec(budget), n, sec(budget/n))}, text...)
		}
		return b, text, ok
	case arch.Par, arch.Choice:
		return w.least(s.Steps, id, func(arch.Step) (float64, string) { return budget, "" })
	}
	var own, flex float64
	for _, k := range s.Steps {
		if w.fixed(k) {
			own += w.need(k)
		} else {
			flex += w.need(k)
		}
	}
	return w.least(s.Steps, id, func(k arch.Step) (float64, string) {
		rest := budget - own
		if t := w.need(k); flex > 0 && t < flex {
			b := rest * t / flex
			if own == 0 {
				return b, fmt.Sprintf("%s x %s / %s = %s", sec(budget), sec(t), sec(flex), sec(b))
			}
			return b, fmt.Sprintf("(%s - %s own work) x %s / %s = %s", sec(budget), sec(own), sec(t), sec(flex), sec(b))
		}
		if own == 0 {
			return rest, ""
		}
		return rest, fmt.Sprintf("%s - %s own work = %s", sec(budget), sec(own), sec(rest))
	})
}

func (w *walk) least(steps []arch.Step, id string, part func(arch.Step) (float64, string)) (float64, []string, bool) {
	best, found := math.Inf(1), false
	var bestText []string
	for _, k := range steps {
		b, line := part(k)
		v, text, ok := w.share(k, id, b)
		if !ok || found && v >= best {
			continue
		}
		if line != "" {
			text = append([]string{line}, text...)
		}
		best, bestText, found = v, text, true
	}
	return best, bestText, found
}

// sec writes seconds with three digits that count.
func sec(v float64) string {
	d := time.Duration(v * 1e9)
	for unit := time.Second; unit >= time.Microsecond; unit /= 10 {
		if d.Abs() >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return strings.Replace(d.String(), "µs", "us", 1)
}

func pct(v float64) string { return fmt.Sprintf("%.4g%%", 100*v) }
