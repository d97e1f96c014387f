package decide

import (
	"fmt"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// Factor is one of the seven things that speak for or against an alternative.
type Factor string

// The factors, in the order in which they are printed.
const (
	Domain      Factor = "domain"
	Teams       Factor = "teams"
	Latency     Factor = "latency"
	Scale       Factor = "scale"
	Consistency Factor = "consistency"
	Operations  Factor = "operations"
	Cost        Factor = "cost"
)

// Factors are all of them.
var Factors = []Factor{Domain, Teams, Latency, Scale, Consistency, Operations, Cost}

// About says what a factor covers.
func (f Factor) About() string {
	return map[Factor]string{
		Domain: "business and domain complexity", Teams: "team structure", Latency: "latency and performance budgets", Scale: "scale and traffic",
		Consistency: "consistency", Operations: "operational complexity and expertise", Cost: "cost",
	}[f]
}

// Measure is a quantity that decisions use.
type Measure struct {
	Key    string // one word, as printed: "12 services"
	Factor Factor
	About  string
	Unit   string // printed behind the value; "": the key
	Whole  bool   // it counts things
	// From and To are what is tried while it is not known; they bound, they are no
	// default.
	From, To float64
	Read     func(c *Case) Fact // nil for those of a subject
}

// Fact is a measured value and where it is known from.
type Fact struct {
	Value     arch.Opt[float64]
	Where     string
	Text      string            // instead of the value where a number says too little
	Questions []advise.Question // what to write down when it is not known
}

// Known is a fact.
func Known(v float64, where string) Fact { return Fact{Value: arch.Some(v), Where: where} }

// Counted is a count and where its first things were seen.
func Counted(c *Case, n int, refs ...arch.Ref) Fact {
	f := Known(float64(n), "counted")
	for _, r := range refs {
		if p := c.System.Ledger.Where(arch.Fact{Of: r}).String(); p != "" {
			f.Where = "counted; the first at " + p
			break
		}
	}
	return f
}

// Ask is the fact that is not known, and the key of ashlar.yaml that says it.
func Ask(key, example, text string) Fact {
	return Fact{Questions: []advise.Question{{Key: key, Example: example, Text: text}}}
}

// text of a value of the measure.
func (m *Measure) text(v float64) string {
	unit := m.Unit
	if unit == "" {
		unit = m.Key
	}
	return number(v) + " " + unit
}

// grid are the values near which a choice may flip, both ways from v.
func (m *Measure) grid(v float64, known bool) []float64 {
	var out []float64
	lo, hi := m.From, m.To
	if known {
		lo, hi = min(m.From, v/64), max(m.To, v*64)
	}
	const steps = 24
	for i := 0; i <= steps; i++ {
		x := lo + (hi-lo)*float64(i)/steps
		if lo >= 0 && hi > 8*max(lo, 1e-9) {
			low := max(lo, hi/4096)
			x = low * math.Pow(hi/low, float64(i)/steps)
			if i == 0 {
				x = lo
			}
		}
		if m.Whole {
			x = math.Round(x)
		}
		if !slices.Contains(out, x) && x != v {
			out = append(out, x)
		}
	}
	return out
}

// number writes three digits that count.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return fmt.Sprintf("%.3g million", v/1e6)
	case a >= 100, v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2g", v)
}
