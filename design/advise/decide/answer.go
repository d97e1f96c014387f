package decide

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// Verdict is what an answer amounts to.
type Verdict string

// The verdicts.
const (
	Keep       Verdict = "keep"   // it is so already, and should stay
	Change     Verdict = "change" // something else than what is there
	Begin      Verdict = "choose" // nothing is there, or what is there is not known
	Open       Verdict = "open"   // another alternative looks cheaper, but not surely enough to change anything yet
	Moot       Verdict = "nothing to decide"
	Infeasible Verdict = "infeasible" // every alternative is vetoed
)

// Measured is a measure as an answer prints it.
type Measured struct {
	Key   string   `json:"key"`
	About string   `json:"about"`
	Value *float64 `json:"value"` // null: not known
	Text  string   `json:"text"`
	Where string   `json:"where,omitempty"`
	Used  bool     `json:"used"` // by the arithmetic of this decision
}

// FactorView is what is known of one factor, and what it speaks for.
type FactorView struct {
	Factor   Factor     `json:"factor"`
	About    string     `json:"about"`
	Says     string     `json:"says"` // what it costs the choice and the next best
	Measures []Measured `json:"measures"`
}

// Scored is an alternative with its score.
type Scored struct {
	ID     string  `json:"id"`
	What   string  `json:"what"`
	Days   float64 `json:"days"` // of work a year, with what is unknown at the middle of its range
	Low    float64 `json:"low"`  // over the ranges of what is unknown
	High   float64 `json:"high"`
	Money  float64 `json:"money"` // a month, part of the days
	Vetoed string  `json:"vetoed,omitempty"`
	Doubt  string  `json:"doubt,omitempty"` // a veto that holds for some values of what is unknown
	Here   bool    `json:"here,omitempty"`  // it is what is there now
	Lines  []Line  `json:"lines,omitempty"`
}

// Answer is one decision at one subject.
type Answer struct {
	Decision     string            `json:"decision"`
	Question     string            `json:"question"`
	Subject      string            `json:"subject,omitempty"`
	Of           []arch.Ref        `json:"of,omitempty"`
	Verdict      Verdict           `json:"verdict"`
	Choice       string            `json:"choice,omitempty"`
	What         string            `json:"what"`
	Rather       *Rather           `json:"rather,omitempty"` // of an open one
	Because      []string          `json:"because"`
	Alternatives []Scored          `json:"alternatives,omitempty"` // the choice first, then by their score
	Factors      []FactorView      `json:"factors"`
	Flips        []Flip            `json:"flips,omitempty"`
	Confidence   float64           `json:"confidence"`
	Sure         string            `json:"sure"` // how the confidence came about
	Test         string            `json:"test,omitempty"`
	Observe      string            `json:"observe,omitempty"`
	Maintain     string            `json:"maintain,omitempty"`
	Who          string            `json:"who,omitempty"`
	Findings     []string          `json:"findings,omitempty"`
	Questions    []advise.Question `json:"questions,omitempty"`
	Prices       []UsedPrice       `json:"prices,omitempty"`
	Source       string            `json:"source"`
}

// Rather is the alternative that looks cheaper where a decision stays open.
type Rather struct {
	Choice     string  `json:"choice"`
	What       string  `json:"what"`
	Confidence float64 `json:"confidence"`
}

// UsedPrice is a price that the arithmetic of an answer used.
type UsedPrice struct {
	Key string `json:"key"`
	Price
}

// pricesUsed are the prices of all alternatives, sorted by key.
func (w *weighing) pricesUsed() []UsedPrice {
	var out []UsedPrice
	for _, k := range sortedKeys(w.prices) {
		out = append(out, UsedPrice{k, w.c.Prices[k]})
	}
	return out
}

// priced says what stands behind the prices of an answer, "" when it used none.
func (a *Answer) priced() string {
	if len(a.Prices) == 0 {
		return ""
	}
	own, published := 0, 0
	for _, p := range a.Prices {
		switch {
		case p.From != "built in":
			own++
		case p.Source != "":
			published++
		}
	}
	text := fmt.Sprintf("%d used", len(a.Prices))
	for _, x := range []struct {
		n    int
		what string
	}{{own, "yours"}, {published, "published"}, {len(a.Prices) - own - published, "estimates"}} {
		if x.n > 0 {
			text += fmt.Sprintf(", %d %s", x.n, x.what)
		}
	}
	if own == 0 {
		text += "; put your own in with --prices FILE (--show-prices prints these)"
	}
	return text
}

func (c *Case) blank(d *Decision, sub Subject) Answer {
	a := Answer{Decision: d.ID, Question: d.Question, Subject: sub.Title, Of: sub.Of, Source: d.Source}
	a.Factors = c.factors(&weighing{c: c, d: d, facts: c.facts}, nil, nil)
	for _, f := range c.Findings {
		if slices.Contains(d.Cures, f.Rule) && (len(sub.Of) == 0 || overlap(f.Of, sub.Of)) {
			a.Findings = append(a.Findings, f.Title)
		}
	}
	return a
}

func overlap(a, b []arch.Ref) bool {
	return slices.ContainsFunc(a, func(r arch.Ref) bool { return slices.Contains(b, r) })
}

func (c *Case) decide(d *Decision, sub Subject) Answer {
	a := c.blank(d, sub)
	w := c.weigh(d, sub)
	values := w.middle()
	a.Choice = w.choose(values)
	a.Alternatives = w.scored(values, a.Choice)
	for _, k := range w.unknown() {
		for _, q := range w.facts[k].Questions {
			if !slices.Contains(a.Questions, q) {
				a.Questions = append(a.Questions, q)
			}
		}
	}
	if a.Choice == "" {
		a.Verdict, a.What = Infeasible, "no alternative is left"
		for _, s := range a.Alternatives {
			a.Because = append(a.Because, s.What+": "+s.Vetoed)
		}
		a.Factors = c.factors(w, nil, nil)
		return a
	}
	wins := w.wins(values, confidenceDraws, true)
	sure := func(id string) float64 { return math.Round(100*float64(wins[id])/confidenceDraws) / 100 }
	looks := ""
	if here := sub.Current; here != "" && here != a.Choice && sure(a.Choice) < enough && w.sheet(here, values, nil, false).veto == "" {
		looks, a.Choice = a.Choice, here
		a.Alternatives = w.scored(values, here)
	}
	o := d.option(a.Choice)
	a.Test, a.Observe, a.Maintain, a.Who, a.What = o.Test, o.Observe, o.Maintain, c.who(sub.Of), o.What
	switch {
	case looks != "":
		a.Verdict, a.Rather = Open, &Rather{looks, d.option(looks).What, sure(looks)}
		a.Because = append(a.Because, fmt.Sprintf("%s looks cheaper, but is so in %.0f %% of the draws only, and a change wants %.0f %%: what is there stays until more is known", d.option(looks).What, 100*sure(looks), 100*enough))
	case sub.Current == a.Choice:
		a.Verdict = Keep
	case sub.Current == "":
		a.Verdict = Begin
	default:
		a.Verdict = Change
	}
	best := &a.Alternatives[0]
	var next *Scored
	for i := range a.Alternatives[1:] {
		if s := &a.Alternatives[i+1]; s.Vetoed == "" {
			next = s
			break
		}
	}
	a.because(best, next, sub)
	a.Factors = c.factors(w, best, next)
	a.Flips = w.flips(cmp.Or(looks, a.Choice))
	a.Confidence = sure(a.Choice)
	a.Prices = w.pricesUsed()
	a.Sure = fmt.Sprintf("cheapest in %d of %d draws of prices within how far they may be off", wins[a.Choice], confidenceDraws)
	if u := w.unknown(); len(u) > 0 {
		a.Sure += " and of what is unknown (" + strings.Join(u, ", ") + ") within its range"
	}
	if next == nil {
		a.Sure = "no other alternative is left"
		if v, ok := sub.Sure.Get(); ok {
			a.Confidence, a.Sure = v, sub.By
		}
	}
	return a
}

func (d *Decision) option(id string) *Option {
	return &d.Options[slices.IndexFunc(d.Options, func(o Option) bool { return o.ID == id })]
}

// scored prices all options; the range is that over draws of the unknown.
func (w *weighing) scored(values map[string]float64, choice string) []Scored {
	var out []Scored
	unknown := w.unknown()
	for _, o := range w.d.Options {
		s := w.sheet(o.ID, values, nil, true)
		slices.SortStableFunc(s.lines, func(a, b Line) int { return cmp.Compare(b.Days, a.Days) })
		x := Scored{ID: o.ID, What: o.What, Days: s.days, Low: s.days, High: s.days, Money: s.money, Vetoed: s.veto, Here: o.ID == w.sub.Current, Lines: s.lines}
		if len(unknown) > 0 {
			r := w.random()
			v := map[string]float64{}
			out, why := 0, s.veto
			for i := range choiceDraws {
				for k, y := range values {
					v[k] = y
				}
				for _, k := range unknown {
					t := r.Float64()
					if i < 2 {
						t = float64(i) // both ends
					}
					v[k] = w.measures[k].between(t)
				}
				t := w.sheet(o.ID, v, nil, false)
				x.Low, x.High = min(x.Low, t.days), max(x.High, t.days)
				if t.veto != "" {
					out++
					why = cmp.Or(why, t.veto)
				}
			}
			switch { // a veto that hangs on what is unknown is none yet
			case out == choiceDraws:
				x.Vetoed = why
			case out > 0:
				x.Vetoed, x.Doubt = "", fmt.Sprintf("%s (so in %.0f %% of the draws of what is unknown)", why, 100*float64(out)/choiceDraws)
			}
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Scored) int {
		return cmp.Or(yes(b.ID == choice)-yes(a.ID == choice), yes(a.Vetoed != "")-yes(b.Vetoed != ""), cmp.Compare(a.Days, b.Days))
	})
	return out
}

// because says where the choice gains over the next best, and what vetoes took
// out.
func (a *Answer) because(best, next *Scored, sub Subject) {
	if sub.Note != "" {
		a.Because = append(a.Because, sub.Note)
	}
	if next != nil {
		text := fmt.Sprintf("%s days a year against %s for %s", best.total(), next.total(), next.What)
		if lines := next.dearest(best); len(lines) > 0 {
			text += ": that one costs " + strings.Join(lines, " and ")
		}
		a.Because = append(a.Because, text)
	}
	for _, s := range a.Alternatives {
		if s.Vetoed != "" {
			a.Because = append(a.Because, s.What+" is out: "+s.Vetoed)
		} else if s.Doubt != "" {
			a.Because = append(a.Because, s.What+" may be out: "+s.Doubt)
		}
	}
}

func (s *Scored) total() string {
	if math.Round(s.Low) == math.Round(s.High) {
		return number(math.Round(s.Days))
	}
	return number(math.Round(s.Low)) + " to " + number(math.Round(s.High))
}

// dearest are the two lines that cost most above what the other pays by that
// name.
func (s *Scored) dearest(than *Scored) []string {
	type gap struct {
		line Line
		more float64
	}
	var gaps []gap
	for _, l := range s.Lines {
		more := l.Days
		for _, o := range than.Lines {
			if o.What == l.What {
				more -= o.Days
			}
		}
		if more > .05*max(s.Days, 1) {
			gaps = append(gaps, gap{l, more})
		}
	}
	slices.SortStableFunc(gaps, func(a, b gap) int { return cmp.Compare(b.more, a.more) })
	var out []string
	for _, g := range gaps[:min(2, len(gaps))] {
		out = append(out, number(math.Round(10*g.more)/10)+" more for "+g.line.What)
	}
	return out
}

// factors are all seven with all their measures, whether known or not.
func (c *Case) factors(w *weighing, best, next *Scored) []FactorView {
	var out []FactorView
	sum := func(s *Scored, f Factor) (d float64) {
		if s != nil {
			for _, l := range s.Lines {
				if l.Factor == f {
					d += l.Days
				}
			}
		}
		return d
	}
	all := append(Measures(), w.d.Local...)
	for _, f := range Factors {
		v := FactorView{Factor: f, About: f.About()}
		for _, m := range all {
			if m.Factor != f {
				continue
			}
			x := w.facts[m.Key]
			p := Measured{Key: m.Key, About: m.About, Text: m.Key + " unknown", Where: x.Where, Used: w.used[m.Key]}
			if x.Value.Known {
				p.Value, p.Text = &x.Value.V, cmp.Or(x.Text, m.text(x.Value.V))
			}
			v.Measures = append(v.Measures, p)
		}
		a, b := sum(best, f), sum(next, f)
		switch {
		case best == nil:
			v.Says = "not weighed"
		case a == 0 && (next == nil || b == 0):
			v.Says = "no difference"
		case next == nil:
			v.Says = fmt.Sprintf("%s days", number(a))
		default:
			v.Says = fmt.Sprintf("%s days against %s", number(a), number(b))
		}
		out = append(out, v)
	}
	return out
}

// who maintains what lies at a subject: the owners that are known.
func (c *Case) who(of []arch.Ref) string {
	var names []string
	add := func(owner string) {
		if owner != "" && !slices.Contains(names, owner) {
			names = append(names, owner)
		}
	}
	some := len(of) == 0
	for _, r := range of {
		switch p := r.Parent(); p.Kind() {
		case arch.KindService:
			add(c.System.Services[p.Name()].Owner)
		case arch.KindStore:
			add(c.System.Services[c.System.Stores[p.Name()].Owner.Name()].Owner)
		}
	}
	if some {
		for _, n := range arch.Sorted(c.System.Teams) {
			add(n)
		}
	}
	switch {
	case len(names) == 0:
		return "unknown: nothing says who owns it (owner: TEAM at a service, or teams:)"
	case some && len(names) > 1:
		return "one of " + strings.Join(names, ", ") + ": name it in the record"
	}
	return strings.Join(names, " with ")
}
