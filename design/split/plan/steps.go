package plan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/split"
)

func (b *builder) tests(x split.Context) Step {
	s := Step{Kind: Tests, Title: "Pin down what " + x.Name + " does today", Why: "a border that moves behaviour cannot be told from a fault without tests that ran before it"}
	for _, e := range first(x.Entries, 12) {
		s.Tests = append(s.Tests, "characterize "+trigger(e)+": answer, status, and the rows that it changes")
		s.Cites = append(s.Cites, Cite{e.Pos, trigger(e)})
	}
	if n := len(x.Entries) - 12; n > 0 {
		s.Tests = append(s.Tests, fmt.Sprintf("and of %d more entry points (see the JSON report)", n))
	}
	for _, t := range b.c.Tx {
		if len(t.Contexts) > 1 && slices.Contains(t.Contexts, x.Name) {
			s.Tests = append(s.Tests, fmt.Sprintf("%s: what is left when it fails after each of its %d writes", method(t.Method), len(t.Writes)))
		}
	}
	if len(s.Tests) == 0 {
		s.Tests = []string{"unit tests of its public methods: no entry point leads straight into it"}
	}
	s.Do = []string{"write the tests below against the monolith as it is, and let the build run them"}
	s.Risks = []Risk{{Trigger: "a test pins down a fault of today", Owner: b.owner(x.Name), Mitigation: "mark it as such with a ticket; do not mend it in the same step", Rollback: "delete the test"}}
	s.Rollback = "none needed: only tests are added"
	s.Done = "the tests run in every build and fail when a line of " + x.Name + " is changed on purpose"
	s.Days = work(.25*float64(len(x.Entries)), .5)
	return s
}

func (b *builder) border(x split.Context) Step {
	s := Step{Kind: Border, Title: "Make " + x.Name + " a module", Why: fmt.Sprintf("%d types that belong together; others reach them through one interface", len(x.Members))}
	s.Do = []string{
		"move its types into a package of its own; what stays visible is one interface and the values in its signatures",
		"make the build refuse other ways in: " + enforced(x),
	}
	s.Risks = append(s.Risks, Risk{Trigger: "others change the same files while they move", Owner: b.owner(x.Name), Mitigation: "move in one commit without other changes, on a day that is agreed", Rollback: "git revert of the move"})
	ops := 0
	for _, k := range b.c.Calls {
		if k.To != x.Name {
			continue
		}
		ops++
		if len(s.Cites) < 20 {
			for _, p := range first(k.Sites, 2) {
				s.Cites = append(s.Cites, Cite{p, fmt.Sprintf("%s calls %s: %s", k.From, method(k.Method), k.Replace)})
			}
		}
		if k.InLoop {
			s.Risks = append(s.Risks, Risk{Trigger: fmt.Sprintf("%s is called in a loop (%s:%d)", method(k.Method), k.Sites[0].File, k.Sites[0].Line), Owner: b.owner(k.From),
				Mitigation: "give it a version that takes the whole list before it becomes remote", Rollback: "git revert of this step"})
		}
	}
	s.Risks = first(s.Risks, 5)
	for _, br := range b.r.Broken {
		for _, m := range x.Members {
			if m.Part && m.Type == br.Type {
				s.Do = append(s.Do, fmt.Sprintf("take %s out of %s into a type of its own (%s)", m.Name[strings.LastIndex(m.Name, "#")+1:], last(string(br.Type)), br.Why))
				s.Cites = append(s.Cites, Cite{m.Pos, "methods of " + last(string(br.Type)) + " that belong to " + x.Name})
			}
		}
	}
	s.Rollback = "git revert: nothing but source moved"
	s.Done = fmt.Sprintf("the build fails when code outside of %s uses anything but its interface (%d operations)", x.Name, ops)
	s.Days = work(.1*float64(len(x.Members)), .3*float64(ops), 1)
	return s
}

// data gives the tables of a context one owner, still in the same database.
func (b *builder) data(x split.Context) (Step, bool) {
	s := Step{Kind: Data, Title: "Give " + x.Name + " its tables", Why: "a table that two contexts write has no owner: neither can change it, and no transaction can be cut"}
	foreign, keys, joins := 0, 0, 0
	for _, t := range b.c.Tables {
		if t.Owner != x.Name {
			continue
		}
		for _, w := range t.Writers {
			foreign += len(w.Sites)
			s.Do = append(s.Do, fmt.Sprintf("%s: %s stops writing it (%s): %s", name(t.Table), w.Context, places(w.Sites), w.Replace))
			s.Cites = append(s.Cites, cites(w.Sites, w.Context+" writes "+name(t.Table))...)
		}
		for _, w := range t.Readers {
			foreign += len(w.Sites)
			s.Do = append(s.Do, fmt.Sprintf("%s: %s stops reading it (%s): %s", name(t.Table), w.Context, places(w.Sites), w.Replace))
			s.Cites = append(s.Cites, cites(w.Sites, w.Context+" reads "+name(t.Table))...)
		}
		for _, k := range t.Keys {
			keys++
			s.Do = append(s.Do, fmt.Sprintf("%s.%s -> %s of %s: %s", name(t.Table), k.Columns, name(k.To), k.Owner, k.Replace))
			s.Cites = append(s.Cites, Cite{t.Pos, "foreign key " + k.Columns + " to " + name(k.To)})
		}
		for _, j := range t.Joins {
			joins++
			s.Do = append(s.Do, fmt.Sprintf("%s:%d joins %s with %s of %s: %s", j.Pos.File, j.Pos.Line, name(t.Table), name(j.With), j.Owner, j.Replace))
			s.Cites = append(s.Cites, Cite{j.Pos, "join of " + name(t.Table) + " with " + name(j.With)})
		}
	}
	if len(x.Tables) == 0 {
		return s, false
	}
	var names []string
	for _, t := range x.Tables {
		names = append(names, name(t))
	}
	s.Do = append([]string{fmt.Sprintf("move %s into a schema %s of the same database, with a database user that alone may write it", listed(names), ident(x.Name))}, s.Do...)
	s.Do = append(s.Do, "refuse the other modules' users by GRANT: what still reaches in fails in tests, not in production")
	s.Risks = []Risk{
		{Trigger: "a report or job outside of this source reads the tables", Owner: b.owner(x.Name), Mitigation: "log statements by user for a week before the grants change; leave a read-only view under the old name", Rollback: "GRANT the old rights again"},
	}
	if keys > 0 {
		s.Risks = append(s.Risks, Risk{Trigger: "rows that point to nothing, once the constraint is gone", Owner: b.owner(x.Name), Mitigation: "a nightly query counts them; deletions are published as events", Rollback: "add the constraint again after cleaning: ALTER TABLE ... ADD CONSTRAINT ... NOT VALID, then VALIDATE"})
	}
	s.Rollback = "ALTER TABLE ... SET SCHEMA back, GRANT the old rights"
	s.Done = fmt.Sprintf("only %s's database user has rights on %s", x.Name, listed(names))
	s.Days = work(.3*float64(len(x.Tables)), .4*float64(foreign), .5*float64(keys), .8*float64(joins))
	return s, true
}

// enforced names what keeps a border in the language of a context.
func enforced(x split.Context) string {
	count := map[string]int{}
	for _, m := range x.Members {
		count[path.Ext(m.Pos.File)]++
	}
	best := ""
	for _, ext := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[ext] > count[best] {
			best = ext
		}
	}
	switch best {
	case ".java", ".kt":
		return "an ArchUnit test or Spring Modulith's verification, and package-private types"
	case ".go":
		return "internal/ packages and an import rule in the linter"
	case ".cs":
		return "a project of its own with internal types, and an ArchUnitNET or NetArchTest test"
	case ".py":
		return "an import-linter contract"
	case ".ts", ".js":
		return "a package of its own with an exports map, and dependency-cruiser rules"
	}
	return "a rule on imports in the build"
}
