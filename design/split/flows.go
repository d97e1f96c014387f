package split

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// How deep a transaction or a use case is followed through calls. Deeper than
// this, generic code leads everywhere.
const depth = 12

// transaction is what commits as one.
type transaction struct {
	id       string
	at       code.Transaction
	atoms    []int
	writes   []int // tables, sorted
	reads    []int
	accesses []int // of model.access
}

// findTransactions follows each transaction through calls, since a reader of code
// marks only the statements that it saw inside.
func (m *model) findTransactions() {
	out := m.callees()
	byMethod := map[code.MethodID][]int{}
	byTx := map[string][]int{}
	for i, a := range m.access {
		byMethod[a.at.Method] = append(byMethod[a.at.Method], i)
		if a.at.Tx != "" {
			byTx[a.at.Tx] = append(byTx[a.at.Tx], i)
		}
	}
	starts := map[string][]code.MethodID{}
	for _, c := range m.g.Calls {
		if c.Tx != "" && !c.Async {
			starts[c.Tx] = append(starts[c.Tx], c.To)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.g.Tx)) {
		t := m.g.Tx[id]
		from := starts[id]
		if t.Kind == "annotation" || t.Kind == "container" {
			from = append(from, t.Method)
		}
		x := transaction{id: id, at: t}
		hit := map[int]bool{}
		atoms := map[int]bool{}
		if a, ok := m.at[t.Method]; ok {
			atoms[a] = true
		}
		for me := range reach(from, out) {
			for _, i := range byMethod[me] {
				hit[i] = true
			}
		}
		for _, i := range byTx[id] {
			hit[i] = true
		}
		reads, writes := map[int]bool{}, map[int]bool{}
		for _, i := range slices.Sorted(maps.Keys(hit)) {
			a := m.access[i]
			atoms[a.atom] = true
			x.accesses = append(x.accesses, i)
			if a.write {
				writes[a.table] = true
			} else {
				reads[a.table] = true
			}
		}
		x.atoms, x.writes, x.reads = sorted(atoms), sorted(writes), sorted(reads)
		if len(x.accesses) > 0 {
			m.txs = append(m.txs, x)
		}
	}
}

// callees are the synchronous calls between methods; a call of an interface's
// method leads to the methods of the types that implement it.
func (m *model) callees() map[code.MethodID][]code.MethodID {
	impl := map[code.TypeID][]code.TypeID{}
	for id, t := range m.g.Types {
		for _, e := range t.Extends {
			if m.g.Types[e].Kind == code.KindInterface || m.g.Types[e].Kind == code.KindRepository {
				impl[e] = append(impl[e], id)
			}
		}
	}
	byName := map[code.TypeID]map[string][]code.MethodID{}
	for id, me := range m.g.Methods {
		if byName[me.Type] == nil {
			byName[me.Type] = map[string][]code.MethodID{}
		}
		byName[me.Type][me.Name] = append(byName[me.Type][me.Name], id)
	}
	out := map[code.MethodID][]code.MethodID{}
	for _, c := range m.g.Calls {
		if c.Async {
			continue
		}
		out[c.From] = append(out[c.From], c.To)
		to := m.g.Methods[c.To]
		for _, i := range impl[to.Type] {
			out[c.From] = append(out[c.From], byName[i][to.Name]...)
		}
	}
	return out
}

// reach walks calls from some methods, at most depth deep.
func reach(from []code.MethodID, out map[code.MethodID][]code.MethodID) map[code.MethodID]int {
	seen := map[code.MethodID]int{}
	for _, f := range from {
		seen[f] = 0
	}
	next := slices.Clone(from)
	for d := 1; d <= depth && len(next) > 0; d++ {
		var after []code.MethodID
		for _, f := range next {
			for _, t := range out[f] {
				if _, ok := seen[t]; !ok {
					seen[t] = d
					after = append(after, t)
				}
			}
		}
		next = after
	}
	return seen
}

// findDoors lists the atoms at which requests, messages and timers come in.
func (m *model) findDoors() {
	seen := map[int]bool{}
	for _, e := range m.g.Entries {
		if i, ok := m.at[e.Method]; ok && e.Kind != "main" {
			seen[i] = true
		}
	}
	m.doors = sorted(seen)
}

// findUseCases takes the observed ones, or what each entry point reaches.
func (m *model) findUseCases(o Options) {
	if len(o.UseCases) > 0 {
		m.watched = true
		for _, name := range slices.Sorted(maps.Keys(o.UseCases)) {
			atoms := map[int]bool{}
			for _, t := range o.UseCases[name] {
				for _, i := range m.find(string(t)) {
					if i < len(m.atoms) {
						atoms[i] = true
					}
				}
			}
			if len(atoms) > 0 {
				m.cases = append(m.cases, useCase{name: name, atoms: sorted(atoms)})
			}
		}
		return
	}
	out := m.callees()
	for _, e := range m.g.Entries {
		if e.Kind == "main" {
			continue
		}
		if _, ok := m.at[e.Method]; !ok {
			continue
		}
		atoms := map[int]bool{}
		for me := range reach([]code.MethodID{e.Method}, out) {
			if i, ok := m.at[me]; ok {
				atoms[i] = true
				if en := m.g.Methods[me].Type; m.g.Types[en].Kind == code.KindRepository {
					for _, r := range m.g.Methods[me].Results {
						for _, j := range m.of[r] {
							atoms[j] = true
						}
					}
				}
			}
		}
		name := e.Trigger
		if name == "" {
			name = string(e.Method)
		}
		m.cases = append(m.cases, useCase{name: name, pos: e.Pos, atoms: sorted(atoms)})
	}
	slices.SortStableFunc(m.cases, func(a, b useCase) int { return cmp.Or(strings.Compare(a.name, b.name), comparePos(a.pos, b.pos)) })
}

func comparePos(a, b code.Pos) int {
	return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col)
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
