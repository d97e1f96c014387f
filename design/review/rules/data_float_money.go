package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

var floatMoney = review.Rule{
	ID:    "data/float-money",
	Title: "Money as a floating-point number",
	Why:   "Binary fractions hold no cents: 0.1 + 0.2 is 0.30000000000000004, and each service rounds in its own way, so that sums differ between the order, the invoice and the bank.",
	Bad:   "price: { type: number, format: double }",
	Good:  "price: { $ref: '#/components/schemas/Money' }   # currency and a whole number of minor units, or a decimal as text",
	Since: "0.1", Severity: review.Medium, Confidence: .8,
	Source: "IEEE 754-2019; M. Fowler, Patterns of Enterprise Application Architecture, Money; google.type.Money",
	Fires:  "FudanSELab/train-ticket@813dd01 ts-food-service (FoodOrder.price)",
	Silent: "sqshq/piggymetrics@6bb2cf9 (BigDecimal); open-telemetry/opentelemetry-demo@054282e3 pb/demo.proto (units and nanos)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, k := range contractsIn(c.Documents) {
			money(c, r, k)
		}
		moneyInCode(c, r)
		moneyInTables(c, r)
	},
}

// money reports the fields of one contract together.
func money(c *review.Case, r *review.Reporter, k *contract.Contract) {
	ref := arch.NewRef(arch.KindContract, k.Name)
	f := review.Finding{Of: []arch.Ref{ref}, Confidence: .6}
	var names []string
	seen := map[*contract.Field]bool{}
	visit := func(_ string, in *contract.Shape, fd *contract.Field) {
		s := fd.Shape
		for s != nil && (s.Kind == contract.List || s.Kind == contract.Map) {
			s = s.Elem
		}
		if seen[fd] || s == nil || s.Kind != contract.Number || s.Format == "decimal" || !priced(fd.Name, in) {
			return
		}
		seen[fd] = true
		name := fd.Name
		if in.Name != "" {
			name = in.Name[strings.LastIndexByte(in.Name, '.')+1:] + "." + name
		}
		if s.Format != "" { // a bare number of JSON is as exact as its readers
			f.Confidence = .8
		}
		names = append(names, name)
		f.Evidence = append(f.Evidence, review.Evidence{Source: arch.Source{Origin: arch.FromContract, By: "contracts", File: fd.Pos.File, Line: max(1, fd.Pos.Line), Col: max(1, fd.Pos.Col)}, Note: name + " is " + s.Word()})
	}
	for _, t := range k.Types {
		t.Walk(visit)
	}
	for _, o := range k.Operations {
		for _, p := range o.Parts {
			p.Shape.Walk(visit)
		}
	}
	for _, e := range k.Events {
		e.Payload.Walk(visit)
	}
	if len(names) == 0 {
		return
	}
	f.Title = moneyTitle(k.Name, names)
	f.Fix = "Use a whole number of minor units with the currency beside it, or a decimal as text; add the new field, fill both, and drop the old one when nobody reads it."
	r.Find(f, k.File)
}

var (
	wordEnd    = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	moneyWords = []string{"price", "amount", "cost", "fee", "balance", "salary", "subtotal", "fare", "refund", "payment", "revenue", "money", "usd", "eur", "gbp", "wage", "deposit"}
	otherWords = []string{"count", "percent", "percentage", "pct", "rate", "ratio", "factor", "weight", "quantity", "qty", "index", "score", "change", "level", "memory", "cpu", "energy", "distance", "ml", "kg"}
)

// priced: the last word of a name is money's, and none says that it is measured
// otherwise. "total" and "amount" alone need a currency beside them, or another
// price: amounts of flour are numbers, too.
func priced(name string, in *contract.Shape) bool {
	words := wordsOf(name)
	if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(otherWords, w) }) {
		return false
	}
	last := strings.TrimSuffix(words[len(words)-1], "s")
	if name == "total" || last == "total" || len(words) == 1 && last == "amount" {
		return slices.ContainsFunc(in.Fields, func(f contract.Field) bool {
			w := wordsOf(f.Name)
			return f.Name != name && len(w) > 0 && w[len(w)-1] != "amount" && (slices.Contains(w, "currency") || slices.Contains(moneyWords, strings.TrimSuffix(w[len(w)-1], "s")))
		})
	}
	return slices.Contains(moneyWords, last)
}

func wordsOf(name string) []string {
	name = wordEnd.ReplaceAllString(name, "${1}_$2")
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' })
}
