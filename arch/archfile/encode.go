package archfile

import (
	"reflect"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// tree is what a file says, in its canonical shape: what layout writes and what
// an edit compares.
type tree struct {
	kind    treeKind
	text    string // of a scalar, as YAML
	entries []entry
	items   []*tree
	from    string // where a fact that no hand wrote came from
}

type treeKind uint8

const (
	scalarTree treeKind = iota
	mapTree
	listTree
)

type entry struct {
	key string
	val *tree
}

func (t *tree) get(key string) *tree {
	for _, e := range t.entries {
		if e.key == key {
			return e.val
		}
	}
	return nil
}

func (t *tree) equal(u *tree) bool {
	if t == nil || u == nil {
		return t == u
	}
	return t.kind == u.kind && t.text == u.text &&
		slices.EqualFunc(t.entries, u.entries, func(a, b entry) bool { return a.key == b.key && a.val.equal(b.val) }) &&
		slices.EqualFunc(t.items, u.items, (*tree).equal)
}

// Left is a fact that a file cannot say because it names an element that nothing
// describes.
type Left struct {
	Fact arch.Fact
	To   arch.Ref
	From string // where the fact comes from; may be empty
}

// encoder turns a System into a tree.
type encoder struct {
	sys         arch.System
	names       names
	ranks       map[arch.Fact]int // place in the file that is edited
	deployments map[arch.Ref][]string
	listed      map[string]bool // stores whose tables are written
	mentioned   map[arch.Ref]bool
	left        map[arch.Fact]Left

	home   string           // the store being written
	inMap  bool             // the value of a mapping's key: an empty one is said, too
	count  map[arch.Ref]int // call sites by target
	placed map[string]bool  // calls in the body
}

// encode goes twice over the system: which tables must be listed is known only
// when all mentions are.
func encode(s arch.System, ranks map[arch.Fact]int) (*tree, []Left) {
	w := &encoder{sys: s, names: namesOf(s), ranks: ranks, mentioned: map[arch.Ref]bool{}, listed: map[string]bool{}, left: map[arch.Fact]Left{}, deployments: map[arch.Ref][]string{}}
	for _, key := range arch.Sorted(s.Deployments) {
		d := s.Deployments[key]
		if ref := arch.Ref(string(arch.KindDeployment) + "/" + key); d.Of.Name() == ref.Name() {
			w.deployments[d.Of] = append(w.deployments[d.Of], key)
		}
	}
	for name := range s.Stores {
		w.listed[name] = true
	}
	w.root()
	for name, st := range s.Stores {
		w.listed[name] = false
		for table, t := range st.Tables {
			ref := arch.NewRef(arch.KindTable, name, table)
			if !w.mentioned[ref] || !reflect.ValueOf(t).IsZero() {
				w.listed[name] = true
			}
		}
		for table := range st.Tables {
			if !w.listed[name] {
				delete(w.names, arch.NewRef(arch.KindTable, name, table))
			}
		}
	}
	w.left = map[arch.Fact]Left{}
	t := w.root()
	left := make([]Left, 0, len(w.left))
	for _, l := range w.left {
		left = append(left, l)
	}
	slices.SortFunc(left, func(a, b Left) int { return cmpString(a.Fact.String(), b.Fact.String()) })
	return t, left
}

func (w *encoder) root() *tree {
	return systemObject.tree(w, reflect.ValueOf(&w.sys).Elem(), arch.Fact{Of: arch.NewRef(arch.KindSystem, w.sys.Name)})
}

func (w *encoder) scalar(at arch.Fact, text string) *tree {
	return &tree{text: text, from: w.source(at)}
}

// source is where a fact came from, when no hand wrote it.
func (w *encoder) source(at arch.Fact) string {
	ss := w.sys.Ledger.Sources(at)
	if len(ss) == 0 || ss[0].Origin == arch.Hand {
		return ""
	}
	s := ss[0].String()
	if s == "" {
		s = ss[0].By
	}
	if ss[0].Origin == arch.Guess && ss[0].File == "" {
		s = "guess: " + s
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == 0x85 || c == 0xfeff || c == 0x2028 || c == 0x2029 {
			return ' '
		}
		return c
	}, s)
}

// compare puts what stands in the file first, in its order.
func (w *encoder) compare(a, b arch.Fact) int {
	x, inA := w.ranks[a]
	y, inB := w.ranks[b]
	switch {
	case inA && inB:
		return x - y
	case inA:
		return -1
	case inB:
		return 1
	}
	return 0
}

func (w *encoder) leave(at arch.Fact, to arch.Ref) { w.left[at] = Left{at, to, w.source(at)} }

// ref is how r is written; false when it cannot be.
func (w *encoder) ref(r arch.Ref, kinds []arch.Kind, at arch.Fact) (string, bool) {
	if r == "" {
		return "", false
	}
	if !w.sys.Has(r) || !slices.Contains(kinds, r.Kind()) {
		w.leave(at, r)
		return "", false
	}
	if r.Kind() == arch.KindTable {
		w.mentioned[r] = true
	}
	return quote(w.names.short(r, kinds, w.home)), true
}
