package split

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

// contextNames names parts: by pin, by a context of the model whose words it uses,
// else by the word that tells it from the others most.
func (m *model) contextNames(byPart [][]int, part []int, o Options) (names []string, terms [][]string, inferred []bool) {
	k := len(byPart)
	names, terms, inferred = make([]string, k), make([][]string, k), make([]bool, k)
	count := make([]map[string]float64, k)
	spread := map[string]float64{}
	written := spellings{}
	for p, atoms := range byPart {
		count[p] = map[string]float64{}
		add := func(ws []string, w float64) {
			for _, x := range meaning(ws) {
				count[p][x] += w
			}
			written.add(ws, w)
		}
		for _, i := range atoms {
			a := m.atoms[i]
			t := m.g.Types[a.Type]
			w := 1.
			if m.entity[a.Type] != "" || t.Kind == code.KindEntity || t.Kind == code.KindController {
				w = 2
			}
			if m.common[i] {
				continue
			}
			if a.Part {
				for _, me := range a.Methods {
					add(words(m.g.Methods[me].Name), .3)
				}
				continue
			}
			add(words(typeName(m.g, a.Type)), w)
			if s := subject(a.Package); s != "" && !o.IgnoreFolders {
				add(words(s[strings.LastIndex(s, "/")+1:]), .5)
			}
		}
		for i, t := range m.tables {
			if part[len(m.atoms)+i] == p {
				add(words(tableName(t)), 1.5)
			}
		}
		for w, n := range count[p] {
			spread[w] += n
		}
	}
	type claim struct {
		part int
		word string
		how  float64
	}
	var claims []claim
	for p := range byPart {
		score := map[string]float64{}
		for w, n := range count[p] {
			score[w] = n * n / spread[w] // much here, little elsewhere
		}
		ws := sorted(score)
		slices.SortStableFunc(ws, func(a, b string) int { return cmp.Compare(score[b], score[a]) })
		for _, w := range ws {
			claims = append(claims, claim{p, w, score[w]})
			if len(terms[p]) < 8 && count[p][w]*2 >= spread[w] {
				terms[p] = append(terms[p], written.of(w))
			}
		}
	}
	taken := map[string]bool{}
	for _, i := range sorted(m.pinNames(o)) {
		p := part[i]
		names[p] = m.pinNames(o)[i]
		taken[names[p]] = true
	}
	m.givenNames(o, count, names, taken)
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(b.how, a.how) })
	for _, c := range claims {
		if name := written.of(c.word); names[c.part] == "" && !taken[name] {
			names[c.part], inferred[c.part], taken[name] = name, true, true
		}
	}
	for p, atoms := range byPart {
		if names[p] == "" && len(atoms) > 0 {
			names[p], inferred[p] = fmt.Sprintf("context-%d", p+1), true
		}
	}
	return names, terms, inferred
}

func (m *model) pinNames(o Options) map[int]string {
	out := map[int]string{}
	for name, context := range o.Pins.Names {
		for _, i := range m.find(name) {
			out[i] = context
		}
	}
	return out
}

// givenNames matches contexts of the model by their terms.
func (m *model) givenNames(o Options, count []map[string]float64, names []string, taken map[string]bool) {
	if o.System == nil {
		return
	}
	for _, name := range sorted(o.System.Contexts) {
		if taken[name] {
			continue
		}
		given := meaning(words(name))
		for t := range o.System.Contexts[name].Terms {
			given = append(given, meaning(words(t))...)
		}
		best, how := -1, 1.9
		for p := range names {
			sum := 0.
			for _, w := range given {
				sum += count[p][w]
			}
			if names[p] == "" && sum > how {
				best, how = p, sum
			}
		}
		if best >= 0 {
			names[best], taken[name] = name, true
		}
	}
}

// typeName is a type's plain name; a package's loose functions have its last segment.
func typeName(g *code.Graph, id code.TypeID) string {
	if n := g.Types[id].Name; n != "" {
		return n
	}
	s := string(id)
	if i := strings.LastIndexAny(s, "./"); i >= 0 && i+1 < len(s) {
		return s[i+1:]
	}
	return s
}

// tableName is a table's name without its store.
func tableName(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}

// spellings are how often each word was written, by its stem: lens is not the
// plural of len.
type spellings map[string]map[string]float64

func (s spellings) add(ws []string, w float64) {
	for _, x := range ws {
		k := stem(x)
		if s[k] == nil {
			s[k] = map[string]float64{}
		}
		s[k][x] += w
	}
}

// of is the stem itself where anyone wrote it so, else the usual spelling.
func (s spellings) of(stem string) string {
	if s[stem][stem] > 0 || len(s[stem]) == 0 {
		return stem
	}
	best, _ := most(s[stem])
	return best
}
