package split

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// CallCut is an operation that one context needs from another.
type CallCut struct {
	From   string          `json:"from"`
	To     string          `json:"to"`
	Method code.MethodID   `json:"method"`
	Sites  []code.Pos      `json:"sites"`
	Count  arch.Opt[int64] `json:"count"` // observed calls
	// PerDay is how often requests reach it in a day, once each.
	PerDay  arch.Opt[float64] `json:"perDay"`
	InLoop  bool              `json:"inLoop"`
	InTx    bool              `json:"inTx"`
	Replace string            `json:"replace"`
}

// TransactionCut is a transaction that would span contexts.
type TransactionCut struct {
	ID       string        `json:"id"`
	Method   code.MethodID `json:"method"`
	Pos      code.Pos      `json:"pos"`
	Contexts []string      `json:"contexts"` // that write in it, the one of the method first
	Writes   []TableUse    `json:"writes"`
	Reads    []TableUse    `json:"reads"` // of contexts that do not write in it
	Replace  string        `json:"replace"`
}

// TableUse is a table in a transaction with its owner.
type TableUse struct {
	Table arch.Ref `json:"table"`
	Owner string   `json:"owner"`
	Pos   code.Pos `json:"pos"`
}

// callCuts lists the methods called across contexts. A call of a common type is
// no operation: a library stays a call in the process.
func (r *Result) callCuts(c *Candidate) {
	m := r.model
	type key struct {
		from, to int
		me       code.MethodID
	}
	by := map[key]*CallCut{}
	type caller struct {
		k    key
		from code.MethodID
	}
	counted := map[caller]bool{}
	for _, x := range m.g.Calls {
		a, ok1 := m.at[x.From]
		b, ok2 := m.at[x.To]
		if !ok1 || !ok2 || c.part[a] == c.part[b] || m.common[a] || m.common[b] || m.data(x.To) {
			continue
		}
		k := key{c.part[a], c.part[b], x.To}
		cut := by[k]
		if cut == nil {
			cut = &CallCut{From: c.name[k.from], To: c.name[k.to], Method: x.To}
			by[k] = cut
		}
		if r, ok := m.rate[x.From]; ok && !counted[caller{k, x.From}] {
			counted[caller{k, x.From}] = true
			cut.PerDay = arch.Some(cut.PerDay.V + r*24*3600)
		}
		cut.Sites = append(cut.Sites, x.Pos)
		cut.InLoop = cut.InLoop || x.InLoop
		cut.InTx = cut.InTx || x.Tx != ""
		if x.Count > 0 {
			cut.Count = arch.Some(cut.Count.V + x.Count)
		}
	}
	for _, cut := range by {
		slices.SortFunc(cut.Sites, comparePos)
		switch {
		case cut.InLoop:
			cut.Replace = "one call for the whole list; in a loop it would be a call each"
		case cut.InTx:
			cut.Replace = "a call before the transaction, or a step of the saga that replaces it"
		case reads(m, cut.Method):
			cut.Replace = "a query (REST or gRPC)"
		default:
			cut.Replace = "a command, or an event where the caller needs no answer"
		}
		c.Calls = append(c.Calls, *cut)
	}
	slices.SortFunc(c.Calls, func(a, b CallCut) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Method, b.Method))
	})
}

// data reports whether a method only reads or sets a field of an entity or value:
// what crosses a cut as data in a message, not as an operation.
func (m *model) data(id code.MethodID) bool {
	me := m.g.Methods[id]
	k := m.g.Types[me.Type].Kind
	if k != code.KindEntity && k != code.KindValue {
		return false
	}
	return me.Lines <= 4 || strings.HasPrefix(me.Name, "get") || strings.HasPrefix(me.Name, "set") || strings.HasPrefix(me.Name, "is") || strings.HasPrefix(me.Name, "<")
}

// reads reports whether a method writes no table itself.
func reads(m *model, id code.MethodID) bool {
	touched := false
	for _, a := range m.access {
		if a.at.Method == id {
			touched = true
			if a.write {
				return false
			}
		}
	}
	return touched
}

// txCuts lists transactions whose writes belong to several contexts. One that only
// reads elsewhere keeps its commit, but reads what may be stale.
func (r *Result) txCuts(c *Candidate) {
	m := r.model
	n := len(m.atoms)
	for _, x := range m.txs {
		writers := map[string]bool{}
		for _, t := range x.writes {
			writers[c.name[c.part[n+t]]] = true
		}
		foreign := map[int]bool{}
		for _, t := range x.reads {
			if own := c.name[c.part[n+t]]; len(writers) > 0 && !writers[own] {
				foreign[t] = true
			}
		}
		if len(writers) < 2 && len(foreign) == 0 {
			continue
		}
		cut := TransactionCut{ID: x.id, Method: x.at.Method, Pos: x.at.Pos}
		home := ""
		if i, ok := m.at[x.at.Method]; ok {
			home = c.name[c.part[i]]
		}
		if writers[home] {
			cut.Contexts = append(cut.Contexts, home)
		}
		for _, w := range sorted(writers) {
			if w != home {
				cut.Contexts = append(cut.Contexts, w)
			}
		}
		place := map[int]code.Pos{}
		for _, i := range x.accesses {
			a := m.access[i]
			if _, ok := place[a.table]; !ok || a.write {
				place[a.table] = a.at.Pos
			}
		}
		for _, t := range x.writes {
			cut.Writes = append(cut.Writes, TableUse{m.tables[t], c.name[c.part[n+t]], place[t]})
		}
		for _, t := range sorted(foreign) {
			cut.Reads = append(cut.Reads, TableUse{m.tables[t], c.name[c.part[n+t]], place[t]})
		}
		switch {
		case len(writers) > 1:
			cut.Replace = fmt.Sprintf("a saga of %s, with a compensation for each step before the pivot", strings.Join(cut.Contexts, ", then "))
		default:
			cut.Replace = "read before the transaction, or from a copy; decide how stale it may be"
		}
		c.Tx = append(c.Tx, cut)
	}
	slices.SortStableFunc(c.Tx, func(a, b TransactionCut) int {
		return cmp.Or(cmp.Compare(len(b.Contexts), len(a.Contexts)), comparePos(a.Pos, b.Pos))
	})
}
