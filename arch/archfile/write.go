package archfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Options of [Write]; nil means the defaults.
type Options struct {
	Path string // what messages call the file; default ashlar.yaml
	// Exact makes the file say what the system says and no more: what the system
	// does not say is deleted, and a discovered value replaces one by hand.
	Exact bool
	// Schema is the path or URL of the JSON Schema that a new file names for
	// editors; "" names none.
	Schema string
	// Lock says what discovery wrote into the old file: what nobody edited since is
	// replaced, and deleted where the system no longer says it and Looked reports
	// that its source was looked at. nil: everything was written by hand.
	Lock   Lock
	Looked func(Written) bool
}

// ErrPlace is in the error of [Write] when a change does not fit into the file as
// it is written, for example into what an anchor shares. The file is to be
// changed by hand there.
var ErrPlace = errors.New("cannot be changed in place")

// Write returns the file that says what sys says.
//
// Into an existing file it writes what differs and nothing else; comments, order
// and blank lines stay, and to write the same twice changes nothing. What the
// file says and the system does not is kept. Where the two differ, the file's
// value is kept when the system's comes from discovery ([arch.System.Ledger]) and
// is replaced when a hand or no ledger stands behind it, or when Options.Lock
// knows that discovery wrote it.
//
// Without a file (old is empty) it writes a new one. Comments say where facts
// came from, and what was observed is written as a law.
//
// Facts that name an element which nothing describes are left out, since the file
// could not be read again; [Dangling] lists them, and a new file says so at its
// end.
func Write(old []byte, sys arch.System, opts *Options) ([]byte, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	o.Path = cmp.Or(o.Path, Name)
	if len(bytes.TrimSpace(old)) == 0 {
		return create(sys, o)
	}
	ranks := map[arch.Fact]int{}
	file, faults := parse(o.Path, old, ranks)
	if len(faults) > 0 {
		return nil, &Error{faults}
	}
	target, err := overlay(file.System, sys, o)
	if err != nil {
		return nil, err
	}
	was, _ := encode(file.System, ranks)
	want, _ := encode(target, ranks)
	if was.equal(want) {
		return old, nil
	}
	ed, err := doc.NewEditor(o.Path, old)
	if err != nil {
		return nil, err
	}
	e := &edit{ed: ed}
	if err := e.sync(was, want, nil, ""); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", o.Path, ErrPlace, err)
	}
	return ed.Bytes(), verify(o.Path, ed.Bytes(), target)
}

// Dangling lists the facts of sys that [Write] leaves out, sorted.
func Dangling(sys arch.System) []Left {
	_, left := encode(sys, nil)
	return left
}

func create(sys arch.System, o Options) ([]byte, error) {
	t, left := encode(sys, nil)
	var b strings.Builder
	if o.Schema != "" {
		b.WriteString("# yaml-language-server: $schema=" + o.Schema + "\n")
	}
	for _, e := range t.entries {
		if e.val.kind != scalarTree {
			b.WriteByte('\n')
		}
		for _, l := range layout(&tree{kind: mapTree, entries: []entry{e}}, 0, "", false) {
			b.WriteString(l + "\n")
		}
	}
	if len(left) > 0 {
		b.WriteString("\n# Left out, since nothing describes what they name:\n")
	}
	for _, l := range left {
		b.WriteString(strings.ReplaceAll(fmt.Sprintf("#   %s -> %s", l.Fact.Of, l.To), "\n", " "))
		if l.From != "" {
			b.WriteString(" (" + l.From + ")")
		}
		b.WriteByte('\n')
	}
	out := []byte(b.String())
	return out, verify(o.Path, out, sys)
}

// overlay is what the file is to say: the old facts, and the system's where they
// are new or weigh as much.
func overlay(old, sys arch.System, o Options) (arch.System, error) {
	facts := map[arch.Fact]string{}
	ledger := arch.Ledger{}
	add := func(s arch.System, f arch.FactValue) {
		facts[f.Fact] = f.Value
		if cs := s.Ledger[f.Fact]; len(cs) > 0 {
			ledger[f.Fact] = cs
		} else {
			delete(ledger, f.Fact)
		}
	}
	system := func(f arch.FactValue) arch.FactValue { return arch.FactValue{Fact: system(f.Fact), Value: f.Value} }
	if !o.Exact {
		says := map[arch.Fact]bool{}
		for _, f := range arch.Facts(sys) {
			says[system(f).Fact] = true
		}
		for _, f := range arch.Facts(old) {
			if at := system(f).Fact; !says[at] && o.Lock.Unedited(f.Fact, f.Value) && o.Looked != nil && o.Looked(o.Lock[at]) {
				continue // discovery said so once, and no more
			}
			add(old, system(f))
		}
	}
	for _, f := range arch.Facts(sys) {
		was, said := facts[system(f).Fact]
		src := sys.Ledger.Sources(f.Fact)
		if said && (was == f.Value || len(src) > 0 && src[0].Origin != arch.Hand && !o.Lock.Unedited(f.Fact, was)) {
			continue
		}
		add(sys, system(f))
	}
	list := make([]arch.FactValue, 0, len(facts))
	for f, v := range facts {
		if f.Of == "system/" {
			f.Of = arch.NewRef(arch.KindSystem, facts[arch.Fact{Of: "system/", At: "/name"}])
		}
		list = append(list, arch.FactValue{Fact: f, Value: v})
	}
	s, err := arch.Assemble(list)
	s.Ledger = ledger
	return s, err
}

// verify reads what was written and compares it with what it was to say.
func verify(path string, src []byte, sys arch.System) error {
	file, faults := parse(path, src, nil)
	if len(faults) > 0 {
		return fmt.Errorf("what the system says makes no valid file: %w", &Error{faults})
	}
	got, _ := encode(file.System, nil)
	want, _ := encode(sys, nil)
	if at := difference(got, want, nil); at != nil {
		return fmt.Errorf("%s: %w: %s", path, ErrPlace, doc.Pointer(at))
	}
	return nil
}

// difference is the path of the first place where two trees differ.
func difference(a, b *tree, path []string) []string {
	switch {
	case a.equal(b):
		return nil
	case a == nil || b == nil || a.kind != b.kind:
		return append(path, "")
	}
	for _, e := range slices.Concat(a.entries, b.entries) {
		if at := difference(a.get(e.key), b.get(e.key), append(path, e.key)); at != nil {
			return at
		}
	}
	for i := range min(len(a.items), len(b.items)) {
		if at := difference(a.items[i], b.items[i], append(path, strconv.Itoa(i))); at != nil {
			return at
		}
	}
	if len(a.entries) == len(b.entries) && a.kind == mapTree { // the order of keys says nothing
		return nil
	}
	return append(path, "")
}

// edit makes the smallest changes that lead from one tree to another.
type edit struct{ ed *doc.Editor }

// errShape: the place is written in another way than the canonical one, so the
// whole around it is written anew.
var errShape = errors.New("it is written in another shape")

func (e *edit) sync(was, want *tree, path []string, above string) error {
	if was.equal(want) {
		return nil
	}
	n := e.ed.Doc(0).Root.Find(path...)
	switch {
	case n == nil || was.kind != want.kind:
		return errShape
	case want.kind == mapTree && n.Kind == doc.Map:
		return e.syncMap(was, want, path, above)
	case want.kind == listTree && n.Kind == doc.List && len(n.Items) == len(was.items) && len(was.items) <= len(want.items):
		return e.syncList(was, want, path, above)
	}
	return errShape
}

func (e *edit) syncMap(was, want *tree, path []string, above string) error {
	if want.from != "" {
		above = want.from
	}
	for _, x := range want.entries {
		at := append(slices.Clone(path), x.key)
		n := e.ed.Doc(0).Root.Find(path...)
		old, there := was.get(x.key), n.Get(x.key)
		switch {
		case old == nil && there != nil && there.Kind != doc.Null && len(there.Entries)+len(there.Items) > 0,
			old != nil && there == nil,
			slices.ContainsFunc(n.Entries, func(y doc.Entry) bool { return y.Merge && y.Key.Text == x.key && !old.equal(x.val) }):
			return errShape
		case old != nil && old.equal(x.val):
			continue
		case old != nil && e.sync(old, x.val, at, above) == nil:
			continue
		}
		if err := e.set(n, x.val, old == nil, at, above); err != nil {
			return err
		}
	}
	for _, x := range was.entries {
		if want.get(x.key) == nil {
			if err := e.ed.Delete(0, append(slices.Clone(path), x.key)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *edit) syncList(was, want *tree, path []string, above string) error {
	for i := range was.items {
		at := append(slices.Clone(path), strconv.Itoa(i))
		if was.items[i].equal(want.items[i]) || e.sync(was.items[i], want.items[i], at, above) == nil {
			continue
		}
		if err := e.ed.Set(0, flow(want.items[i]), at...); err != nil {
			return err
		}
	}
	for _, it := range want.items[len(was.items):] {
		n := e.ed.Doc(0).Root.Find(path...)
		value := flow(it)
		if it.kind == mapTree && it.get("share") == nil && len(it.entries) == 1 && n.Style == doc.Flow {
			value = strings.TrimSuffix(strings.TrimPrefix(flow(&tree{kind: listTree, items: []*tree{it}}), "["), "]")
			if strings.Contains(value, ": ") { // the editor would take it for lines
				value = flow(it)
			}
		}
		if n.Style != doc.Flow {
			value += comment(sources(it, above))
		}
		if err := e.ed.Append(0, value, path...); err != nil {
			return err
		}
	}
	return nil
}

// set writes a value: on one line inside braces, else as a new file would. A
// comment says where it came from when the key is new.
func (e *edit) set(parent *doc.Node, v *tree, isNew bool, path []string, above string) error {
	if parent.Style == doc.Flow {
		return e.ed.Set(0, flow(v), path...)
	}
	note := ""
	if isNew {
		note = comment(sources(v, above))
	}
	indent := 2 * len(path)
	oneLine := flow(v)
	deep := len(path) > 1 || len(v.entries)+len(v.items) == 0
	if v.kind == scalarTree || deep && indent+utf8Len(path[len(path)-1])+utf8Len(oneLine) <= width {
		if v.kind == scalarTree && !isNew {
			note = ""
		}
		return e.ed.Set(0, oneLine+note, path...)
	}
	head := above
	lines := layout(v, indent, head, deep)
	if isNew && v.from != "" && fileOf(v.from) != fileOf(above) {
		lines = append([]string{strings.TrimPrefix(comment([]string{v.from}), " ")}, layout(v, indent, v.from, deep)...)
	}
	return e.ed.Set(0, strings.Join(lines, "\n")+"\n", path...)
}

func utf8Len(s string) int { return len([]rune(s)) }
