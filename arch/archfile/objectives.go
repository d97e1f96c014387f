package archfile

import (
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// percentileKey is p50, p99, p99.9.
var percentileKey = regexp.MustCompile(`^p[1-9][0-9]?(\.[0-9]+)?$`)

var (
	percentile   = key{pattern: percentileKey, name: "p99", form: durationQ, about: "The latency that this percentage of requests keeps: p99: 300ms."}
	availability = field{key: "availability", form: shareQ, about: "Share of requests that succeed."}
	window       = field{key: "window", form: durationQ, about: "Time over which the promise is judged."}
)

// objectiveObject only describes; objectives reads.
var objectiveObject = &object{name: "objective", about: "A promise: a percentile with its latency, or an availability.",
	parts: []part{described{[]key{percentile}}, described{availability.keys()}, described{window.keys()}}}

// described are keys that another part reads and writes.
type described struct{ ks []key }

func (p described) keys() []key                                       { return p.ks }
func (p described) read(*reader, *doc.Node, reflect.Value, arch.Fact) {}
func (p described) tree(*encoder, reflect.Value, arch.Fact) []entry   { return nil }

// objectives is a list of promises. With flat, those without a window stand
// among the element's own keys instead.
type objectives struct{ flat bool }

func (f objectives) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	for _, it := range r.list(n, at) {
		if r.mapping(it, at) {
			r.unknown(it, objectiveObject.knows, append(objectiveObject.known(), "p99"))
			f.readOne(r, it, it, v, at)
		}
	}
}

// readOne reads the promise in n into the list v.
func (f objectives) readOne(r *reader, n, where *doc.Node, v reflect.Value, at arch.Fact) {
	var o arch.Objective
	var latency *doc.Node
	for _, e := range n.Entries {
		if !percentileKey.MatchString(e.Key.Text) {
			continue
		}
		if latency != nil {
			r.fault(e.Key, doc.Value, arch.Fact{}, "a second percentile in one promise", "make it an item of its own")
			return
		}
		latency = e.Value
		o.Percentile, _ = strconv.ParseFloat(e.Key.Text[1:], 64)
	}
	at.At = at.At.Join(o.Key())
	list := v.Interface().([]arch.Objective)
	if slices.ContainsFunc(list, func(p arch.Objective) bool { return p.Key() == o.Key() }) {
		r.fault(where, doc.Duplicate, arch.Fact{}, "a second promise for "+o.Key(), "")
		return
	}
	r.mark(at, where)
	ov := reflect.ValueOf(&o).Elem()
	if latency != nil {
		durationQ.read(r, latency, byTag(ov, "latency"), arch.Fact{Of: at.Of, At: at.At.Join("latency")})
	}
	availability.read(r, n, ov, at)
	window.read(r, n, ov, at)
	v.Set(reflect.ValueOf(append(list, o)))
}

func (f objectives) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	t := &tree{kind: listTree}
	for _, o := range w.objectives(v, at) {
		if f.flat && isFlat(o) {
			continue
		}
		t.items = append(t.items, &tree{kind: mapTree, entries: w.objective(o, at)})
	}
	if len(t.items) == 0 {
		return nil
	}
	return t
}

func (f objectives) schema(d *definitions) map[string]any { return listOf(objectiveObject.schema(d)) }

// objectives are those of a list that can be written, in the order of the file.
func (w *encoder) objectives(v reflect.Value, at arch.Fact) []arch.Objective {
	os := slices.Clone(v.Interface().([]arch.Objective))
	slices.SortStableFunc(os, func(a, b arch.Objective) int {
		c := w.compare(arch.Fact{Of: at.Of, At: at.At.Join(a.Key())}, arch.Fact{Of: at.Of, At: at.At.Join(b.Key())})
		return cmp.Or(c, cmp.Compare(a.Key(), b.Key()))
	})
	return slices.DeleteFunc(os, func(o arch.Objective) bool {
		return o.Percentile == 0 && !o.Availability.Known || o.Percentile > 0 && (!o.Latency.Known || !percentileKey.MatchString(o.Key()))
	})
}

func (w *encoder) objective(o arch.Objective, at arch.Fact) []entry {
	at.At = at.At.Join(o.Key())
	ov := reflect.ValueOf(&o).Elem()
	var es []entry
	if o.Percentile > 0 {
		es = append(es, entry{o.Key(), durationQ.tree(w, byTag(ov, "latency"), arch.Fact{Of: at.Of, At: at.At.Join("latency")})})
	}
	es = append(es, availability.tree(w, ov, at)...)
	return append(es, window.tree(w, ov, at)...)
}

func isFlat(o arch.Objective) bool {
	return !o.Window.Known && (o.Percentile == 0 || !o.Availability.Known)
}

// promises are the promises of an external among its own keys: availability,
// p99.
type promises struct{}

func (promises) keys() []key { return append(availability.keys(), percentile) }

func (promises) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	at.At = at.At.Join("objectives")
	for _, e := range n.Entries {
		if e.Key.Text == availability.key || percentileKey.MatchString(e.Key.Text) {
			objectives{}.readOne(r, &doc.Node{Kind: doc.Map, Entries: []doc.Entry{e}}, e.Key, byTag(v, "objectives"), at)
		}
	}
}

func (promises) tree(w *encoder, v reflect.Value, at arch.Fact) []entry {
	var es []entry
	at.At = at.At.Join("objectives")
	for _, o := range w.objectives(byTag(v, "objectives"), at) {
		if isFlat(o) {
			es = append(es, w.objective(o, at)...)
		}
	}
	return es
}
