package decide

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch"
)

// Words are the lower-case words of a text; "service-mesh" is one and its parts
// are others.
func Words(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '.'
	}) {
		out = append(out, w)
		if parts := strings.Split(w, "-"); len(parts) > 1 {
			out = append(out, parts...)
		}
	}
	return out
}

// speaks reports whether a constraint's value names the option.
func (o *Option) speaks(value string) bool {
	ws := Words(value)
	return slices.ContainsFunc(append([]string{o.ID}, o.Names...), func(n string) bool { return slices.Contains(ws, n) })
}

// constraints are the vetoes that must-use and forbidden put on the options of a
// decision at a subject.
func (c *Case) constraints(d *Decision, sub Subject) map[string]string {
	out := map[string]string{}
	for _, name := range arch.Sorted(c.System.Constraints) {
		k := c.System.Constraints[name]
		if k.Of != "" && !slices.ContainsFunc(sub.Of, func(r arch.Ref) bool { return r == k.Of || r.Parent() == k.Of }) {
			continue
		}
		why := fmt.Sprintf("constraint %s: %s %s%s (%s)", name, k.Kind, k.Value, because(k.Why), c.where(arch.NewRef(arch.KindConstraint, name)))
		var named []string
		for i := range d.Options {
			if d.Options[i].speaks(k.Value) {
				named = append(named, d.Options[i].ID)
			}
		}
		for _, o := range d.Options {
			is := slices.Contains(named, o.ID)
			if k.Kind == "forbidden" && is || k.Kind == "must-use" && len(named) > 0 && !is {
				if out[o.ID] == "" {
					out[o.ID] = why
				}
			}
		}
	}
	return out
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ", because " + why
}

// budget is the money a month that constraints leave for the whole system.
func (c *Case) budget() Fact {
	for _, name := range arch.Sorted(c.System.Constraints) {
		k := c.System.Constraints[name]
		if k.Kind != "budget" || k.Of != "" {
			continue
		}
		if v, ok := amount(k.Value); ok {
			return Known(v, c.where(arch.NewRef(arch.KindConstraint, name)))
		}
	}
	return Ask("constraints", "{budget: {kind: budget, value: 5000 EUR a month}}", "how much money a month may it cost to run?")
}

// amount reads "5000 EUR a month", "60k a year", as money a month.
func amount(s string) (float64, bool) {
	low := strings.ToLower(s)
	for _, f := range strings.FieldsFunc(low, func(r rune) bool { return unicode.IsSpace(r) || r == '/' }) {
		by := 1.
		f = strings.TrimLeft(strings.ReplaceAll(f, ",", ""), "€$£")
		if t, ok := strings.CutSuffix(f, "k"); ok {
			f, by = t, 1000
		}
		if v, err := strconv.ParseFloat(f, 64); err == nil && v >= 0 {
			if strings.Contains(low, "year") || strings.Contains(low, "p.a.") {
				by /= 12
			}
			return v * by, true
		}
	}
	return 0, false
}

// where is the place that an element, or one of its fields, is known from.
func (c *Case) where(r arch.Ref, fields ...string) string {
	var fs []arch.Fact
	for _, f := range fields {
		fs = append(fs, arch.Fact{Of: r, At: arch.Field("").Join(f)})
	}
	fs = append(fs, arch.Fact{Of: r})
	if r.Kind() == arch.KindConstraint {
		fs = append(fs, arch.Fact{Of: r, At: "/value"}, arch.Fact{Of: r, At: "/kind"})
	}
	src := c.System.Ledger.Where(fs...)
	if t := src.String(); t != "" {
		return t
	}
	if src.Origin != "" {
		return string(src.Origin)
	}
	return "the model"
}

// Compliance lists the values of the compliance constraints, each as its words.
func (c *Case) Compliance() []string {
	var out []string
	for _, name := range arch.Sorted(c.System.Constraints) {
		if k := c.System.Constraints[name]; k.Kind == "compliance" {
			out = append(out, Words(k.Value)...)
		}
	}
	return out
}
