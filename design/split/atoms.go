package split

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// Atom is what is never cut: a type, or a group of methods of one.
type Atom struct {
	Name    string          `json:"name"` // the type's ID; for a part of it, ID#methods
	Type    code.TypeID     `json:"type"`
	Methods []code.MethodID `json:"methods"`
	Part    bool            `json:"part"` // one of several of its type
	Pos     code.Pos        `json:"pos"`
	Lines   int             `json:"lines"`
	Kind    code.TypeKind   `json:"kind"`
	Package string          `json:"package"`
}

// Broken is a type that does several jobs.
type Broken struct {
	Type  code.TypeID `json:"type"`
	Why   string      `json:"why"`
	Atoms []string    `json:"atoms"`
	Pos   code.Pos    `json:"pos"`
}

// model is the input in the numbers that the search works on.
type model struct {
	g       *code.Graph
	atoms   []Atom
	at      map[code.MethodID]int // method -> atom
	of      map[code.TypeID][]int // type -> atoms
	short   map[string][]int      // a type's plain name -> atoms
	tables  []arch.Ref
	table   map[arch.Ref]int
	calls   map[[2]int]float64 // volume from atom to atom, self calls too
	hard    map[[2]int]bool    // calls of behaviour: more than getters and setters of entities
	access  []access
	txs     []transaction
	cases   []useCase
	entity  map[code.TypeID]arch.Ref   // the table that a type is a row of
	work    map[code.MethodID]arch.Ref // first method of a part -> the table behind most of it
	doors   []int                      // atoms with an entry point
	broken  []Broken
	decided []Decision
	common  []bool                    // atoms that no context should own alone
	seen    bool                      // calls were observed, not only read
	watched bool                      // use cases were
	owner   []string                  // team of each atom, "" for unknown
	rate    map[code.MethodID]float64 // requests per second that reach a method; nil: unknown
	entered map[code.MethodID]float64 // that come in at it
}

type access struct {
	atom, table int
	write       bool
	at          code.Access
}

type useCase struct {
	name  string
	pos   code.Pos
	atoms []int
}

func newModel(g *code.Graph, o Options) *model {
	m := &model{g: homed(g), at: map[code.MethodID]int{}, of: map[code.TypeID][]int{}, short: map[string][]int{}, table: map[arch.Ref]int{}, calls: map[[2]int]float64{}, hard: map[[2]int]bool{}, work: map[code.MethodID]arch.Ref{}}
	m.findTables()
	m.findEntities()
	m.findAtoms()
	m.findCalls()
	m.findAccess()
	m.findTransactions()
	m.findDoors()
	m.findUseCases(o)
	m.decide()
	m.findRates(o)
	return m
}

func (m *model) findTables() {
	seen := map[arch.Ref]bool{}
	for r := range m.g.Tables {
		seen[r] = true
	}
	for _, a := range m.g.Access {
		if a.Table != "" {
			seen[a.Table] = true
		}
		for _, j := range a.Joins {
			seen[j] = true
		}
	}
	for _, t := range m.g.Types {
		if t.Table != "" && t.Kind != code.KindTest {
			seen[t.Table] = true
		}
	}
	m.tables = slices.Sorted(maps.Keys(seen))
	for i, t := range m.tables {
		m.table[t] = i
	}
}

// findEntities finds the types that are rows of a table where no annotation says
// so: values that are called as a table is, and classes that a repository takes or
// gives.
func (m *model) findEntities() {
	byName := map[string]arch.Ref{}
	for _, t := range m.tables {
		byName[plainName(tableName(t))] = t
	}
	carried := map[code.TypeID]bool{}
	for _, a := range m.g.Access {
		me := m.g.Methods[a.Method]
		for _, t := range slices.Concat(me.Params, me.Results) {
			carried[t] = true
		}
	}
	m.entity = map[code.TypeID]arch.Ref{}
	for id, t := range m.g.Types {
		switch ref, ok := byName[plainName(typeName(m.g, id))]; {
		case t.Table != "":
			m.entity[id] = t.Table
		case ok && (t.Kind == code.KindValue || t.Kind == code.KindEntity || carried[id] && t.Kind == code.KindClass):
			m.entity[id] = ref
		}
	}
}

// plainName is a name without case, signs and plural: order_lines and OrderLine are
// one.
func plainName(s string) string {
	return stem(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return unicode.ToLower(r)
	}, s))
}

// findAtoms leaves out tests and generated code, and packages of loose functions
// that have none.
func (m *model) findAtoms() {
	methods := map[code.TypeID][]code.MethodID{}
	for id, me := range m.g.Methods {
		methods[me.Type] = append(methods[me.Type], id)
	}
	jobs := m.jobs(methods)
	for _, id := range slices.Sorted(maps.Keys(m.g.Types)) {
		t := m.g.Types[id]
		ms := methods[id]
		slices.Sort(ms)
		switch {
		case t.Kind == code.KindTest || testFile(t.Pos.File):
			m.decided = append(m.decided, Decision{Type: id, Role: RoleTest, Why: "tests do not decide where to cut", Pos: t.Pos})
			continue
		case t.Kind == code.KindGenerated:
			m.decided = append(m.decided, Decision{Type: id, Role: RoleGenerated, Why: "generated code follows what it is generated from", Pos: t.Pos})
			continue
		case t.Kind == code.KindPackage && len(ms) == 0:
			continue
		}
		groups := jobs[id]
		if len(groups) < 2 {
			m.add(Atom{Name: string(id), Type: id, Methods: ms, Pos: t.Pos, Lines: t.Lines, Kind: t.Kind, Package: t.Package})
			continue
		}
		b := Broken{Type: id, Pos: t.Pos, Why: fmt.Sprintf("%d methods in %d groups that share no state and no table", len(ms), len(groups))}
		for _, group := range groups {
			a := Atom{Name: string(id) + "#" + groupName(m.g, group), Type: id, Methods: group, Part: true, Kind: t.Kind, Package: t.Package, Pos: m.g.Methods[group[0]].Pos}
			for _, me := range group {
				a.Lines += m.g.Methods[me].Lines
			}
			m.add(a)
			b.Atoms = append(b.Atoms, a.Name)
		}
		m.broken = append(m.broken, b)
	}
}

// testFile reports files that only tests see, by the habits of Maven and Gradle, Go,
// .NET, Python and JavaScript.
func testFile(file string) bool {
	f := "/" + filepath.ToSlash(file)
	for _, dir := range []string{"/src/test/", "/src/it/", "/test/java/", "/tests/", "/__tests__/", "/testdata/"} {
		if strings.Contains(f, dir) {
			return true
		}
	}
	return strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, ".spec.ts") || strings.HasSuffix(f, ".test.ts")
}

func (m *model) add(a Atom) {
	i := len(m.atoms)
	m.atoms = append(m.atoms, a)
	m.of[a.Type] = append(m.of[a.Type], i)
	if t := m.g.Types[a.Type]; t.Name != "" {
		m.short[t.Name] = append(m.short[t.Name], i)
	}
	for _, me := range a.Methods {
		m.at[me] = i
	}
}

// groupName names a group of methods by up to three of them.
func groupName(g *code.Graph, group []code.MethodID) string {
	var names []string
	for _, id := range group {
		if n := g.Methods[id].Name; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) > 3 {
		return strings.Join(names[:3], ",") + fmt.Sprintf(",+%d", len(names)-3)
	}
	return strings.Join(names, ",")
}

func (m *model) findCalls() {
	for _, c := range m.g.Calls {
		a, ok1 := m.at[c.From]
		b, ok2 := m.at[c.To]
		if !ok1 || !ok2 {
			continue
		}
		n := 1.
		if c.Count > 0 {
			n, m.seen = float64(c.Count), true
		}
		m.calls[[2]int{a, b}] += n
		if !m.data(c.To) {
			m.hard[[2]int{a, b}] = true
		}
	}
}

func (m *model) findAccess() {
	for _, a := range m.g.Access {
		i, ok := m.at[a.Method]
		t, known := m.table[a.Table]
		if ok && known && !migration(a.Pos.File) {
			m.access = append(m.access, access{i, t, a.Mode == "write", a})
		}
	}
}

// migration reports files that change the schema: they touch every table, once, and
// say nothing of who works with it.
func migration(file string) bool {
	f := strings.ToLower(filepath.ToSlash(file))
	return strings.Contains(f, "/migrations/") || strings.Contains(f, "/migrate/") || strings.Contains(f[strings.LastIndex(f, "/")+1:], "migration")
}

func (m *model) facts() Facts {
	f := Facts{Types: len(m.g.Types), Methods: len(m.g.Methods), Atoms: len(m.atoms), Tables: len(m.tables), Lines: m.g.Lines,
		Calls: len(m.g.Calls), Accesses: len(m.access), Transactions: len(m.txs), UseCases: len(m.cases),
		Changes: len(m.g.Changes), Authors: len(m.g.Authors), ObservedCalls: m.seen, ObservedUseCases: m.watched, Skipped: len(m.g.Skipped)}
	for _, x := range []struct {
		none bool
		what string
	}{
		{!m.seen, "call counts from traces: calls are weighed by call sites"},
		{len(m.access) == 0, "table accesses"},
		{len(m.txs) == 0, "transactions"},
		{len(m.cases) == 0, "use cases: no entry points and no traces"},
		{len(m.g.Changes) == 0, "version history: what changes together, and who works where"},
	} {
		if x.none {
			f.Missing = append(f.Missing, x.what)
		}
	}
	return f
}

// find resolves what a person calls a type or table: node numbers, atoms first,
// then tables after them.
func (m *model) find(name string) []int {
	if at := m.of[code.TypeID(name)]; at != nil {
		return at
	}
	for i, a := range m.atoms {
		if a.Name == name {
			return []int{i}
		}
	}
	if at := m.short[name]; at != nil {
		types := map[code.TypeID]bool{}
		for _, i := range at {
			types[m.atoms[i].Type] = true
		}
		if len(types) == 1 {
			return at
		}
	}
	for i, t := range m.tables {
		if string(t) == name || t.Name() == name || t.Member() == name && t.Member() != "" {
			return []int{len(m.atoms) + i}
		}
	}
	return nil
}

// suggest is the known name that is nearest to one that was not found.
func (m *model) suggest(name string) string {
	if at := m.short[name]; len(at) > 1 {
		return fmt.Sprintf("%s is ambiguous: write %s or %s", name, m.atoms[at[0]].Type, m.atoms[at[len(at)-1]].Type)
	}
	low := strings.ToLower(name)
	var near []string
	for s := range m.short {
		if l := strings.ToLower(s); strings.Contains(l, low) || strings.Contains(low, l) {
			near = append(near, s)
		}
	}
	if len(near) == 0 {
		return "no type or table of that name was read"
	}
	slices.SortFunc(near, func(a, b string) int {
		return cmp.Or(cmp.Compare(abs(len(a)-len(name)), abs(len(b)-len(name))), cmp.Compare(a, b))
	})
	return "did you mean " + near[0] + "?"
}

func abs(x int) int { return max(x, -x) }
