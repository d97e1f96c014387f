// Package decide weighs the decisions of an architecture against what is known
// of the system.
//
// A [Decision] is declared like a rule: its alternatives, and what each of them
// costs here as lines of arithmetic over measures (what was counted, observed or
// said, [Measure]) and prices (estimates that users replace, [Prices]). All
// costs are days of work a year; money counts as days by the price of a day, and
// one-off work is spread over the years that it is written off in. The cheapest
// alternative that nothing vetoes is the choice.
//
//	measures ─┐
//	prices ───┼─> lines of each alternative ─> choice ─> what would flip it
//	vetoes ───┘
//
// What is not known is never given a value: it has a range. The choice is then
// the alternative that is cheapest most often when the unknown are drawn from
// their ranges, the total is printed as from-to, and the confidence says how
// often it wins when prices are off by up to a factor of two as well.
//
// The catalogue of decisions is package decisions, one file each.
package decide

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/split"
)

// Decision is one choice that an architecture makes, whether someone made it or
// not.
type Decision struct {
	ID       string // one word, as in `ashlar advise mesh`
	Question string
	Source   string // who argues so, to read on
	// Cures are the IDs of the rules whose findings this decision answers.
	Cures []string
	// Options in the order of simplicity: at a tie the first wins.
	Options []Option
	// Subjects are the places at which it is decided on its own; nil: once for the
	// whole system. Each has the measures of Local beside those of the system.
	Subjects func(c *Case) []Subject
	Local    []Measure
	// Moot says why there is nothing to decide, "" when there is.
	Moot func(c *Case) string
	// Judge enters what an option costs into the sheet, and may veto it.
	Judge func(s *Sheet, option string)
}

// Option is one alternative of a decision.
type Option struct {
	ID   string
	What string // what one has then, as in "keep ..." and "move to ..."
	// Names are the words by which constraints speak of it; the ID is one.
	Names                   []string
	Test, Observe, Maintain string
}

// Subject is one place at which a decision is made.
type Subject struct {
	Title   string
	Of      []arch.Ref // whose owners maintain it
	Current string     // the option that is there now, "" when that is not known
	Facts   map[string]Fact
	Note    string
	// Sure is the confidence where vetoes leave one option, and By who is that sure.
	Sure arch.Opt[float64]
	By   string
}

// Case is what decisions are made from.
type Case struct {
	System   arch.System
	Code     *code.Graph      // nil: no code was read
	Split    *split.Result    // nil: there was no code to cut
	Findings []review.Finding // of a review, for what a decision would cure
	// Resilience is the advice on all calls.
	Resilience  []advise.Answer
	Environment string
	Prices      Prices // nil: those that are built in

	edges []arch.Edge
	facts map[string]Fact
}

func (c *Case) prepare() error {
	c.edges = c.System.Edges()
	if c.Prices == nil {
		c.Prices = DefaultPrices()
	}
	if c.Resilience == nil {
		as, err := advise.Resilience(c.System, "", "", &advise.Options{Env: c.Environment})
		if err != nil {
			return err
		}
		c.Resilience = as
	}
	c.facts = map[string]Fact{}
	for _, m := range Measures() {
		f := m.Read(c)
		if f.Value.Known {
			f.Questions = nil
		}
		c.facts[m.Key] = f
	}
	return nil
}

// Edges are all calls of the system.
func (c *Case) Edges() []arch.Edge { return c.edges }

// Fact is the measured value of a measure of the system.
func (c *Case) Fact(key string) Fact { return c.facts[key] }

// Run makes the decisions, in their order. With a name only that decision.
func Run(c *Case, all []Decision, name string) ([]Answer, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	some := all
	if name != "" {
		i := slices.IndexFunc(all, func(d Decision) bool { return d.ID == name })
		if i < 0 {
			ids := make([]string, len(all))
			for j, d := range all {
				ids[j] = d.ID
			}
			return nil, fmt.Errorf("there is no decision %q: want %s", name, strings.Join(ids, ", "))
		}
		some = all[i : i+1]
	}
	var out []Answer
	for i := range some {
		d := &some[i]
		if d.Moot != nil {
			if why := d.Moot(c); why != "" {
				a := c.blank(d, Subject{})
				a.Verdict, a.Because = Moot, []string{why}
				out = append(out, a)
				continue
			}
		}
		subjects := []Subject{{}}
		if d.Subjects != nil {
			subjects = d.Subjects(c)
		}
		for _, sub := range subjects {
			out = append(out, c.decide(d, sub))
		}
	}
	return out, nil
}

// Link gives findings without advice the decision that answers them.
func Link(fs []review.Finding, all []Decision) {
	cure := map[string]string{}
	for _, d := range all {
		for _, id := range d.Cures {
			cure[id] = d.ID
		}
	}
	for i := range fs {
		if id := cure[fs[i].Rule]; id != "" && fs[i].Advice == "" {
			fs[i].Advice = "ashlar advise " + id
		}
	}
}
