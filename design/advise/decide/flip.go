package decide

import (
	"cmp"
	"math"
	"slices"
)

// Flip is the nearest change of one input that changes the choice.
type Flip struct {
	Input string  `json:"input"`
	From  string  `json:"from"` // its value now, "unknown"
	At    string  `json:"at"`
	To    string  `json:"to"` // the option that is chosen then
	What  string  `json:"what"`
	Price bool    `json:"price,omitempty"`
	Far   float64 `json:"far"` // how far off, as the logarithm to base 2 of the factor
}

// flips finds, for each input, the nearest value that changes the choice; the
// nearest three inputs come first, those that are unknown before.
func (w *weighing) flips(choice string) []Flip {
	values := w.middle()
	var out []Flip
	for _, k := range sortedKeys(w.used) {
		m, f := w.measures[k], w.facts[k]
		best := Flip{Far: math.Inf(1)}
		w.fixed = k
		v := values[k]
		for _, x := range m.grid(v, f.Value.Known) {
			far := math.Abs(math.Log2(max(x, 1e-3) / max(v, 1e-3)))
			if v == 0 {
				far = math.Log2(1 + x)
			}
			if far >= best.Far {
				continue
			}
			values[k] = x
			if id := w.choose(values); id != choice && id != "" {
				if f.Value.Known {
					x = w.narrow(values, k, v, x, id)
				}
				values[k] = x
				best = Flip{Input: k, From: "unknown", At: m.text(x), To: id, What: w.d.option(id).What, Far: far}
				if f.Value.Known {
					best.From = number(v)
				}
			}
		}
		values[k] = v
		w.fixed = ""
		if !math.IsInf(best.Far, 1) {
			out = append(out, best)
		}
	}
	out = append(out, w.priceFlips(choice)...)
	slices.SortStableFunc(out, func(a, b Flip) int {
		return cmp.Or(yes(a.Price)-yes(b.Price), cmp.Compare(a.Far, b.Far), cmp.Compare(a.Input, b.Input))
	})
	return out
}

// narrow halves the way between a value that keeps the choice and one that does
// not, to the nearest that does not.
func (w *weighing) narrow(values map[string]float64, key string, keeps, flips float64, to string) float64 {
	whole := w.measures[key].Whole
	for range 12 {
		mid := (keeps + flips) / 2
		if whole {
			mid = math.Round(mid)
		}
		if mid == keeps || mid == flips {
			break
		}
		values[key] = mid
		if w.choose(values) == to {
			flips = mid
		} else {
			keeps = mid
		}
	}
	return flips
}

// priceFlips tries each price at half to a quarter and at twice to four times.
func (w *weighing) priceFlips(choice string) []Flip {
	var out []Flip
	values := w.middle()
	if len(w.unknown()) > 0 {
		return nil // the confidence says how much prices matter; what is unknown comes first
	}
	for _, k := range sortedKeys(w.prices) {
		prices := w.c.Prices.values()
		v := prices[k]
		for _, by := range []float64{1.25, .8, 1.5, 1 / 1.5, 2, .5, 3, 1. / 3, 4, .25} {
			prices[k] = v * by
			if id := w.best(values, prices); id != choice && id != "" {
				out = append(out, Flip{Input: k, From: number(v), At: number(v * by), To: id, What: w.d.option(id).What, Price: true, Far: math.Abs(math.Log2(by))})
				break
			}
		}
	}
	return out
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
