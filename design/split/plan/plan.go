// Package plan turns a recommended cut into an ordered migration: from a monolith
// to modules, and for the contexts that are worth it to services, without an
// outage. Every step can be rolled back until its last action, and says how.
package plan

import (
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
)

// Plan is an ordered list of steps; a later one relies on the earlier ones.
type Plan struct {
	Goal  string `json:"goal"`
	Steps []Step `json:"steps"`
	// Days is the sum of the steps' efforts.
	Days Effort `json:"days"`
}

// Kind of a step.
type Kind string

const (
	Tests   Kind = "tests"   // pin down today's behaviour
	Border  Kind = "border"  // a module with an interface that the build enforces
	Data    Kind = "data"    // tables get one owner
	Saga    Kind = "saga"    // a transaction becomes steps
	Extract Kind = "extract" // a module becomes a service
	Clean   Kind = "clean"   // what the old way needed goes
)

// Step is one change that can be released alone.
type Step struct {
	ID       string   `json:"id"` // "1.2"
	Kind     Kind     `json:"kind"`
	Context  string   `json:"context"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
	Do       []string `json:"do"`     // in order
	Cites    []Cite   `json:"cites"`  // the places that it changes
	Tests    []string `json:"tests"`  // to write first
	Routes   []Route  `json:"routes"` // for the strangler, when it extracts
	Flag     string   `json:"flag"`   // that switches old and new, ""
	Risks    []Risk   `json:"risks"`
	Rollback string   `json:"rollback"` // a command or an action
	Done     string   `json:"done"`     // how to see that it is done
	Days     Effort   `json:"days"`
}

// Cite is a place in the source with what happens to it.
type Cite struct {
	Pos  code.Pos `json:"pos"`
	What string   `json:"what"`
}

func (c Cite) String() string { return fmt.Sprintf("%s:%d %s", c.Pos.File, c.Pos.Line, c.What) }

// Risk has an owner: the team, or the context's when teams are unknown.
type Risk struct {
	Trigger    string `json:"trigger"`
	Owner      string `json:"owner"`
	Mitigation string `json:"mitigation"`
	Rollback   string `json:"rollback"`
}

// Route is a path that the strangler sends to the new service.
type Route struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	To      string `json:"to"`
	Flag    string `json:"flag"`
	Percent []int  `json:"percent"` // of the traffic, step by step
}

// Effort is a range of person-days, counted from the places that must change. It is
// a guess at best: compare steps by it, do not
// promise dates.
type Effort struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func (e Effort) String() string { return fmt.Sprintf("%.0f-%.0f days", e.Low, math.Ceil(e.High)) }

func (e Effort) plus(o Effort) Effort { return Effort{e.Low + o.Low, e.High + o.High} }

// work counts n things of so many days each; the upper end is twice the lower,
// which is about how far apart estimates and outcomes of such changes lie.
func work(parts ...float64) Effort {
	low := 0.
	for _, p := range parts {
		low += p
	}
	return Effort{low, 2*low + .5}
}

// Make plans a candidate of a result. Contexts that the answer extracts become
// services in its order; the others become modules.
func Make(r *split.Result, c *split.Candidate) Plan {
	p := Plan{Goal: r.Answer.Sentence}
	b := &builder{r: r, c: c}
	order := b.order()
	for i, x := range order {
		extract := slices.Contains(r.Answer.Extract, x.Name)
		var steps []Step
		steps = append(steps, b.tests(x), b.border(x))
		if s, ok := b.data(x); ok {
			steps = append(steps, s)
		}
		for _, t := range c.Tx {
			if len(t.Contexts) > 1 && b.startsIn(t, x, order[:i]) {
				steps = append(steps, b.saga(t, extract))
			}
		}
		if extract {
			steps = append(steps, b.extract(x), b.clean(x))
		}
		for j := range steps {
			steps[j].ID = fmt.Sprintf("%d.%d", i+1, j+1)
			steps[j].Context = x.Name
			p.Days = p.Days.plus(steps[j].Days)
		}
		p.Steps = append(p.Steps, steps...)
	}
	return p
}

type builder struct {
	r *split.Result
	c *split.Candidate
}

// order: what is to be extracted first and in the answer's order, then by what it
// brings over what it takes.
func (b *builder) order() []split.Context {
	out := slices.Clone(b.c.Contexts)
	rank := func(x split.Context) float64 {
		if i := slices.Index(b.r.Answer.Extract, x.Name); i >= 0 {
			return 100 - float64(i)
		}
		return x.Extract.Value - x.Extract.Price
	}
	slices.SortStableFunc(out, func(x, y split.Context) int {
		switch d := rank(y) - rank(x); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return slices.DeleteFunc(out, func(x split.Context) bool { return len(x.Members) < 2 && len(x.Tables) == 0 && len(x.Entries) == 0 })
}

// startsIn puts a transaction with the first of its contexts that is done.
func (b *builder) startsIn(t split.TransactionCut, x split.Context, before []split.Context) bool {
	for _, o := range before {
		if slices.Contains(t.Contexts, o.Name) {
			return false
		}
	}
	return slices.Contains(t.Contexts, x.Name)
}

func (b *builder) owner(x string) string { return "the team of " + x }

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

// saga replaces a transaction over several contexts.
func (b *builder) saga(t split.TransactionCut, remote bool) Step {
	s := Step{Kind: Saga, Title: fmt.Sprintf("Turn the transaction of %s into a saga of %s", method(t.Method), listed(t.Contexts)),
		Why: "it writes tables of " + listed(t.Contexts) + " in one commit; across databases there is no such commit"}
	s.Cites = append(s.Cites, Cite{t.Pos, "the transaction"})
	byOwner := map[string][]string{}
	for _, w := range t.Writes {
		byOwner[w.Owner] = append(byOwner[w.Owner], name(w.Table))
		if w.Pos.File != "" {
			s.Cites = append(s.Cites, Cite{w.Pos, "writes " + name(w.Table) + " of " + w.Owner})
		}
	}
	for i, x := range t.Contexts {
		kind := "with a compensation that undoes it"
		if i == len(t.Contexts)-1 {
			kind = "the pivot: after it the saga only goes forward"
		}
		s.Do = append(s.Do, fmt.Sprintf("step %d, %s: writes %s in its own transaction, %s", i+1, x, listed(byOwner[x]), kind))
	}
	s.Do = append(s.Do,
		"check the order: what can be refused by the business comes before the pivot, what can only be repeated after it",
		"show the state in between: a pending status that other operations respect (semantic lock)",
		"declare it with patterns/saga while all steps still run in one process; only then move steps out")
	s.Tests = []string{
		"kill the process between any two steps: after the restart all of it happened or none",
		"each compensation, run twice and run before its action: no effect but the first",
		"two sagas on the same rows: the second waits or is refused",
	}
	s.Risks = []Risk{{Trigger: "someone sees the state in between", Owner: b.owner(t.Contexts[0]), Mitigation: "the pending status, and reads that leave it out", Rollback: "the flag turns new requests to the old transaction; running sagas end by themselves"}}
	s.Flag = "saga-" + ident(method(t.Method))
	s.Rollback = "set flag " + s.Flag + " to off"
	s.Done = "no transaction writes tables of two contexts any more; a soak with kills leaves equal books"
	s.Days = work(2*float64(len(t.Contexts)), 1)
	if remote {
		s.Days = s.Days.plus(work(1))
	}
	return s
}

// extract makes a module a service of its own.
func (b *builder) extract(x split.Context) Step {
	s := Step{Kind: Extract, Title: "Run " + x.Name + " as a service", Why: strings.Join(x.Extract.Brings, "; "), Flag: "service-" + ident(x.Name)}
	for _, e := range x.Entries {
		if e.Kind != "http" {
			continue
		}
		m, path, ok := strings.Cut(e.Trigger, " ")
		if !ok {
			m, path = "", e.Trigger
		}
		s.Routes = append(s.Routes, Route{Method: m, Path: path, To: ident(x.Name), Flag: s.Flag, Percent: []int{1, 10, 50, 100}})
		s.Cites = append(s.Cites, Cite{e.Pos, trigger(e)})
	}
	s.Cites = first(s.Cites, 20)
	s.Do = []string{
		"deploy the module's package as a second program on the same schema, behind the module's interface as REST or gRPC with the contract in the repository",
		"put the strangler in front: all routes to the monolith, 0 % to the service",
		"let reads go to both and compare answers (shadow traffic) until they are equal for a week",
		"move its schema to its own database: snapshot, then change data capture until the lag stays under a second",
		"verify counts and checksums by table, then stop writes for the seconds of the cut-over and switch the flag",
		"raise routes 1, 10, 50, 100 %, at each step for as long as a business day's curve takes",
	}
	s.Tests = []string{"a contract test for each operation, run by both sides", "the characterization tests against the service", "timeouts and a breaker on every call: with the service stopped, the monolith answers within its own limit"}
	calls := 0
	for _, k := range b.c.Calls {
		if k.To == x.Name || k.From == x.Name {
			calls++
		}
	}
	s.Risks = []Risk{
		{Trigger: "the copy lags or breaks during the move", Owner: b.owner(x.Name), Mitigation: "the slot's lag is an alert; the cut-over waits for zero", Rollback: "the old tables stay and are fed back by a reverse stream until the clean-up step"},
		{Trigger: fmt.Sprintf("%d operations become network calls and add up in a request", calls), Owner: b.owner(x.Name), Mitigation: "`ashlar advise resilience` for each, a trace of every journey before and after", Rollback: "set flag " + s.Flag + " to 0 %"},
	}
	s.Rollback = "set flag " + s.Flag + " to 0 %: the monolith still has code and data"
	s.Done = "100 % of its routes for two weeks without a roll-back, objectives of its journeys kept"
	s.Days = work(3, .3*float64(len(x.Entries)), float64(len(x.Tables)), .4*float64(calls))
	return s
}

func (b *builder) clean(x split.Context) Step {
	return Step{Kind: Clean, Title: "Take the old way of " + x.Name + " out", Why: "two ways that both work will both be used",
		Do:       []string{"delete the module from the monolith, its tables after a last backup, the reverse stream, the flag"},
		Rollback: "restore from the backup: this is the first step that cannot be undone by a flag",
		Done:     "the monolith builds without it, and the flag is gone",
		Risks:    []Risk{{Trigger: "something nobody knew of still reads the old tables", Owner: b.owner(x.Name), Mitigation: "rename the tables a week before dropping them", Rollback: "rename back"}},
		Days:     work(1)}
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

func trigger(e code.Entry) string {
	if e.Trigger != "" {
		return e.Trigger
	}
	return method(e.Method)
}

// method is a method's type and name without package and parameters.
func method(id code.MethodID) string {
	s := string(id)
	if i := strings.IndexByte(s, '('); i >= 0 {
		s = s[:i]
	}
	t, m, ok := strings.Cut(s, "#")
	if !ok {
		return s
	}
	return last(t) + "." + m
}

func last(s string) string { return s[strings.LastIndexAny(s, "./")+1:] }

func name(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}

func ident(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s), "-")
}

func places(ps []code.Pos) string {
	var out []string
	for _, p := range first(ps, 3) {
		out = append(out, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if n := len(ps) - 3; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

func cites(ps []code.Pos, what string) []Cite {
	var out []Cite
	for _, p := range ps {
		out = append(out, Cite{p, what})
	}
	return out
}

func first[T any](s []T, n int) []T { return s[:min(n, len(s))] }

func listed(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
