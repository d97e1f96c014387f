package split

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// TableCut says who owns a table in a candidate, and who else touches it.
type TableCut struct {
	Table   arch.Ref  `json:"table"`
	Owner   string    `json:"owner"`
	Why     string    `json:"why"`
	Writers []Toucher `json:"writers"` // of other contexts
	Readers []Toucher `json:"readers"` // of other contexts
	Keys    []KeyCut  `json:"keys"`    // foreign keys of this table that leave the context
	Joins   []JoinCut `json:"joins"`   // statements that join it with a table of another context
	Pos     code.Pos  `json:"pos"`
}

// Toucher is a context's use of a table that another owns, and what replaces it.
type Toucher struct {
	Context string          `json:"context"`
	Sites   []code.Pos      `json:"sites"`
	Methods []code.MethodID `json:"methods"`
	Replace string          `json:"replace"`
}

// KeyCut is a foreign key between contexts.
type KeyCut struct {
	Columns string   `json:"columns"`
	To      arch.Ref `json:"to"`
	Owner   string   `json:"owner"` // of the table that it leads to
	Replace string   `json:"replace"`
}

// JoinCut is a statement over tables of several contexts.
type JoinCut struct {
	With    arch.Ref `json:"with"`
	Owner   string   `json:"owner"`
	By      string   `json:"by"` // the context whose code it is in
	Pos     code.Pos `json:"pos"`
	Replace string   `json:"replace"`
}

// tables decides ownership: who writes owns; among several writers the one with
// the entity, then the one that writes most; without writers the one that reads most.
func (r *Result) tables(c *Candidate) {
	m := r.model
	n := len(m.atoms)
	writes, reads := make([]map[int]float64, len(m.tables)), make([]map[int]float64, len(m.tables))
	for i := range m.tables {
		writes[i], reads[i] = map[int]float64{}, map[int]float64{}
	}
	for _, a := range m.access {
		if a.write {
			writes[a.table][c.part[a.atom]]++
		} else {
			reads[a.table][c.part[a.atom]]++
		}
	}
	entity := map[int]int{}
	for i, a := range m.atoms {
		if t, ok := m.table[m.entity[a.Type]]; ok {
			entity[t] = c.part[i]
		}
	}
	owner := make([]int, len(m.tables))
	why := make([]string, len(m.tables))
	for i := range m.tables {
		home, has := entity[i]
		switch w, ok := most(writes[i]); {
		case r.pinnedTable(n + i):
			owner[i], why[i] = c.part[n+i], "pinned"
		case ok && len(writes[i]) == 1:
			owner[i], why[i] = w, "only it writes"
		case ok && has && writes[i][home] > 0:
			owner[i], why[i] = home, fmt.Sprintf("it has the entity and %d of %d writing places", int(writes[i][home]), int(total(writes[i])))
		case ok:
			owner[i], why[i] = w, fmt.Sprintf("%d of %d writing places are in it", int(writes[i][w]), int(total(writes[i])))
		default:
			if rd, ok := most(reads[i]); ok {
				owner[i], why[i] = rd, fmt.Sprintf("%d of %d reading places are in it; no write was seen", int(reads[i][rd]), int(total(reads[i])))
			} else if has {
				owner[i], why[i] = home, "it has the entity; no access was seen"
			} else {
				owner[i], why[i] = c.part[n+i], "nearest by keys and names; no access was seen"
			}
		}
		c.part[n+i] = owner[i]
	}
	for i, ref := range m.tables {
		t := TableCut{Table: ref, Owner: c.name[owner[i]], Why: why[i], Pos: m.g.Tables[ref].Pos}
		t.Writers = r.touchers(c, i, owner[i], true)
		t.Readers = r.touchers(c, i, owner[i], false)
		keys := m.g.Tables[ref].ForeignKeys
		for _, cols := range slices.Sorted(maps.Keys(keys)) {
			if to, ok := m.table[keys[cols]]; ok && owner[to] != owner[i] {
				t.Keys = append(t.Keys, KeyCut{Columns: cols, To: m.tables[to], Owner: c.name[owner[to]],
					Replace: "keep the id as a plain value, drop the constraint; " + c.name[owner[to]] + " tells of deletions by event"})
			}
		}
		c.Tables = append(c.Tables, t)
	}
	r.joins(c, owner)
	for k := range c.Contexts {
		x := &c.Contexts[k]
		for _, t := range c.Tables {
			if t.Owner == x.Name {
				x.Tables = append(x.Tables, t.Table)
			}
		}
	}
}

func (r *Result) pinnedTable(node int) bool {
	_, ok := r.model.pinNames(r.opts)[node]
	return ok
}

func total(m map[int]float64) float64 {
	sum := 0.
	for _, k := range sorted(m) {
		sum += m[k]
	}
	return sum
}

// touchers lists the other contexts that read or write a table. A write must go
// through the owner. A read may ask the owner, or keep a copy: a copy where the
// reader comes back in several places or in a loop, since each would be a call.
func (r *Result) touchers(c *Candidate, table, owner int, write bool) []Toucher {
	m := r.model
	by := map[string]*Toucher{}
	for _, a := range m.access {
		p := c.part[a.atom]
		if a.table != table || p == owner || a.write != write {
			continue
		}
		t := by[c.name[p]]
		if t == nil {
			t = &Toucher{Context: c.name[p]}
			by[c.name[p]] = t
		}
		t.Sites = append(t.Sites, a.at.Pos)
		if !slices.Contains(t.Methods, a.at.Method) {
			t.Methods = append(t.Methods, a.at.Method)
		}
	}
	var out []Toucher
	for _, name := range sorted(by) {
		t := by[name]
		slices.SortFunc(t.Sites, comparePos)
		own := c.name[owner]
		switch {
		case write:
			t.Replace = "a command of " + own + "; where it commits together with own data, a saga step"
		case len(t.Sites) > 2:
			t.Replace = "an event-carried copy of the columns read, fed by " + own
		default:
			t.Replace = "a query to " + own
		}
		out = append(out, *t)
	}
	return out
}

func (r *Result) joins(c *Candidate, owner []int) {
	m := r.model
	seen := map[string]bool{}
	for _, a := range m.access {
		for _, j := range a.at.Joins {
			k, ok := m.table[j]
			if !ok || owner[k] == owner[a.table] {
				continue
			}
			// One statement has an access for each of its tables: report it once, at
			// the table of the context that asks.
			lo, hi := min(a.table, k), max(a.table, k)
			key := fmt.Sprint(a.at.Pos, lo, hi)
			if seen[key] {
				continue
			}
			seen[key] = true
			by := c.part[a.atom]
			i, with := lo, hi
			if owner[hi] == by {
				i, with = hi, lo
			}
			replace := "read own rows, then ask " + c.name[owner[with]] + " for all ids in one call"
			if a.write || owner[i] != by {
				replace = "a read model fed by events of " + c.name[owner[with]] + " and " + c.name[owner[i]]
			}
			c.Tables[i].Joins = append(c.Tables[i].Joins, JoinCut{With: m.tables[with], Owner: c.name[owner[with]], By: c.name[by], Pos: a.at.Pos, Replace: replace})
		}
	}
	for i := range c.Tables {
		slices.SortFunc(c.Tables[i].Joins, func(a, b JoinCut) int {
			return cmp.Or(comparePos(a.Pos, b.Pos), cmp.Compare(a.With, b.With))
		})
	}
}
