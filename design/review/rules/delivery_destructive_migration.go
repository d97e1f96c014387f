package rules

import (
	"fmt"
	slash "path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/migrations"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

var destructiveMigration = review.Rule{
	ID:    "delivery/destructive-migration",
	Title: "A migration takes away what the running release needs",
	Why:   "While a release rolls out, the old program and the new table meet: its queries fail on the column that is gone. And there is no way back: the release of before no longer works, and dropped rows don't return.",
	Bad:   "ALTER TABLE orders DROP COLUMN note;   -- in the release that stops using it",
	Good:  "release 1 stops using it; release 2, days later, drops it (expand, move, contract)",
	Since: "0.1", Severity: review.Medium, Confidence: .7,
	Source:  "P. Sadalage and S. Ambler, Refactoring Databases; D. Farley and J. Humble, Continuous Delivery, ch. 12",
	Untried: "no public system at hand changes its tables by scripts that take something away",
	Check: func(c *review.Case, r *review.Reporter) {
		next := upcoming(c)
		for _, s := range next {
			var what []string
			f := review.Finding{Of: []arch.Ref{}}
			tables := map[arch.Ref]bool{}
			for _, ch := range s.Changes {
				what = append(what, inWords(ch.Change))
				f.Evidence = append(f.Evidence, review.Evidence{Source: arch.Source{Origin: arch.Config, By: migrations.Name, File: s.Path, Line: ch.Line, Col: ch.Col}, Note: inWords(ch.Change)})
				for _, t := range tablesNamed(c, ch.Table) {
					tables[t] = true
				}
			}
			if len(what) == 0 {
				continue
			}
			f.Of = append(f.Of, refs(tables)...)
			f.Title = fmt.Sprintf("%s %s", slash.Base(s.Path), strings.Join(what[:min(2, len(what))], " and "))
			if n := len(what) - 2; n > 0 {
				f.Title += fmt.Sprintf(" and %d more", n)
			}
			if c.Before != nil {
				f.Confidence = .9
				f.Title += ", new since " + c.Before.Name
			}
			if users := usersOf(c, tables); len(users) > 0 {
				f.Detail = list(users, 3) + " use it today: until the last instance of the release that is out has stopped, its statements meet the new table."
			}
			f.Fix = "Split it: add the new beside the old and write both, move the rows, let a release that needs only the new go out everywhere, and drop the old with the release after that."
			r.Find(f, slash.Base(s.Path))
		}
	},
}

// upcoming are the scripts that run next: those that the other revision does not
// have, or the last one of each folder where there is no other revision.
func upcoming(c *review.Case) []*migrations.Script {
	var out []*migrations.Script
	if c.Before != nil {
		old := map[string]bool{}
		for _, d := range discover.Of[*migrations.Script](c.Before.Documents) {
			old[review.Rel(c.Before.Paths, d.V.Path)] = true
		}
		for _, d := range discover.Of[*migrations.Script](c.Documents) {
			if !old[review.Rel(c.Paths, d.V.Path)] {
				out = append(out, d.V)
			}
		}
		return out
	}
	last := map[string]*migrations.Script{}
	count := map[string]int{}
	for _, d := range discover.Of[*migrations.Script](c.Documents) {
		count[d.V.Dir]++
		if l := last[d.V.Dir]; l == nil || migrations.Before(l, d.V) {
			last[d.V.Dir] = d.V
		}
	}
	for _, dir := range arch.Sorted(last) {
		if count[dir] > 1 { // the first one finds no program that runs
			out = append(out, last[dir])
		}
	}
	return out
}

func inWords(c sql.Change) string {
	col := c.Table + "." + c.Column
	switch c.Kind {
	case sql.DropTable:
		return "drops " + c.Table
	case sql.Truncate:
		return "empties " + c.Table
	case sql.RenameTable:
		return "renames " + c.Table + " to " + c.To
	case sql.DropColumn:
		return "drops " + col
	case sql.RenameColumn:
		return "renames " + col + " to " + c.To
	case sql.ChangeType:
		return "changes the type of " + col
	case sql.NotNull:
		return "refuses rows without " + col
	case sql.AddRequired:
		return "asks for " + col + ", which rows of before don't have"
	}
	return string(c.Kind) + " " + col
}

// tablesNamed finds the tables of the model that a script calls by a name.
func tablesNamed(c *review.Case, name string) []arch.Ref {
	var out []arch.Ref
	for _, st := range arch.Sorted(c.System.Stores) {
		if _, ok := c.System.Stores[st].Tables[name]; ok {
			out = append(out, arch.NewRef(arch.KindTable, st, name))
		}
	}
	return out
}

// usersOf are the operations that touch any of the tables.
func usersOf(c *review.Case, tables map[arch.Ref]bool) []arch.Ref {
	users := map[arch.Ref]bool{}
	for _, e := range c.System.Edges() {
		if tables[e.Call.To] {
			users[e.From] = true
		}
	}
	return refs(users)
}
