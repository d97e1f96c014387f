package arch

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
)

// Attest enters a claim, with this source, for every fact that s says and that
// has no claim yet. A source calls [System.Locate] for facts whose place it knows
// better, then Attest for the rest.
func (s *System) Attest(src Source) {
	if s.Ledger == nil {
		s.Ledger = Ledger{}
	}
	for _, f := range Facts(*s) {
		if len(s.Ledger[f.Fact]) == 0 {
			s.Ledger.Add(f.Fact, Claim{Value: f.Value, From: []Source{src}})
		}
	}
}

// Claimed is a fact with one claim about it.
type Claimed struct {
	Fact
	Claim
}

// Locate enters claims for facts of s ahead of [System.Attest]: the value is
// taken from the struct when Attest finds the fact, so only the place is given.
// Facts that the struct does not say are left out.
func (s *System) Locate(places map[Fact]Source) {
	if s.Ledger == nil {
		s.Ledger = Ledger{}
	}
	for _, f := range Facts(*s) {
		if src, ok := places[f.Fact]; ok {
			s.Ledger.Add(f.Fact, Claim{Value: f.Value, From: []Source{src}})
		}
	}
}

// Merge folds views into one System: the ledgers are united and every fact takes
// the value of its best claim. Facts without a claim count as guesses. The order
// of the views leaves no trace in the result; the error joins the faults of
// claims that fit no field.
//
// Observed distributions of one origin add up instead of competing, since each
// source saw other requests.
func Merge(views ...System) (System, error) {
	l := Ledger{}
	coverage := map[string]Coverage{}
	for _, v := range views {
		v.attestGuess()
		for f, cs := range v.Ledger {
			if f.Of.Kind() == KindSystem {
				f.Of = "system/" // whatever each view calls it, there is one
			}
			for _, c := range cs {
				l.Add(f, c)
			}
		}
		for name, c := range v.Coverage {
			coverage[name] = coverage[name].Plus(c)
		}
	}
	return Resolve(l, coverage)
}

func (s *System) attestGuess() {
	if s.Ledger == nil {
		s.Attest(Source{Origin: Guess, Reason: "no source given"})
	}
}

// Resolve builds the System that a ledger amounts to.
func Resolve(l Ledger, coverage map[string]Coverage) (System, error) {
	facts := make([]FactValue, 0, len(l))
	for f, cs := range l {
		facts = append(facts, FactValue{f, winner(f, cs)})
	}
	s, err := Assemble(facts)
	s.Format, s.Ledger = Format, l
	if len(coverage) > 0 {
		s.Coverage = coverage
	}
	if s.Name != "" { // now that its name is known
		for f, cs := range l {
			if f.Of == "system/" {
				delete(l, f)
				l[Fact{KindSystem.ref(s.Name), f.At}] = cs
			}
		}
	}
	return s, err
}

func winner(f Fact, cs []Claim) string {
	if isSet(f) && cs[0].Origin() != Hand {
		var all []string
		for _, c := range cs {
			var some []string
			if json.Unmarshal([]byte(c.Value), &some) == nil {
				all = append(all, some...)
			}
		}
		slices.Sort(all)
		return jsonText(slices.Compact(all))
	}
	if len(cs) < 2 || cs[1].Origin() != cs[0].Origin() || !isDist(f) {
		return cs[0].Value
	}
	var sum Dist
	for _, c := range cs {
		var d Dist
		if c.Origin() == cs[0].Origin() && d.UnmarshalText([]byte(c.Value)) == nil {
			sum = sum.Plus(d)
		}
	}
	b, _ := sum.MarshalText() // never fails
	return string(b)
}

// isSet: every source knows some of it, so that they add up instead of competing.
// What a hand wrote is all of it.
func isSet(f Fact) bool {
	k := f.Of.Kind()
	return f.At == "/aliases" && (k == KindService || k == KindStore)
}

// isReason: what a witness says about itself.
func isReason(f Fact) bool {
	ss := f.At.Steps()
	return len(ss) == 3 && ss[2] == "why" && (ss[0] == "uses" || ss[0] == "calls")
}

// isDist: the last step of a field names its type well enough here.
func isDist(f Fact) bool {
	switch ss := f.At.Steps(); {
	case len(ss) == 0:
		return false
	default:
		switch ss[len(ss)-1] {
		case "latency", "network", "bytes", "per-call":
			return true
		}
	}
	return false
}

// Plus joins what a source looked at in two places.
func (c Coverage) Plus(d Coverage) Coverage {
	c.Origin = cmp.Or(c.Origin, d.Origin)
	c.Files += d.Files
	c.Documents += d.Documents
	c.Spans += d.Spans
	c.Late += d.Late
	c.Orphans += d.Orphans
	if c.From.IsZero() || !d.From.IsZero() && d.From.Before(c.From) {
		c.From = d.From
	}
	if d.To.After(c.To) {
		c.To = d.To
	}
	if !c.Sampling.Known {
		c.Sampling = d.Sampling
	}
	c.Of = slices.Concat(c.Of, d.Of)
	slices.Sort(c.Of)
	c.Of = slices.Compact(c.Of)
	return c
}

// Change is one difference between two systems.
type Change struct {
	Fact
	Old, New Opt[string] // unknown: the fact is not there
}

// Diff lists what it takes to get from a to b, sorted. Ledgers and coverage do
// not count: two systems are equal when they say the same.
func Diff(a, b System) []Change {
	var out []Change
	as, bs := Facts(a), Facts(b)
	for len(as) > 0 || len(bs) > 0 {
		c := 0
		switch {
		case len(as) == 0:
			c = 1
		case len(bs) == 0:
			c = -1
		default:
			c = compareFacts(as[0].Fact, bs[0].Fact)
		}
		switch {
		case c < 0:
			out, as = append(out, Change{Fact: as[0].Fact, Old: Some(as[0].Value)}), as[1:]
		case c > 0:
			out, bs = append(out, Change{Fact: bs[0].Fact, New: Some(bs[0].Value)}), bs[1:]
		default:
			if as[0].Value != bs[0].Value {
				out = append(out, Change{as[0].Fact, Some(as[0].Value), Some(bs[0].Value)})
			}
			as, bs = as[1:], bs[1:]
		}
	}
	return out
}

func joinErrors(errs []error) error { return errors.Join(errs...) }
