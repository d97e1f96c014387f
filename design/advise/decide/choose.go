package decide

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// Draws of the unknown: for a choice, for the confidence.
const (
	choiceDraws     = 64
	confidenceDraws = 256
	// enough is how often an alternative must be the cheapest before it is worth
	// changing what works: three draws of four.
	enough = .75
)

// weighing is one decision at one subject.
type weighing struct {
	c        *Case
	d        *Decision
	sub      Subject
	measures map[string]*Measure
	facts    map[string]Fact
	used     map[string]bool
	prices   map[string]bool
	vetoes   map[string]string // by constraints
	fixed    string            // the unknown that a what-if gives a value
}

func (c *Case) weigh(d *Decision, sub Subject) *weighing {
	w := &weighing{c: c, d: d, sub: sub, measures: map[string]*Measure{}, facts: map[string]Fact{}, used: map[string]bool{}, prices: map[string]bool{}}
	all := Measures()
	for i := range all {
		w.measures[all[i].Key], w.facts[all[i].Key] = &all[i], c.facts[all[i].Key]
	}
	for i := range d.Local {
		m := &d.Local[i]
		w.measures[m.Key], w.facts[m.Key] = m, sub.Facts[m.Key]
	}
	w.vetoes = c.constraints(d, sub)
	for _, o := range d.Options { // to learn what is used
		w.sheet(o.ID, w.middle(), nil, false)
	}
	return w
}

// unknown are the measures that matter and are not known, sorted.
func (w *weighing) unknown() []string {
	var out []string
	for k := range w.used {
		if !w.facts[k].Value.Known {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// between is the point at t of the way from the least to the most, by its
// logarithm where the range spans orders.
func (m *Measure) between(t float64) float64 {
	v := m.From + t*(m.To-m.From)
	if m.From > 0 && m.To > 8*m.From {
		v = m.From * math.Pow(m.To/m.From, t)
	}
	if m.Whole {
		v = math.Round(v)
	}
	return v
}

func (w *weighing) middle() map[string]float64 {
	out := map[string]float64{}
	for k, m := range w.measures {
		if f := w.facts[k]; f.Value.Known {
			out[k] = f.Value.V
		} else {
			out[k] = m.between(.5)
		}
	}
	return out
}

// sheet prices an option at the given values; nil prices are those of the case.
func (w *weighing) sheet(option string, values, prices map[string]float64, text bool) *Sheet {
	s := &Sheet{Current: w.sub.Current, Case: w.c, option: option, prices: prices, text: text}
	if prices == nil {
		s.prices = w.c.Prices.values()
	}
	s.used = func(key string, price bool) {
		if price {
			w.prices[key] = true
		} else {
			w.used[key] = true
		}
	}
	s.values = func(key string) (float64, string) {
		m := w.measures[key]
		if m == nil {
			panic("decide: " + w.d.ID + " uses no measure " + key)
		}
		v := values[key]
		switch {
		case !text:
			return v, ""
		case !w.facts[key].Value.Known:
			return v, "unknown " + cmp.Or(m.Unit, m.Key) + " (" + number(m.From) + " to " + number(m.To) + ")"
		}
		return v, m.text(v)
	}
	w.d.Judge(s, option)
	if v := w.vetoes[option]; v != "" {
		s.veto = v
	}
	if b := w.c.budget(); b.Value.Known && s.veto == "" && s.money > b.Value.V {
		s.Veto("%s a month are above the budget of %s (%s)", number(s.money), number(b.Value.V), b.Where)
	}
	return s
}

// best is the cheapest option at the given values, "" when all are vetoed. At a
// tie within a hundredth what is there stays, then the simpler one.
func (w *weighing) best(values, prices map[string]float64) string {
	id, least := "", math.Inf(1)
	if prices == nil {
		prices = w.c.Prices.values()
	}
	for _, o := range w.d.Options {
		s := w.sheet(o.ID, values, prices, false)
		if s.veto != "" {
			continue
		}
		t := s.days
		if o.ID == w.sub.Current {
			t *= .99
		}
		if t < least {
			id, least = o.ID, t
		}
	}
	return id
}

// random numbers that depend on the decision alone, so that the same input gives
// the same answer and a changed input meets the same draws.
func (w *weighing) random() *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.d.ID))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// wins counts how often each option is the cheapest over draws of the unknown
// and, on demand, of the prices within how far each may be off.
func (w *weighing) wins(values map[string]float64, draws int, vary bool) map[string]int {
	r := w.random()
	unknown := w.unknown()
	keys := make([]string, 0, len(w.prices))
	for k := range w.prices {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := map[string]int{}
	v := map[string]float64{}
	for range draws {
		for k, x := range values {
			v[k] = x
		}
		for _, k := range unknown {
			if k != w.fixed {
				v[k] = w.measures[k].between(r.Float64())
			}
		}
		prices := w.c.Prices.values()
		if vary {
			for _, k := range keys {
				prices[k] *= math.Pow(w.c.Prices[k].Off, 2*r.Float64()-1)
			}
		}
		out[w.best(v, prices)]++
	}
	return out
}

// choose is the choice at the given values: the cheapest where all is known,
// else the one that is cheapest most often.
func (w *weighing) choose(values map[string]float64) string {
	if len(w.unknown()) == 0 {
		return w.best(values, nil)
	}
	return w.most(w.wins(values, choiceDraws, false))
}

func (w *weighing) most(wins map[string]int) string {
	id, n := "", 0
	for _, o := range w.d.Options {
		if k := wins[o.ID]; k > n || k == n && k > 0 && o.ID == w.sub.Current {
			id, n = o.ID, k
		}
	}
	return id
}
