package split

import (
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// byGiven ties atoms and tables to a node for each context that the model gives: to
// its aggregates' types and tables fully, to what uses the words of its name and
// language half. It returns the number of nodes.
func (m *model) byGiven(o Options, put putter, first int) int {
	if o.System == nil || len(o.System.Contexts) == 0 {
		return 0
	}
	names := sorted(o.System.Contexts)
	stated := map[int]bool{}
	for k, name := range names {
		for _, a := range o.System.Contexts[name].Aggregates {
			for _, t := range append(slices.Clone(a.Types), a.Root) {
				for _, i := range m.find(t) {
					put(ByGiven, i, first+k, 1)
					stated[i] = true
				}
			}
			for _, ref := range a.Tables {
				if t, ok := m.table[ref]; ok {
					put(ByGiven, len(m.atoms)+t, first+k, 1)
					stated[len(m.atoms)+t] = true
				}
			}
		}
	}
	languages := make([][]string, len(names))
	for k, name := range names {
		languages[k] = meaning(words(name))
		for t := range o.System.Contexts[name].Terms {
			languages[k] = append(languages[k], meaning(words(t))...)
		}
	}
	speaks := func(node int, ws []string) {
		best, hits, tie := -1, 0, false
		for k, lang := range languages {
			n := 0
			for _, w := range ws {
				if slices.Contains(lang, w) {
					n++
				}
			}
			if n > hits {
				best, hits, tie = k, n, false
			} else if n == hits {
				tie = true
			}
		}
		if best >= 0 && !tie && !stated[node] {
			put(ByGiven, node, first+best, .5)
		}
	}
	for i, a := range m.atoms {
		if m.common[i] {
			continue
		}
		ws := words(typeName(m.g, a.Type))
		if a.Part {
			ws = nil
			for _, me := range a.Methods {
				ws = append(ws, words(m.g.Methods[me].Name)...)
			}
		}
		speaks(i, meaning(ws))
	}
	for t, ref := range m.tables {
		speaks(len(m.atoms)+t, meaning(words(tableName(ref))))
	}
	return len(names)
}

// byTeams ties atoms whose files one team owns, and atoms that the same few people
// change. It returns the number of nodes, one a team.
func (m *model) byTeams(o Options, put putter, first int) int {
	m.owner = make([]string, len(m.atoms))
	size := map[string]int{}
	for i, a := range m.atoms {
		if o.Owner != nil && a.Pos.File != "" && !m.common[i] {
			m.owner[i] = o.Owner(a.Pos.File)
			size[m.owner[i]]++
		}
	}
	delete(size, "")
	if len(size) > 1 {
		number := map[string]int{}
		for k, team := range sorted(size) {
			number[team] = k
		}
		for i, team := range m.owner {
			if team != "" {
				put(ByTeam, i, first+number[team], 1/math.Sqrt(max(1, float64(size[team])/8)))
			}
		}
		return len(size)
	}
	if len(m.g.Authors) < 4 {
		return 0
	}
	commits := map[code.TypeID]float64{}
	for _, types := range m.g.Authors {
		for t, n := range types {
			commits[t] += float64(n)
		}
	}
	v := make([]vector, len(m.atoms))
	for who, name := range sorted(m.g.Authors) {
		for t, n := range m.g.Authors[name] {
			if commits[t] < 3 {
				continue // one commit tells nothing of who works here
			}
			for _, i := range m.of[t] {
				if !m.common[i] {
					v[i] = append(v[i], feature{who, float64(n) / commits[t]})
				}
			}
		}
	}
	nearest(v, .5, func(i, j int, sim float64) {
		if m.atoms[i].Type != m.atoms[j].Type {
			put(ByTeam, i, j, .5*sim)
		}
	})
	return 0
}

// TeamShare is a team's share of a context's lines.
type TeamShare struct {
	Team  string  `json:"team"`
	Share float64 `json:"share"` // 0 to 1
}

// teams are the owners of a context's files, the largest share first.
func (m *model) teams(atoms []int) []TeamShare {
	lines := map[string]float64{}
	all := 0.
	for _, i := range atoms {
		n := float64(max(1, m.atoms[i].Lines))
		all += n
		if m.owner != nil && m.owner[i] != "" {
			lines[m.owner[i]] += n
		}
	}
	var out []TeamShare
	for _, team := range sorted(lines) {
		out = append(out, TeamShare{team, lines[team] / all})
	}
	slices.SortStableFunc(out, func(a, b TeamShare) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	return out
}

// rates are requests per second by trigger, as traces or journeys say.
func rates(s *arch.System) map[string]float64 {
	out := map[string]float64{}
	if s == nil {
		return out
	}
	for _, svc := range s.Services {
		for _, op := range svc.Operations {
			if op.Rate.Known && op.Trigger != "" {
				out[op.Trigger] = max(out[op.Trigger], op.Rate.V)
			}
		}
	}
	for _, j := range s.Journeys {
		svc, ok := s.Services[j.Entry.Name()]
		if op, known := svc.Operations[j.Entry.Member()]; ok && known && j.Rate.Known && op.Trigger != "" {
			out[op.Trigger] = max(out[op.Trigger], j.Rate.V)
		}
	}
	return out
}

// findRates gives each method the requests per second of the entries that reach it:
// how often it is called at most once for each request.
func (m *model) findRates(o Options) {
	known := rates(o.System)
	if len(known) == 0 {
		return
	}
	out := m.callees()
	m.rate, m.entered = map[code.MethodID]float64{}, map[code.MethodID]float64{}
	for _, e := range m.g.Entries {
		r, ok := known[e.Trigger]
		if !ok {
			continue
		}
		m.entered[e.Method] += r
		for me := range reach([]code.MethodID{e.Method}, out) {
			m.rate[me] += r
		}
	}
}
