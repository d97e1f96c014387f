package gosource

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// program is all summaries together.
type program struct {
	w       *world
	parts   []*summary
	sites   map[string]*site
	callers map[code.MethodID][]*site
	vars    map[string][]string
	returns map[code.MethodID][]string
	impl    map[code.MethodID][]code.MethodID // method of an interface -> of the types that implement it
	ifaces  map[code.MethodID][]code.MethodID // the other way round
	methods map[code.MethodID]code.Method
	types   map[code.TypeID]code.Type
	pkgOf   map[code.TypeID]*summary
	paths   map[string]*summary
	calls   map[code.MethodID][]call // from, resolved
	// registered is the function that registers the entry at a place.
	registered map[code.Pos]code.MethodID
}

func link(w *world, parts []*summary) *program {
	p := &program{w: w, parts: parts, sites: map[string]*site{}, callers: map[code.MethodID][]*site{}, vars: map[string][]string{}, returns: map[code.MethodID][]string{},
		impl: map[code.MethodID][]code.MethodID{}, ifaces: map[code.MethodID][]code.MethodID{}, methods: map[code.MethodID]code.Method{}, types: map[code.TypeID]code.Type{}, pkgOf: map[code.TypeID]*summary{}, paths: map[string]*summary{}, calls: map[code.MethodID][]call{}, registered: map[code.Pos]code.MethodID{}}
	for _, s := range parts {
		p.paths[s.Path] = s
		for _, t := range s.Types {
			p.types[t.ID] = t
			p.pkgOf[t.ID] = s
		}
		for _, m := range s.Methods {
			p.methods[m.ID] = m
		}
		for i := range s.Sites {
			x := &s.Sites[i]
			p.sites[x.ID] = x
			p.callers[x.Callee] = append(p.callers[x.Callee], x)
		}
		for _, a := range s.Vars {
			add(p.vars, a.Var, a.Value)
		}
		for _, a := range s.Returns {
			add(p.returns, code.MethodID(a.Var), a.Value)
		}
	}
	p.implementations()
	p.pointers()
	p.edges()
	return p
}

func add[K comparable](m map[K][]string, k K, v string) {
	if !slices.Contains(m[k], v) {
		m[k] = append(m[k], v)
	}
}

// maxImplementations: an interface that everything implements says nothing.
const maxImplementations = 25

// implementations finds the types behind the interfaces of this source.
func (p *program) implementations() {
	byKey := map[string][]*methodSet{}
	for _, s := range p.parts {
		for i := range s.Implements {
			for k := range s.Implements[i].Methods {
				byKey[k] = append(byKey[k], &s.Implements[i])
			}
		}
	}
	for _, s := range p.parts {
		for _, i := range s.Interfaces {
			rarest := ""
			for _, k := range sortedKeys(i.Methods) {
				if rarest == "" || len(byKey[k]) < len(byKey[rarest]) {
					rarest = k
				}
			}
			var fit []*methodSet
			for _, c := range byKey[rarest] {
				if hasAll(c, i) {
					fit = append(fit, c)
				}
			}
			if len(fit) > maxImplementations {
				continue
			}
			for k := range i.Methods {
				name, _, _ := strings.Cut(k, "(")
				im := code.MethodID(string(i.Type) + "#" + name)
				for _, c := range fit {
					p.impl[im] = append(p.impl[im], c.Methods[k])
					p.ifaces[c.Methods[k]] = append(p.ifaces[c.Methods[k]], im)
				}
			}
		}
	}
}

func hasAll(c *methodSet, i methodSet) bool {
	for k := range i.Methods {
		if _, ok := c.Methods[k]; !ok {
			return false
		}
	}
	return true
}

// pointers: f(&x, "NAME") sets x where f sets what its first parameter points to.
func (p *program) pointers() {
	for _, s := range p.parts {
		for _, a := range s.Sets {
			_, _, body, _, ok := nextMark(a.Var)
			if !ok {
				continue
			}
			n, m, _ := strings.Cut(body, "|")
			i, err := strconv.Atoi(n)
			if err != nil {
				continue
			}
			for _, x := range p.callers[code.MethodID(m)] {
				if i < len(x.Addr) && x.Addr[i] != "" {
					if v := fill(a.Value, code.MethodID(m), x); !blank(v) {
						add(p.vars, x.Addr[i], v)
					}
				}
			}
		}
	}
}

// fill replaces the marks of a function's parameters by the arguments of one call.
func fill(text string, m code.MethodID, x *site) string {
	var b strings.Builder
	for {
		before, kind, body, after, ok := nextMark(text)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		n, of, _ := strings.Cut(body, "|")
		i, err := strconv.Atoi(n)
		switch {
		case kind != 'p' || code.MethodID(of) != m || err != nil:
			b.WriteString(markStart + string(kind) + body + markEnd)
		case i < len(x.Args) && x.Args[i] != "":
			b.WriteString(x.Args[i])
		default:
			b.WriteString(sql.Hole)
		}
		text = after
	}
}

// maxInline bounds how deep one call's arguments are followed into what its callee
// calls in turn.
const maxInline = 6

// inline is what a function gives back for one call: its parameters are that call's
// arguments, also in the calls that it makes itself, so that a helper behind a
// helper does not mix its callers up.
func (p *program) inline(text string, m code.MethodID, x *site, depth int) []string {
	texts := []string{""}
	for {
		before, kind, body, after, ok := nextMark(text)
		var parts []string
		if ok {
			parts = p.part(kind, body, m, x, depth)
		} else {
			parts = []string{""}
		}
		var next []string
		for _, t := range texts {
			for _, q := range parts {
				if len(next) < maxFound && len(t)+len(before)+len(q) <= 4*maxText {
					next = append(next, t+before+q)
				}
			}
		}
		texts = next
		if !ok {
			return texts
		}
		text = after
	}
}

// part is what one mark in a function's result stands for in one call of it.
func (p *program) part(kind byte, body string, m code.MethodID, x *site, depth int) []string {
	mark := markStart + string(kind) + body + markEnd
	inner := p.sites[body]
	if kind != 'r' || inner == nil || inner.Caller != m || depth >= maxInline {
		return []string{fill(mark, m, x)}
	}
	given := *inner
	given.Args = nil
	for _, a := range inner.Args {
		given.Args = append(given.Args, fill(a, m, x))
	}
	var out []string
	for _, c := range append([]code.MethodID{inner.Callee}, p.impl[inner.Callee]...) {
		for _, r := range p.returns[c] {
			out = append(out, p.inline(r, c, &given, depth+1)...)
		}
	}
	if len(out) == 0 {
		return []string{mark}
	}
	return out
}

// found is a text without marks, with the place that gave it, if that is another
// one than where it is used.
type found struct {
	text string
	via  *site
}

const (
	maxFound = 48
	maxMarks = 40 // replaced one after the other in one text
)

// resolve replaces the marks in a text by everything that they may stand for.
func (p *program) resolve(text string) []found {
	out := p.expand(found{text: text}, 0, map[string]bool{})
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(f found) bool {
		k := f.text
		if f.via != nil {
			k += "\x00" + f.via.ID
		}
		was := seen[k]
		seen[k] = true
		return was
	})
}

func (p *program) expand(f found, depth int, open map[string]bool) []found {
	before, kind, body, after, ok := nextMark(f.text)
	if !ok {
		return []found{f}
	}
	hole := func() []found { return p.expand(found{before + sql.Hole + after, f.via}, depth+1, open) }
	if depth > maxMarks || open[body] || len(f.text) > 4*maxText {
		return []found{{unmark(f.text), f.via}}
	}
	var out []found
	inside := map[string]bool{body: true}
	for k := range open {
		inside[k] = true
	}
	switch kind {
	case 'p':
		_, m, _ := strings.Cut(body, "|")
		if open[ownKey(code.MethodID(m))] {
			return hole()
		}
		sites := p.callers[code.MethodID(m)]
		for _, i := range p.ifaces[code.MethodID(m)] {
			sites = append(sites[:len(sites):len(sites)], p.callers[i]...)
		}
		for _, x := range sites {
			t := fill(f.text, code.MethodID(m), x)
			if len(out) < maxFound && t != f.text {
				out = append(out, p.expand(found{t, x}, depth+1, inside)...)
			}
		}
	case 'v':
		for _, v := range p.vars[body] {
			if len(out) < maxFound {
				for _, x := range p.expand(found{v, nil}, depth+1, inside) {
					out = append(out, p.expand(found{before + x.text + after, f.via}, depth+1, inside)...)
				}
			}
		}
	case 'r':
		x := p.sites[body]
		if x == nil {
			return hole()
		}
		callees := []code.MethodID{x.Callee}
		callees = append(callees, p.impl[x.Callee]...)
		for _, c := range callees {
			for _, r := range p.returns[c] {
				for _, t := range p.inline(r, c, x, 0) {
					if len(out) < maxFound {
						out = append(out, p.expand(found{before + t + after, f.via}, depth+1, inside)...)
					}
				}
			}
		}
	}
	if len(out) == 0 {
		return hole()
	}
	return out
}

// unmark makes holes of all marks.
func unmark(s string) string {
	var b strings.Builder
	for {
		before, _, _, after, ok := nextMark(s)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(sql.Hole)
		s = after
	}
}

// place is the best single value of a text that names a place: a variable of the
// environment before a text in the code, which is its default.
func (p *program) place(text string) string {
	best := ""
	for _, f := range p.resolve(text) {
		t := f.text
		if blank(t) {
			continue
		}
		if best == "" || strings.Contains(t, "${") && !strings.Contains(best, "${") {
			best = t
		}
	}
	return best
}

// edges resolves calls through interfaces.
func (p *program) edges() {
	for _, s := range p.parts {
		direct := map[code.Pos]bool{}
		for _, c := range s.Calls {
			if !c.Value {
				direct[c.Pos] = true
			}
		}
		for _, c := range s.Calls {
			if c.Value && direct[c.Pos] {
				continue // the name in the call itself
			}
			to := p.impl[c.To]
			if _, own := p.methods[c.To]; own || len(to) == 0 {
				to = append(to[:len(to):len(to)], c.To)
			}
			for _, t := range to {
				if _, own := p.methods[t]; !own {
					continue // of generated code or of other modules
				}
				c.Call.To = t
				p.calls[c.From] = append(p.calls[c.From], c)
			}
		}
	}
}
