package split

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// A type is looked at for several jobs when it is at least this large. Smaller
// ones are one atom: cutting them apart buys nothing.
const (
	manyMethods = 6
	manyTables  = 2
)

// jobs finds the types that do several jobs, and their groups of methods. Methods
// hang together when one calls the other, when both use a field that not most of
// the type uses (a shared connection tells nothing), or when the table that each
// touches most is the same. Groups without any table or entry of their own join
// the one that they call into or are called from; a single group is no finding.
func (m *model) jobs(methods map[code.TypeID][]code.MethodID) map[code.TypeID][][]code.MethodID {
	touches := m.touches(methods)
	inside := map[code.TypeID][][2]code.MethodID{}
	outside := map[code.MethodID]map[code.TypeID]bool{} // types that a method works with
	for _, c := range m.g.Calls {
		from, to := m.g.Methods[c.From].Type, m.g.Methods[c.To].Type
		if from == to {
			inside[from] = append(inside[from], [2]code.MethodID{c.From, c.To})
		} else if k := m.g.Types[to].Kind; k == code.KindRepository || k == code.KindEntity || k == code.KindClient {
			if outside[c.From] == nil {
				outside[c.From] = map[code.TypeID]bool{}
			}
			outside[c.From][to] = true
		}
	}
	out := map[code.TypeID][][]code.MethodID{}
	for id, ms := range methods {
		if len(ms) < manyMethods {
			continue
		}
		tables := map[arch.Ref]bool{}
		works := map[code.TypeID]bool{}
		for _, me := range ms {
			for t := range touches[me] {
				tables[t] = true
			}
			for t := range outside[me] {
				works[t] = true
			}
		}
		k := m.g.Types[id].Kind
		if k == code.KindEntity || k == code.KindTest || k == code.KindGenerated || len(tables) < manyTables && len(works) < 3 {
			continue
		}
		if groups := m.groups(ms, touches, outside, inside[id]); len(groups) > 1 {
			out[id] = groups
			for _, group := range groups {
				sum := map[arch.Ref]float64{}
				for _, me := range group {
					for t, w := range touches[me] {
						sum[t] += w
					}
				}
				if t, ok := most(sum); ok {
					m.work[group[0]] = t
				}
			}
		}
	}
	return out
}

// How far behind a method its tables are looked for: a handler calls a service, that
// a data access object, that a helper.
const behind = 4

// touches weighs the tables behind each method of a large type: writes twice, and
// less with each call in between. Methods of small types have their own only.
func (m *model) touches(methods map[code.TypeID][]code.MethodID) map[code.MethodID]map[arch.Ref]float64 {
	own := map[code.MethodID]map[arch.Ref]float64{}
	for _, a := range m.g.Access {
		if own[a.Method] == nil {
			own[a.Method] = map[arch.Ref]float64{}
		}
		w := 1.
		if a.Mode == "write" {
			w = 2
		}
		own[a.Method][a.Table] += w
	}
	out := m.callees()
	all := map[code.MethodID]map[arch.Ref]float64{}
	for _, ms := range methods {
		if len(ms) < manyMethods {
			continue
		}
		for _, me := range ms {
			sum := map[arch.Ref]float64{}
			for to, d := range reach([]code.MethodID{me}, out) {
				if d > behind {
					continue
				}
				for t, w := range own[to] {
					sum[t] += w / float64(int(1)<<(2*d))
				}
			}
			if len(sum) > 0 {
				all[me] = sum
			}
		}
	}
	return all
}

func (m *model) groups(ms []code.MethodID, touches map[code.MethodID]map[arch.Ref]float64, outside map[code.MethodID]map[code.TypeID]bool, inside [][2]code.MethodID) [][]code.MethodID {
	slices.Sort(ms)
	index := map[code.MethodID]int{}
	for i, me := range ms {
		index[me] = i
	}
	u := newUnion(len(ms))
	// A helper that many call, and a field that most use, hold nothing together.
	callers := map[code.MethodID]map[code.MethodID]bool{}
	for _, c := range inside {
		if callers[c[1]] == nil {
			callers[c[1]] = map[code.MethodID]bool{}
		}
		callers[c[1]][c[0]] = true
	}
	for _, c := range inside {
		if len(callers[c[1]])*3 <= len(ms) && !otherTable(touches[c[0]], touches[c[1]]) {
			u.join(index[c[0]], index[c[1]])
		}
	}
	users := map[string][]int{}
	first := map[string]int{}
	for i, me := range ms {
		x := m.g.Methods[me]
		for _, f := range x.Writes {
			users[f] = append(users[f], i)
		}
		if t, ok := most(touches[me]); ok {
			joinFirst(u, first, "table "+string(t), i)
		}
		if len(outside[me]) == 1 && len(touches[me]) == 0 {
			for t := range outside[me] {
				joinFirst(u, first, "type "+string(t), i)
			}
		}
	}
	for _, is := range users {
		if len(is)*2 <= len(ms) {
			for _, i := range is[1:] {
				u.join(is[0], i)
			}
		}
	}
	by := map[int][]code.MethodID{}
	for i, me := range ms {
		by[u.root(i)] = append(by[u.root(i)], me)
	}
	// What touches nothing (constructors, helpers) goes with the largest group.
	var groups [][]code.MethodID
	var loose []code.MethodID
	for _, r := range slices.Sorted(maps.Keys(by)) {
		works := false
		for _, me := range by[r] {
			works = works || len(touches[me]) > 0 || len(outside[me]) > 0
		}
		if works {
			groups = append(groups, by[r])
		} else {
			loose = append(loose, by[r]...)
		}
	}
	if len(groups) < 2 {
		return nil
	}
	slices.SortStableFunc(groups, func(a, b []code.MethodID) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a[0], b[0]))
	})
	groups[0] = append(groups[0], loose...)
	slices.Sort(groups[0])
	return groups
}

// otherTable reports whether two methods work on different tables: the one calls
// the other, yet they do two jobs.
func otherTable(a, b map[arch.Ref]float64) bool {
	s, ok1 := most(a)
	t, ok2 := most(b)
	return ok1 && ok2 && s != t
}

func joinFirst(u *union, first map[string]int, key string, i int) {
	if j, ok := first[key]; ok {
		u.join(i, j)
		return
	}
	first[key] = i
}

// most is the key of the largest value, the smallest such key.
func most[K cmp.Ordered](m map[K]float64) (K, bool) {
	var best K
	found := false
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !found || m[k] > m[best] {
			best, found = k, true
		}
	}
	return best, found
}

// union is a disjoint-set forest.
type union []int

func newUnion(n int) *union {
	u := make(union, n)
	for i := range u {
		u[i] = i
	}
	return &u
}

func (u *union) root(i int) int {
	for (*u)[i] != i {
		(*u)[i] = (*u)[(*u)[i]]
		i = (*u)[i]
	}
	return i
}

func (u *union) join(i, j int) {
	a, b := u.root(i), u.root(j)
	(*u)[max(a, b)] = min(a, b)
}
