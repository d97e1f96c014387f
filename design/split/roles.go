package split

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
)

// Role of a type that no context should own alone, or that is left out.
type Role string

const (
	RoleUtility   Role = "utility"       // behaviour without domain: a library
	RoleKernel    Role = "shared kernel" // domain values that many contexts share: few, owned by all, or copied
	RolePlatform  Role = "platform"      // configuration, start-up, connection handling: each service gets its own
	RoleHomes     Role = "several homes" // used by contexts alike: one owns it, the others hold their own view
	RoleAlone     Role = "alone"         // nothing ties it to anything: it may live anywhere
	RoleTest      Role = "test"
	RoleGenerated Role = "generated"
)

// Decision says what becomes of a type that does not simply belong to a context.
type Decision struct {
	Type code.TypeID `json:"type"`
	Role Role        `json:"role"`
	Why  string      `json:"why"`
	Do   string      `json:"do"` // what to do about it
	Pos  code.Pos    `json:"pos"`
}

// manyUsers is the share of atoms that makes a type common property, and the
// least number of them.
const (
	manyShare = .12
	manyLeast = 6
)

// decide finds the types that are common property. They take part in the search
// with little weight, so that they glue nothing together.
func (m *model) decide() {
	n := len(m.atoms)
	m.common = make([]bool, n)
	in, out := make([]map[string]bool, n), make([]int, n)
	users := make([]int, n)
	for i := range in {
		in[i] = map[string]bool{}
	}
	for e := range m.calls {
		if e[0] != e[1] && m.atoms[e[0]].Type != m.atoms[e[1]].Type {
			users[e[1]]++
			out[e[0]]++
			in[e[1]][m.atoms[e[0]].Package] = true
		}
	}
	fields := m.fieldUsers()
	touches := make([]bool, n)
	for _, a := range m.access {
		touches[a.atom] = true
	}
	enters, starts := map[code.TypeID]bool{}, map[code.TypeID]bool{}
	for _, e := range m.g.Entries {
		if t := m.g.Methods[e.Method].Type; e.Kind == "main" {
			starts[t] = true
		} else {
			enters[t] = true
		}
	}
	abroad, domain := m.calledAbroad(), m.sharesWords()
	limit := max(manyLeast, int(manyShare*float64(n)))
	for i, a := range m.atoms {
		t := m.g.Types[a.Type]
		if a.Part || touches[i] || enters[a.Type] || m.entity[a.Type] != "" {
			continue
		}
		u := max(users[i], fields[i])
		d := Decision{Type: a.Type, Pos: a.Pos}
		switch {
		case (t.Kind == code.KindValue || t.Kind == code.KindClass && out[i] == 0) && u >= limit && u > users[i]:
			d.Role, d.Why = RoleKernel, fmt.Sprintf("a value that %d others use", u)
			d.Do = "keep it in one small versioned library, or give each context its own copy"
		case t.Kind != code.KindEntity && t.Kind != code.KindRepository && users[i] >= limit && out[i]*4 <= users[i]:
			if domain[i] {
				m.common[i] = true // so central that it would glue its callers together; it goes where it is drawn to
				continue
			}
			d.Role, d.Why = RoleUtility, fmt.Sprintf("%d others call it, it calls %d and touches no table", users[i], out[i])
			d.Do = "make it a library without domain knowledge"
		case t.Kind == code.KindPackage && !abroad[i] && !starts[a.Type]:
			m.common[i] = true // helpers of the types beside them: they follow these
			continue
		case t.Kind == code.KindPackage && out[i] == 0 && users[i] > 1:
			d.Role, d.Why = RoleUtility, fmt.Sprintf("functions without a type that %d others call; they call nothing and touch no table", users[i])
			d.Do = "make it a library without domain knowledge"
		case starts[a.Type] && users[i] == 0 || users[i] == 0 && out[i] <= 1 && platform(t.Name):
			d.Role, d.Why = RolePlatform, "it is start-up or configuration and no one calls it"
			d.Do = "each service gets its own"
		default:
			continue
		}
		m.common[i] = true
		m.decided = append(m.decided, d)
	}
	m.findAlone(touches)
	slices.SortFunc(m.decided, func(a, b Decision) int { return strings.Compare(string(a.Type), string(b.Type)) })
}

// sharesWords marks the atoms that have a word of their name in common with two
// other types: a word of the domain, which a utility has none of.
func (m *model) sharesWords() []bool {
	types := map[string]map[code.TypeID]bool{}
	for _, a := range m.atoms {
		for _, w := range meaning(words(typeName(m.g, a.Type))) {
			if types[w] == nil {
				types[w] = map[code.TypeID]bool{}
			}
			types[w][a.Type] = true
		}
	}
	out := make([]bool, len(m.atoms))
	for i, a := range m.atoms {
		for _, w := range meaning(words(typeName(m.g, a.Type))) {
			out[i] = out[i] || len(types[w]) > 2
		}
	}
	return out
}

// calledAbroad marks the atoms that another package calls.
func (m *model) calledAbroad() []bool {
	out := make([]bool, len(m.atoms))
	for e := range m.calls {
		if m.atoms[e[0]].Package != m.atoms[e[1]].Package {
			out[e[1]] = true
		}
	}
	return out
}

// findAlone finds atoms that no call, table or use case ties to more than one
// other. They are no context, and cannot say anything about one.
func (m *model) findAlone(touches []bool) {
	u := newUnion(len(m.atoms))
	for e := range m.calls {
		if !m.common[e[0]] && !m.common[e[1]] {
			u.join(e[0], e[1])
		}
	}
	for i, a := range m.atoms {
		for _, e := range m.g.Types[a.Type].Extends {
			for _, j := range m.of[e] {
				u.join(i, j)
			}
		}
		u.join(i, m.of[a.Type][0])
	}
	first := map[int]int{}
	for _, c := range m.cases {
		if len(c.atoms)*4 > len(m.atoms) {
			continue // a use case of everything ties nothing
		}
		for _, i := range c.atoms {
			u.join(c.atoms[0], i)
		}
	}
	for _, a := range m.access {
		if j, ok := first[a.table]; ok {
			u.join(j, a.atom)
		} else {
			first[a.table] = a.atom
		}
	}
	size, data := map[int]int{}, map[int]bool{}
	for i, a := range m.atoms {
		r := u.root(i)
		size[r]++
		data[r] = data[r] || touches[i] || m.entity[a.Type] != ""
	}
	for i, a := range m.atoms {
		if r := u.root(i); size[r] <= 2 && !data[r] && !m.common[i] && len(m.atoms) > 8 {
			m.common[i] = true
			m.decided = append(m.decided, Decision{Type: a.Type, Role: RoleAlone, Why: "no call, table or use case ties it to the rest", Do: "leave it where it is", Pos: a.Pos})
		}
	}
}

// fieldUsers counts the types that hold an atom's type as a field or parameter.
func (m *model) fieldUsers() []int {
	users := make([]map[code.TypeID]bool, len(m.atoms))
	mark := func(t code.TypeID, by code.TypeID) {
		for _, i := range m.of[t] {
			if by == t {
				continue
			}
			if users[i] == nil {
				users[i] = map[code.TypeID]bool{}
			}
			users[i][by] = true
		}
	}
	for id, t := range m.g.Types {
		if t.Kind == code.KindTest || t.Kind == code.KindGenerated {
			continue
		}
		for _, f := range t.Fields {
			mark(f.Type, id)
		}
	}
	for _, me := range m.g.Methods {
		for _, p := range me.Params {
			mark(p, me.Type)
		}
		for _, p := range me.Results {
			mark(p, me.Type)
		}
	}
	out := make([]int, len(users))
	for i, u := range users {
		out[i] = len(u)
	}
	return out
}

// platform reports names that say start-up or configuration.
func platform(name string) bool {
	for _, w := range words(name) {
		switch w {
		case "config", "configuration", "application", "app", "main", "bootstrap", "initializer", "module":
			return true
		}
	}
	return false
}
