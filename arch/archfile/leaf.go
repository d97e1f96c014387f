package archfile

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// text is a string; known are the values that editors should offer.
type text struct{ known []string }

func (f text) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	if s, ok := r.text(n, at); ok {
		v.SetString(s)
	}
}

func (f text) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if v.String() == "" && !w.inMap {
		return nil
	}
	return w.scalar(at, quote(v.String()))
}

func (f text) schema(*definitions) map[string]any {
	if len(f.known) > 0 { // offered, not demanded
		return map[string]any{"anyOf": []any{map[string]any{"enum": anys(f.known)}, map[string]any{"type": "string"}}}
	}
	return map[string]any{"type": "string"}
}

// texts is a list of strings.
type texts struct{}

func (f texts) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	var out []string
	for _, it := range r.list(n, at) {
		if s, ok := r.text(it, at); ok {
			out = append(out, s)
		}
	}
	v.Set(reflect.ValueOf(out))
}

func (f texts) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	if v.Len() == 0 {
		return nil
	}
	t := &tree{kind: listTree, from: w.source(at)}
	for i := range v.Len() {
		t.items = append(t.items, &tree{text: quote(v.Index(i).String())})
	}
	return t
}

func (f texts) schema(*definitions) map[string]any { return listOf(map[string]any{"type": "string"}) }

// whole is a whole number from 0.
type whole struct{ min int64 }

func (f whole) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	i, err := strconv.ParseInt(strings.ReplaceAll(n.Text, "_", ""), 0, 64)
	if n.Kind != doc.Int || err != nil || i < f.min || i > math.MaxInt32 {
		r.fault(n, doc.Type, at, fmt.Sprintf("want a whole number from %d, got %s", f.min, got(n)), "")
		return
	}
	setOpt(v, func(x reflect.Value) { x.SetInt(i) })
}

func (f whole) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	x, known := getOpt(v)
	if !known && !w.inMap {
		return nil
	}
	return w.scalar(at, strconv.FormatInt(x.Int(), 10))
}

func (f whole) schema(*definitions) map[string]any {
	return map[string]any{"type": "integer", "minimum": f.min, "maximum": math.MaxInt32}
}

// truth is true or false.
type truth struct{}

func (truth) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	if n.Kind != doc.Bool {
		r.fault(n, doc.Type, at, "want true or false, got "+got(n), "")
		return
	}
	setOpt(v, func(x reflect.Value) { x.SetBool(n.Text == "true") })
}

func (truth) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	x, known := getOpt(v)
	if !known {
		return nil
	}
	return w.scalar(at, strconv.FormatBool(x.Bool()))
}

func (truth) schema(*definitions) map[string]any { return map[string]any{"type": "boolean"} }

// format is the number of the file's format.
type format struct{}

func (format) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	if n.Kind != doc.Int || n.Text != strconv.Itoa(arch.Format) {
		r.fault(n, doc.Value, at, fmt.Sprintf("this program reads format %d", arch.Format), "is the file of a newer version?")
		return
	}
	v.SetInt(arch.Format)
}

func (format) tree(w *encoder, _ reflect.Value, at arch.Fact) *tree {
	return &tree{text: strconv.Itoa(arch.Format)}
}

func (format) schema(*definitions) map[string]any { return map[string]any{"const": arch.Format} }

// law is a distribution: of times, or of plain numbers.
type law struct{ times bool }

var lawPattern = regexp.MustCompile(`^(` + goDuration + `+|lognormal\(.*\)|exp\(.*\)|uniform\(.*\))$`)

const lawWant = "want a time such as 4ms, a number, or a law such as lognormal(p50=4ms, p99=20ms)"

func (f law) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	v.Set(reflect.ValueOf(r.law(n, at)))
}

func (r *reader) law(n *doc.Node, at arch.Fact) arch.Dist {
	d := arch.Dist{Law: n.Text}
	ok := n.Kind == doc.Int || n.Kind == doc.Float || n.Kind == doc.String && lawPattern.MatchString(n.Text)
	if !ok || strings.HasPrefix(n.Text, "-") {
		r.fault(n, doc.Type, at, lawWant, "")
		return arch.Dist{}
	}
	if err := d.Check(); err != nil {
		r.fault(n, doc.Value, at, err.Error(), "")
		return arch.Dist{}
	}
	return d
}

func (f law) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	s := lawText(v.Interface().(arch.Dist), f.times)
	if s == "" {
		return nil
	}
	return w.scalar(at, s)
}

func (f law) schema(d *definitions) map[string]any {
	return d.ref("law", func() map[string]any {
		return map[string]any{"description": "A time (4ms), a number, or a law: lognormal(p50=4ms, p99=20ms), exp(mean=4ms), uniform(min=1ms, max=5ms).",
			"anyOf": []any{map[string]any{"type": "number", "minimum": 0}, map[string]any{"type": "string", "pattern": lawPattern.String()}}}
	})
}

// lawText writes a law as it is, and what was observed as the law that a person
// would write for it: the median and the 99th percentile, three digits each.
func lawText(d arch.Dist, times bool) string {
	if d.Law != "" || d.N == 0 {
		if lawPattern.MatchString(d.Law) {
			return quote(d.Law)
		}
		return d.Law // a number
	}
	one := func(q float64) string {
		f, _ := d.Quantile(q)
		f, _ = strconv.ParseFloat(strconv.FormatFloat(max(f, 0), 'g', 3, 64), 64)
		if times && f < 1e9 {
			return time.Duration(math.Round(f * 1e9)).String()
		}
		return decimalText(f)
	}
	p50, p99 := one(.5), one(.99)
	switch {
	case p50 == p99:
		return p50
	case p50 == "0s" || p50 == "0": // a lognormal law never reaches 0
		return quote("uniform(min=" + p50 + ", max=" + p99 + ")")
	}
	return quote("lognormal(p50=" + p50 + ", p99=" + p99 + ")")
}

// got names what stands there.
func got(n *doc.Node) string {
	if n.Kind == doc.String {
		return "text"
	}
	return n.Kind.String()
}

var numberLike = regexp.MustCompile(`(?i)^[-+.]?[0-9][0-9a-fox_.+-]*$|^[-+]?\.(inf|nan)$`)

// quote is doc.Quote for text that is to be read as text by every YAML reader,
// also where it looks like a number of some notation or a date.
func quote(s string) string {
	q := doc.Quote(s)
	if q == s && numberLike.MatchString(s) {
		return strconv.Quote(s)
	}
	return q
}

func anys(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}

func listOf(items map[string]any) map[string]any {
	return map[string]any{"type": []any{"array", "null"}, "items": items}
}

func (f member) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	text{}.read(r, n, v, at)
}

func (f member) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	ref := arch.NewRef(f.kind, v.String())
	if v.String() != "" && len(w.sys.Refs(f.kind)) > 0 && !w.sys.Has(ref) {
		w.leave(at, ref)
		return nil
	}
	return text{}.tree(w, v, at)
}

func (f member) schema(*definitions) map[string]any { return map[string]any{"type": "string"} }
