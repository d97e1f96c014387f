package split

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pinned are the user's pins as node numbers.
type pinned struct {
	fixed []int          // node -> group of nodes that stay together, -1 free
	apart [][2]int       // groups (or nodes, see key) that may not meet
	names map[int]string // node -> name of its context
}

// pins resolves names and refuses what contradicts itself.
func (m *model) pins(p Pins) (*pinned, error) {
	n := len(m.atoms) + len(m.tables)
	out := &pinned{names: map[int]string{}}
	u := newUnion(n)
	get := func(list, name string) ([]int, error) {
		at := m.find(name)
		if at == nil {
			return nil, fmt.Errorf("split pins: %s: %s: %s", list, name, m.suggest(name))
		}
		return at, nil
	}
	used := map[int]bool{}
	for i, list := range p.Together {
		var all []int
		for _, name := range list {
			at, err := get(fmt.Sprintf("together[%d]", i), name)
			if err != nil {
				return nil, err
			}
			all = append(all, at...)
		}
		for _, x := range all {
			used[x] = true
			u.join(all[0], x)
		}
	}
	byName := map[string][]int{}
	for _, name := range slices.Sorted(maps.Keys(p.Names)) {
		at, err := get("names", name)
		if err != nil {
			return nil, err
		}
		for _, x := range at {
			used[x] = true
			out.names[x] = p.Names[name]
			byName[p.Names[name]] = append(byName[p.Names[name]], x)
		}
	}
	var lead []int
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		for _, x := range byName[name] {
			u.join(byName[name][0], x)
		}
		lead = append(lead, byName[name][0])
	}
	for i, a := range lead {
		for _, b := range lead[i+1:] {
			out.apart = append(out.apart, [2]int{a, b})
		}
	}
	for i, list := range p.Apart {
		var each [][]int
		for _, name := range list {
			at, err := get(fmt.Sprintf("apart[%d]", i), name)
			if err != nil {
				return nil, err
			}
			for _, x := range at {
				used[x] = true
			}
			each = append(each, at)
		}
		for j, as := range each {
			for _, bs := range each[j+1:] {
				for _, a := range as {
					for _, b := range bs {
						out.apart = append(out.apart, [2]int{a, b})
					}
				}
			}
		}
	}
	for i, e := range out.apart {
		a, b := u.root(e[0]), u.root(e[1])
		if a == b {
			return nil, fmt.Errorf("split pins: %s and %s are to be both together and apart", m.nodeName(e[0]), m.nodeName(e[1]))
		}
		out.apart[i] = [2]int{a, b}
	}
	out.fixed = make([]int, n)
	for i := range out.fixed {
		out.fixed[i] = -1
		if used[i] {
			out.fixed[i] = u.root(i)
		}
	}
	return out, nil
}

// nodeName is what a person calls a node.
func (m *model) nodeName(i int) string {
	if i < len(m.atoms) {
		return m.atoms[i].Name
	}
	return tableName(m.tables[i-len(m.atoms)])
}

// repair moves nodes until no two that are apart share a part; false if it cannot.
func (p *pinned) repair(s *state) bool {
	for range 20 {
		clean := true
		for _, e := range p.apart {
			if s.part[e[0]] != s.part[e[1]] {
				continue
			}
			clean = false
			group := s.group(e[1])
			to := s.bestOther(group, s.part[e[1]], p)
			for _, x := range group {
				s.move(x, to)
			}
		}
		if clean {
			return true
		}
	}
	return false
}

// allowed reports whether a node may be in a part.
func (p *pinned) allowed(s *state, node, part int) bool {
	for _, e := range p.apart {
		if e[0] == node && s.part[e[1]] == part || e[1] == node && s.part[e[0]] == part {
			return false
		}
	}
	return true
}

// String lists pins for messages.
func (p Pins) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d together, %d apart, %d named", len(p.Together), len(p.Apart), len(p.Names))
	return b.String()
}
