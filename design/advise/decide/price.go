package decide

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"
)

// Price is what something costs: an estimate that users replace, or a figure that
// somebody published.
type Price struct {
	Value float64 `yaml:"value" json:"value"`
	Unit  string  `yaml:"unit" json:"unit"`
	Why   string  `yaml:"why" json:"why"`
	// Off is the factor by which it may be off, up and down: the value lies between
	// Value/Off and Value*Off. 1 or more; see [EstimateOff] and [OwnOff].
	Off    float64 `yaml:"off" json:"off"`
	Source string  `yaml:"source" json:"source,omitempty"` // where it was published; "": an estimate
	From   string  `yaml:"-" json:"from"`                  // the file that said so
}

// How far off a price may be that does not say it.
const (
	EstimateOff = 2    // one that is built in
	OwnOff      = 1.25 // one of a user's own file
)

// Prices by their key.
type Prices map[string]Price

//go:embed prices.yaml
var builtIn []byte

// BuiltIn is the file of the prices that are built in, to copy and change.
func BuiltIn() []byte { return slices.Clone(builtIn) }

// DefaultPrices are those that are built in.
func DefaultPrices() Prices {
	p := Prices{}
	if err := yaml.Unmarshal(builtIn, &p); err != nil {
		panic("decide: built-in prices: " + err.Error())
	}
	for k, x := range p {
		x.From, x.Off = "built in", cmp.Or(x.Off, EstimateOff)
		p[k] = x
	}
	return p
}

// ReadPrices puts the prices of a file, "key: 12" or "key: {value: 12, why: ...,
// off: 1.5, source: ...}", in the place of those that are built in. It joins all
// faults.
func ReadPrices(name string, src []byte) (Prices, error) {
	p := DefaultPrices()
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return p, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d:%d: want prices, for example\n  day: 800", name, root.Line, root.Column)
	}
	var errs []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		fault := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("%s:%d:%d: %s: %s", name, v.Line, v.Column, k.Value, fmt.Sprintf(format, args...)))
		}
		x, ok := p[k.Value]
		if !ok {
			fault("there is no such price; did you mean %s?", nearest(k.Value, slices.Collect(maps.Keys(p))))
			continue
		}
		var err error
		x.Off, x.Source = OwnOff, ""
		if v.Kind == yaml.ScalarNode {
			err = v.Decode(&x.Value)
		} else {
			x.Why = ""
			err = v.Decode(&x)
		}
		switch {
		case err != nil:
			fault("want a number, or {value: ..., why: ..., off: ..., source: ...}")
		case !(x.Off >= 1) || x.Off > 100:
			fault("off: %v: want the factor by which it may be off, from 1 to 100", x.Off)
		case !(x.Value >= 0) || x.Value > 1e12:
			fault("%v is no price", x.Value)
		case x.Value == 0 && (k.Value == "day" || k.Value == "years"):
			fault("must be above 0: everything is divided by it")
		}
		x.From = fmt.Sprintf("%s:%d", name, v.Line)
		p[k.Value] = x
	}
	return p, errors.Join(errs...)
}

func (p Prices) values() map[string]float64 {
	out := make(map[string]float64, len(p))
	for k, x := range p {
		out[k] = x.Value
	}
	return out
}

// nearest is the word with the fewest edits.
func nearest(word string, all []string) string {
	slices.Sort(all)
	best, least := "", 1<<30
	for _, w := range all {
		if d := edits(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(diag+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
