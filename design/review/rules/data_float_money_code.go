package rules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/migrations"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

// binary fractions in Java, Kotlin, C# and Go. JavaScript's number is all that it
// has, and Python's annotations are seldom there.
var binary = regexp.MustCompile(`^\*?(?:java\.lang\.)?(?:double|Double|float|Float|float32|float64)\??$`)

// moneyInCode reports the fields of a service's types together.
func moneyInCode(c *review.Case, r *review.Reporter) {
	if c.Code == nil {
		return
	}
	by := map[arch.Ref]*review.Finding{}
	names := map[arch.Ref][]string{}
	for _, id := range arch.Sorted(c.Code.Types) {
		t := c.Code.Types[id]
		if t.Kind == code.KindTest || t.Kind == code.KindGenerated {
			continue
		}
		in := &contract.Shape{}
		for _, f := range t.Fields {
			in.Fields = append(in.Fields, contract.Field{Name: f.Name})
		}
		of := serviceOfType(c, t)
		for _, f := range t.Fields {
			if !binary.MatchString(f.Text) || !priced(f.Name, in) {
				continue
			}
			if by[of] == nil {
				by[of] = &review.Finding{Of: []arch.Ref{of}}
			}
			name := t.Name + "." + f.Name
			names[of] = append(names[of], name)
			by[of].Evidence = append(by[of].Evidence, place(t.Pos, name+" is "+f.Text))
		}
	}
	for _, of := range arch.Sorted(by) {
		f := *by[of]
		who := of.Short()
		if who == "" {
			who = "the code"
		}
		f.Title = moneyTitle(who, names[of])
		f.Fix = "Use a decimal type (BigDecimal, decimal) or whole minor units with the currency, in the type and in its column; round where the business says so, in one place."
		r.Find(f, "code")
	}
}

// moneyInTables reports the columns of one folder's migrations together.
func moneyInTables(c *review.Case, r *review.Reporter) {
	by := map[string]*review.Finding{}
	names := map[string][]string{}
	for _, d := range discover.Of[*migrations.Script](c.Documents) {
		in := &contract.Shape{}
		for _, col := range d.V.Columns {
			in.Fields = append(in.Fields, contract.Field{Name: col.Name})
		}
		for _, col := range d.V.Columns {
			switch col.Type {
			case "float", "double", "real", "float4", "float8":
			default:
				continue
			}
			if !priced(col.Name, in) {
				continue
			}
			if by[d.V.Dir] == nil {
				by[d.V.Dir] = &review.Finding{Of: []arch.Ref{}}
			}
			name := col.Table + "." + col.Name
			names[d.V.Dir] = append(names[d.V.Dir], name)
			f := by[d.V.Dir]
			f.Evidence = append(f.Evidence, review.Evidence{Source: arch.Source{Origin: arch.Config, By: migrations.Name, File: d.V.Path, Line: col.Line, Col: col.Col}, Note: name + " is " + col.Type})
		}
	}
	for _, dir := range arch.Sorted(by) {
		f := *by[dir]
		f.Title = moneyTitle("a migration", names[dir])
		f.Fix = "Add a numeric column beside it, fill both, move the rows, read the new one, and drop the old one when nobody reads it."
		r.Find(f, strings.Join(names[dir], ","))
	}
}

func moneyTitle(who string, names []string) string {
	shown := names[:min(3, len(names))]
	title := fmt.Sprintf("%s holds money as a floating-point number: %s", who, strings.Join(shown, ", "))
	if n := len(names) - len(shown); n > 0 {
		title += fmt.Sprintf(" and %d more", n)
	}
	return title
}

// serviceOfType is the service that a type is part of, or the whole system.
func serviceOfType(c *review.Case, t code.Type) arch.Ref {
	if s := c.Code.Modules[t.Module].Service; s != "" {
		return s
	}
	return arch.NewRef(arch.KindSystem, c.System.Name)
}
