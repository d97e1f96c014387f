package advise

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ashlar-dev/ashlar/arch"
)

// model is a system with what the formulas ask of it.
type model struct {
	s     arch.System
	o     Options
	edges []arch.Edge
}

// find resolves a name as people write it.
func (m *model) find(name string) (arch.Ref, error) {
	refs := map[string]arch.Ref{}
	add := func(r arch.Ref) { refs[string(r)] = r; refs[r.Short()] = r }
	for n := range m.s.Externals {
		add(arch.NewRef(arch.KindExternal, n))
	}
	for n := range m.s.Topics {
		add(arch.NewRef(arch.KindTopic, n))
	}
	for n, st := range m.s.Stores {
		add(arch.NewRef(arch.KindStore, n))
		for t := range st.Tables {
			add(arch.NewRef(arch.KindTable, n, t))
		}
	}
	for n, svc := range m.s.Services {
		add(arch.NewRef(arch.KindService, n))
		for op := range svc.Operations {
			add(arch.NewRef(arch.KindOp, n, op))
		}
	}
	if r, ok := refs[name]; ok {
		return r, nil
	}
	var near []string
	head, _, _ := strings.Cut(name, ".")
	for short := range refs {
		if !strings.Contains(short, "/") && len(head) > 2 && strings.Contains(short, head[:3]) || strings.HasPrefix(short, head+".") {
			near = append(near, short)
		}
	}
	slices.Sort(near)
	if len(near) > 5 {
		near = near[:5]
	}
	if len(near) > 0 {
		return "", fmt.Errorf("there is no %q; did you mean %s?", name, strings.Join(near, ", "))
	}
	return "", fmt.Errorf("there is no %q; `ashlar discover` lists what there is", name)
}

// covers reports whether want is r or what r lives in.
func covers(want, r arch.Ref) bool { return want == r || want == r.Parent() }

// doubled reports whether a call of a service is known more closely as calls of
// its operations.
func (m *model) doubled(e arch.Edge) bool {
	return e.From.Kind() == arch.KindService && slices.ContainsFunc(m.edges, func(x arch.Edge) bool {
		return x.From != e.From && x.From.Parent() == e.From && x.Call.To.Parent() == e.Call.To.Parent()
	})
}

// call is the edge's call with the limits that are only known for its service.
func (m *model) call(e arch.Edge) arch.Call {
	c := e.Call
	for _, x := range m.edges {
		if x.From != e.From && x.From == e.From.Parent() && x.Call.To.Parent() == c.To.Parent() {
			c.Layers = append(slices.Clone(c.Layers), x.Call.Layers...)
		}
	}
	return c
}

func (m *model) op(r arch.Ref) (arch.Operation, bool) {
	if r.Kind() != arch.KindOp {
		return arch.Operation{}, false
	}
	o, ok := m.s.Services[r.Name()].Operations[r.Member()]
	return o, ok
}

// where is the place that says a fact, the nearest of several.
func (m *model) where(fs ...arch.Fact) string {
	src := m.s.Ledger.Where(fs...)
	if t := src.String(); t != "" {
		return t
	}
	if src.Origin != "" {
		return string(src.Origin)
	}
	return "the model"
}

func (m *model) input(name, value string, fs ...arch.Fact) Input {
	return Input{name, value, m.where(fs...)}
}

// idempotent says whether a call may be repeated, and how that is known.
func (m *model) idempotent(e arch.Edge) (arch.Opt[bool], Input) {
	if o, ok := m.op(e.Call.To); ok {
		if v, known := o.Idempotent.Get(); known {
			return o.Idempotent, m.input("idempotent", fmt.Sprint(v), arch.Fact{Of: e.Call.To, At: "/idempotent"})
		}
	}
	if e.Call.Access == arch.AccessRead {
		return arch.Some(true), m.input("idempotent", "true, a read", e.At("access"))
	}
	switch method := m.method(e.Call.To); method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return arch.Some(true), Input{"idempotent", "true, a " + method, "RFC 9110, section 9.2.2"}
	}
	return arch.Opt[bool]{}, Input{}
}

// method is the HTTP method of an operation, or "".
func (m *model) method(r arch.Ref) string {
	o, ok := m.op(r)
	if !ok {
		return ""
	}
	for _, s := range []string{r.Member(), o.Trigger} {
		if w, _, cut := strings.Cut(s, " "); cut && w == strings.ToUpper(w) {
			return w
		}
	}
	return ""
}

// reads reports whether the caller needs the answer because it asked for data.
func (m *model) reads(e arch.Edge) bool {
	w := m.method(e.Call.To)
	return e.Call.Access == arch.AccessRead || w == "GET" || w == "HEAD"
}

// changing are the first words of operations that are called for what they do.
var changing = []string{"write", "send", "store", "insert", "update", "upsert", "create", "add", "put", "save", "delete", "remove", "record", "notify", "emit", "track", "index", "invalidate"}

// changes reports whether a call is made for its effect rather than its answer,
// and how that is known: the method, or the first word of the name.
func (m *model) changes(e arch.Edge) (how string, ok bool) {
	switch w := m.method(e.Call.To); w {
	case "POST", "PUT", "PATCH", "DELETE":
		return "a " + w, true
	case "":
	default:
		return "", false
	}
	name := e.Call.To.Member()
	if i := strings.LastIndexAny(name, "./"); i >= 0 {
		name = name[i+1:]
	}
	lower := strings.ToLower(name)
	for _, w := range changing {
		if rest, ok := strings.CutPrefix(lower, w); ok && (rest == "" || rest[0] == '_' || rest[0] == '-' || unicode.IsUpper(rune(name[len(w)]))) {
			return "by its name it is there to " + w, true
		}
	}
	return "", false
}

// Changes reports whether a call is made for its effect rather than its answer,
// and how that is known: the method, or the first word of the name.
func Changes(s arch.System, e arch.Edge) (how string, ok bool) {
	return (&model{s: s}).changes(e)
}

// Reads reports whether a call is made for its answer, and how that is known:
// the access, the method, or the first word of the name.
func Reads(s arch.System, e arch.Edge) (how string, ok bool) {
	m := &model{s: s}
	if e.Call.Access == arch.AccessRead {
		return "a read", true
	}
	if w := m.method(e.Call.To); w != "" {
		return "a " + w, w == "GET" || w == "HEAD"
	}
	name := e.Call.To.Member()
	if i := strings.LastIndexAny(name, "./"); i >= 0 {
		name = name[i+1:]
	}
	for _, w := range []string{"get", "list", "find", "read", "query", "search", "fetch", "count", "check", "is", "has", "convert", "quote", "login"} {
		if rest, cut := strings.CutPrefix(strings.ToLower(name), w); cut && (rest == "" || rest[0] == '_' || rest[0] == '-' || unicode.IsUpper(rune(name[len(w)]))) {
			return "by its name it is there to " + w, true
		}
	}
	return "", false
}

// notSeen is the answer for a call that nothing knows of.
func (m *model) notSeen(f, t arch.Ref) Answer {
	a := Answer{From: f, To: t, Verdict: NotSeen}
	by := arch.Sorted(m.s.Coverage)
	a.Because = append(a.Because, fmt.Sprintf("no call from %s to %s was seen in what was read (%s): there is nothing to protect, and no need to add one", f.Short(), t.Short(), strings.Join(by, ", ")))
	if via := m.via(f, t); len(via) > 0 {
		a.Because = append(a.Because, "it gets there through "+strings.Join(via, " and ")+"; ask about those calls")
	}
	a.ask(Question{Text: fmt.Sprintf("is there code or are there traces of %s that were not given? Add them as a PATH", f.Short())})
	return a
}

// via are the services between two elements on the shortest way of calls.
func (m *model) via(f, t arch.Ref) []string {
	from := map[arch.Ref]arch.Ref{f.Parent(): ""}
	queue := []arch.Ref{f.Parent()}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range m.edges {
			to := e.Call.To.Parent()
			if _, seen := from[to]; seen || e.From.Parent() != at {
				continue
			}
			from[to] = at
			queue = append(queue, to)
		}
	}
	var out []string
	if _, ok := from[t.Parent()]; !ok || f.Parent() == t.Parent() {
		return nil
	}
	for at := from[t.Parent()]; at != "" && at != f.Parent(); at = from[at] {
		out = append([]string{at.Short()}, out...)
	}
	return out
}

// retriedBelow names a call on the way down from an operation that may be
// repeated, "" when there is none. Only the hop next to the failure tries again.
func (m *model) retriedBelow(op arch.Ref, seen []arch.Ref) string {
	if slices.Contains(seen, op) {
		return ""
	}
	seen = append(slices.Clone(seen), op)
	for _, e := range m.edges {
		if e.From != op || e.Call.Async.V || e.Call.Access == arch.AccessPublish {
			continue
		}
		if v, _ := m.idempotent(e); v.V {
			return e.Call.To.Short()
		}
		if r := m.retriedBelow(e.Call.To, seen); r != "" {
			return r
		}
	}
	return ""
}
