package decide

import (
	"fmt"
	"strings"
)

// Line is one item of what an alternative costs.
type Line struct {
	Factor  Factor  `json:"factor"`
	What    string  `json:"what"`
	Days    float64 `json:"days"` // of work a year
	Formula string  `json:"formula"`
}

// Sheet is what one alternative costs, as [Decision.Judge] enters it.
type Sheet struct {
	// Current is the option that is there now, "" when none is known to be.
	Current string
	// Case is what is decided from; what a sheet computes comes from M and P, so
	// that unknowns and what-ifs reach it.
	Case *Case

	option string
	values func(key string) (v float64, text string)
	prices map[string]float64
	used   func(key string, price bool)
	text   bool

	lines []Line
	days  float64
	money float64 // a month
	veto  string
}

// Num is a number with the arithmetic that it came from.
type Num struct {
	V    float64
	Text string
}

// N is a plain number with its name.
func N(v float64, what string) Num { return Num{v, strings.TrimSpace(number(v) + " " + what)} }

// M is the value of a measure.
func (s *Sheet) M(key string) Num {
	s.used(key, false)
	v, t := s.values(key)
	return Num{v, t}
}

// P is a price.
func (s *Sheet) P(key string) Num {
	v, ok := s.prices[key]
	if !ok {
		panic("decide: no price " + key)
	}
	s.used(key, true)
	if !s.text {
		return Num{V: v}
	}
	return Num{v, number(v) + " " + key}
}

func bracket(t string) string {
	if strings.Contains(t, " + ") || strings.Contains(t, " - ") {
		return "(" + t + ")"
	}
	return t
}

func (n Num) with(op string, v float64, o Num) Num {
	r := Num{V: v}
	if n.Text != "" && o.Text != "" {
		if op == " + " || op == " - " {
			r.Text = n.Text + op + o.Text
		} else {
			r.Text = bracket(n.Text) + op + bracket(o.Text)
		}
	}
	return r
}

// Times, Over, Plus and Less are arithmetic; Less stops at zero.
func (n Num) Times(o Num) Num { return n.with(" x ", n.V*o.V, o) }

// Over divides; by zero it is zero.
func (n Num) Over(o Num) Num {
	if o.V == 0 {
		return n.with(" / ", 0, o)
	}
	return n.with(" / ", n.V/o.V, o)
}

// Plus adds.
func (n Num) Plus(o Num) Num { return n.with(" + ", n.V+o.V, o) }

// Less subtracts, to zero at the least.
func (n Num) Less(o Num) Num { return n.with(" - ", max(0, n.V-o.V), o) }

// Most is at most o.
func (n Num) Most(o Num) Num {
	if o.V < n.V {
		return Num{o.V, o.Text}
	}
	return n
}

// Days enters days of work a year.
func (s *Sheet) Days(f Factor, what string, n Num) {
	if n.V == 0 {
		return
	}
	s.days += n.V
	if s.text {
		s.lines = append(s.lines, Line{f, what, n.V, n.Text})
	}
}

// Money enters money a month.
func (s *Sheet) Money(f Factor, what string, n Num) {
	s.money += n.V
	s.Days(f, what, n.Times(N(12, "months")).Over(s.P("day")))
}

// Change enters the one-off days that it takes to get here, spread over the
// years that changes are written off in. What is there already takes none.
func (s *Sheet) Change(f Factor, what string, n Num) {
	if s.Current == s.option {
		return
	}
	s.Days(f, what+", once", n.Over(s.P("years")))
}

// Veto takes the alternative out; the first reason stays.
func (s *Sheet) Veto(format string, args ...any) {
	if s.veto == "" {
		s.veto = fmt.Sprintf(format, args...)
	}
}
