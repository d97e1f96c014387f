package archfile

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// form is a way to write a value: it reads it, writes it and describes it.
type form interface {
	// read sets v from n and marks where the facts at and below at stand.
	read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact)
	// tree is what to write for v; nil when v says nothing.
	tree(w *encoder, v reflect.Value, at arch.Fact) *tree
	schema(d *definitions) map[string]any
}

// reader fills a System and remembers where each fact stands.
type reader struct {
	file   *doc.File
	sys    arch.System
	names  names
	home   string // the store being read
	places map[arch.Fact]*doc.Node
	faults []*doc.Fault
	tables map[arch.Ref]*doc.Node // mentioned, with the first mention
	count  map[arch.Ref]int       // call sites by target, in the operation being read
	review Review
	split  Split
	tag    string // of the field read last, and the key that it stands under
	key    string
	// overfull are the choices whose probabilities add up to more than 1.
	overfull map[arch.Ref]*doc.Node
}

func (r *reader) mark(f arch.Fact, n *doc.Node) {
	if _, ok := r.places[f]; !ok {
		r.places[f] = n
	}
}

// fault reports what is wrong about the value of at.
func (r *reader) fault(n *doc.Node, k doc.FaultKind, at arch.Fact, what, hint string) {
	if ss := at.At.Steps(); len(ss) > 0 && k != doc.Unknown {
		name := ss[len(ss)-1]
		if name == r.tag { // people know the key
			name = r.key
		}
		what = name + ": " + what
	}
	r.faults = append(r.faults, r.file.FaultAt(n, k, doc.Redact(what), hint))
}

func (r *reader) text(n *doc.Node, at arch.Fact) (string, bool) {
	if n.Kind != doc.String {
		hint := "quote it"
		if n.Kind == doc.Map || n.Kind == doc.List || n.Kind == doc.Null {
			hint = ""
		}
		r.fault(n, doc.Type, at, "want text, got "+got(n), hint)
		return "", false
	}
	return n.Text, true
}

// list returns the items of a list; nothing where there is none.
func (r *reader) list(n *doc.Node, at arch.Fact) []*doc.Node {
	if n.Kind != doc.List && n.Kind != doc.Null {
		r.fault(n, doc.Type, at, "want a list, got "+got(n), "")
	}
	return n.Items
}

// mapping reports whether n is a mapping, or nothing.
func (r *reader) mapping(n *doc.Node, at arch.Fact) bool {
	if n.Kind != doc.Map && n.Kind != doc.Null {
		r.fault(n, doc.Type, at, "want a mapping, got "+got(n), "")
		return false
	}
	return true
}

// unknown reports keys that are not known here.
func (r *reader) unknown(n *doc.Node, known func(string) bool, list []string) {
	for _, e := range n.Entries {
		if known(e.Key.Text) {
			continue
		}
		hint := ""
		if near := doc.Nearest(e.Key.Text, list); near != "" {
			hint = `did you mean "` + near + `"?`
		} else if len(list) <= 16 {
			hint = "known here: " + strings.Join(list, ", ")
		}
		r.fault(e.Key, doc.Unknown, arch.Fact{}, `unknown field "`+e.Key.Text+`"`, hint)
	}
}

// parse reads the file and checks what it means. ranks, when not nil, receives
// the order in which facts stand in the file.
func parse(path string, src []byte, ranks map[arch.Fact]int) (File, []*doc.Fault) {
	f := doc.Read(path, src, nil)
	r := &reader{file: f, places: map[arch.Fact]*doc.Node{}, tables: map[arch.Ref]*doc.Node{}, overfull: map[arch.Ref]*doc.Node{}, faults: slices.Clone(f.Faults)}
	switch {
	case len(f.Docs) == 0:
		if len(f.Faults) == 0 {
			r.faults = append(r.faults, f.FaultAt(&doc.Node{Line: 1, Col: 1}, doc.Value, "the file is empty", "begin with: ashlar: 1"))
		}
		return File{}, r.faults
	case len(f.Docs) > 1:
		r.faults = append(r.faults, f.FaultAt(f.Docs[1].Root, doc.Value, "a second document", "a system is one document; remove the ---"))
	}
	root := f.Docs[0].Root
	r.names = namesIn(root)
	of := arch.NewRef(arch.KindSystem, root.Str("system"))
	systemObject.read(r, root, reflect.ValueOf(&r.sys).Elem(), arch.Fact{Of: of})
	r.declareTables()
	r.check(len(r.faults) == 0)
	r.attest(path, ranks)
	return File{r.sys, r.review, r.split}, r.faults
}

// declareTables makes the tables that steps mention, in stores that list none.
func (r *reader) declareTables() {
	refs := make([]arch.Ref, 0, len(r.tables))
	for ref := range r.tables {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	listed := map[string]bool{}
	for name, st := range r.sys.Stores {
		listed[name] = len(st.Tables) > 0
	}
	for _, ref := range refs {
		st, ok := r.sys.Stores[ref.Name()]
		if !ok || listed[ref.Name()] {
			continue
		}
		if st.Tables == nil {
			st.Tables = map[string]arch.Table{}
		}
		st.Tables[ref.Member()] = arch.Table{}
		r.sys.Stores[ref.Name()] = st
		r.mark(arch.Fact{Of: ref}, r.tables[ref])
	}
}

// check maps the model's faults back to the file. Where the form has faults, only
// references are checked: what was not read would make false alarms.
func (r *reader) check(whole bool) {
	var joined interface{ Unwrap() []error }
	if err := r.sys.Validate(); errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			var f *arch.Fault
			if !errors.As(e, &f) || !whole && !f.Dangling {
				continue
			}
			what, hint, _ := strings.Cut(f.What, "; did you mean ")
			if hint != "" {
				hint = "did you mean " + hint
			}
			n := r.place(f.Fact)
			if c := r.overfull[f.Of]; c != nil && strings.Contains(what, "probabilities") {
				n = c
			}
			r.faults = append(r.faults, r.file.FaultAt(n, doc.Value, what, hint))
		}
	}
	for name, c := range r.sys.Contexts {
		for other := range c.Relations {
			if _, ok := r.sys.Contexts[other]; !ok {
				r.dangling(r.file.Docs[0].Root.Find("contexts", name, "relations").KeyNode(other), arch.NewRef(arch.KindContext, other))
			}
		}
	}
}

func (r *reader) dangling(n *doc.Node, ref arch.Ref) {
	hint := ""
	if near := r.sys.Nearest(ref); near != "" {
		hint = "did you mean " + near.Short() + "?"
	}
	r.faults = append(r.faults, r.file.FaultAt(n, doc.Value, "there is no "+string(ref.Kind())+" "+ref.Short(), hint))
}

// place is where a fact stands, or else what is around it.
func (r *reader) place(f arch.Fact) *doc.Node {
	for ss := f.At.Steps(); ; ss = ss[:len(ss)-1] {
		if n := r.places[arch.Fact{Of: f.Of, At: arch.Field("").Join(ss...)}]; n != nil {
			return n
		}
		if len(ss) == 0 {
			break
		}
	}
	if p := f.Of.Parent(); p != f.Of {
		return r.place(arch.Fact{Of: p})
	}
	return r.file.Docs[0].Root
}

// attest enters every fact as a hand's claim at its place.
func (r *reader) attest(path string, ranks map[arch.Fact]int) {
	places := map[arch.Fact]arch.Source{}
	for _, f := range arch.Facts(r.sys) {
		n := r.place(f.Fact)
		places[f.Fact] = arch.Source{Origin: arch.Hand, By: Name, File: path, Line: n.Line, Col: n.Col}
		if ranks != nil {
			ranks[f.Fact] = n.Line<<12 + n.Col
		}
	}
	r.sys.Locate(places)
	c := arch.Coverage{Origin: arch.Hand, Files: 1, Documents: 1}
	for _, k := range allKinds {
		c.Of = append(c.Of, r.sys.Refs(k)...)
	}
	slices.Sort(c.Of)
	r.sys.Coverage = map[string]arch.Coverage{Name: c}
}
