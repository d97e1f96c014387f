package archfile

import (
	"reflect"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// body is what an operation does: work, then do.
type body struct{}

func (body) keys() []key {
	return []key{{name: "work", form: law{true}, about: "Own time of one run, without what it calls."},
		{name: "do", form: steps{}, about: "What it does, one after the other; a list in the list happens at the same time."}}
}

func (body) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.count = map[arch.Ref]int{}
	work, do := n.Get("work"), n.Get("do")
	if work == nil && (do == nil || do.Kind == doc.Null) {
		return
	}
	s := arch.Step{Kind: arch.Seq}
	at.At = at.At.Join("body")
	if work != nil {
		s.Steps = append(s.Steps, arch.Step{Kind: arch.Work, Own: r.law(work, arch.Fact{Of: at.Of, At: "/work"})})
	}
	calls := map[string]arch.Call{}
	switch {
	case do == nil:
		r.mark(at, work)
	case do.Kind == doc.Map:
		r.mark(at, do)
		if it, ok := r.step(do, calls, at, false); ok && work == nil {
			s = it
		} else if ok {
			s.Steps = append(s.Steps, it)
		}
	default:
		r.mark(at, do)
		s.Steps = append(s.Steps, r.steps(do, calls, at, false)...)
	}
	byTag(v, "body").Set(reflect.ValueOf(s))
	byTag(v, "calls").Set(reflect.ValueOf(calls))
}

func (r *reader) steps(n *doc.Node, calls map[string]arch.Call, at arch.Fact, option bool) []arch.Step {
	var out []arch.Step
	for _, it := range r.list(n, arch.Fact{Of: at.Of, At: "/do"}) {
		if s, ok := r.step(it, calls, at, option); ok {
			out = append(out, s)
		}
	}
	return out
}

// blocks are the items that are no calls, with the keys that each takes.
var blocks = map[string]struct {
	kind arch.StepKind
	also string
}{"work": {arch.Work, ""}, "parallel": {arch.Par, ""}, "sequence": {arch.Seq, ""}, "choice": {arch.Choice, ""}, "loop": {arch.Loop, "times"}}

// step reads one item; an option of a choice may say its share.
func (r *reader) step(n *doc.Node, calls map[string]arch.Call, at arch.Fact, option bool) (arch.Step, bool) {
	share := ""
	if option {
		share = "share"
	}
	s := arch.Step{}
	head := r.head(n)
	switch {
	case n.Kind == doc.List:
		return arch.Step{Kind: arch.Par, Steps: r.steps(n, calls, at, false)}, true
	case n.Kind == doc.Map && isCall(n):
		id, ok := r.call(n, calls, "calls", at.Of, share)
		if !ok {
			return s, false
		}
		s = arch.Step{Kind: arch.Do, Call: id}
	case n.Kind != doc.Map || head == "":
		r.fault(n, doc.Value, arch.Fact{At: "/do"}, "want a step: call, read, write, publish, saga, work, choice, loop, or a list for what happens at the same time", r.near(n))
		return s, false
	default:
		b := blocks[head]
		known := []string{head, share, b.also}
		r.unknown(n, func(k string) bool { return k != "" && slices.Contains(known, k) }, slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k == "" }))
		s.Kind = b.kind
		switch head {
		case "work":
			s.Own = r.law(n.Get(head), arch.Fact{At: "/work"})
		case "loop":
			if t := n.Get("times"); t != nil {
				s.Times = r.law(t, arch.Fact{At: "/times"})
			}
			fallthrough
		default:
			s.Steps = r.steps(n.Get(head), calls, at, head == "choice")
		}
	}
	if p := n.Get("share"); p != nil && option {
		shareQ.read(r, p, reflect.ValueOf(&s.Prob).Elem(), arch.Fact{At: "/share"})
	}
	if sum := probability(s); sum > 1+1e-9 && r.overfull[at.Of] == nil {
		r.overfull[at.Of] = n.KeyNode("choice")
	}
	return s, true
}

func probability(s arch.Step) (sum float64) {
	if s.Kind == arch.Choice {
		for _, c := range s.Steps {
			sum += c.Prob.Or(0)
		}
	}
	return sum
}

func (r *reader) head(n *doc.Node) string {
	for _, h := range arch.Sorted(blocks) {
		if n.Get(h) != nil {
			return h
		}
	}
	return ""
}

// near guesses the head that was meant.
func (r *reader) near(n *doc.Node) string {
	known := arch.Sorted(blocks)
	for _, v := range verbs {
		known = append(known, v.key)
	}
	for _, e := range n.Entries {
		if near := doc.Nearest(e.Key.Text, known); near != "" {
			return `did you mean "` + near + `"?`
		}
	}
	return ""
}

func (body) tree(w *encoder, v reflect.Value, at arch.Fact) []entry {
	op := v.Interface().(arch.Operation)
	w.count, w.placed = map[arch.Ref]int{}, map[string]bool{}
	s := op.Body
	if s.IsZero() {
		return nil
	}
	at.At = at.At.Join("body")
	from := w.source(at)
	var es []entry
	if s.Kind != arch.Seq {
		if t := w.step(s, op, at.Of, false); t != nil {
			if t.kind == listTree {
				t = &tree{kind: mapTree, entries: []entry{{"parallel", t}}}
			}
			t.from = from
			return []entry{{"do", t}}
		}
		return nil
	}
	rest := s.Steps
	if len(rest) > 0 && rest[0].Kind == arch.Work && !rest[0].Own.IsZero() {
		es = append(es, entry{"work", &tree{text: lawText(rest[0].Own, true), from: from}})
		if rest = rest[1:]; len(rest) == 0 {
			return es
		}
	}
	t := w.steps(rest, op, at.Of, false)
	t.from = from
	return append(es, entry{"do", t})
}

func (w *encoder) steps(ss []arch.Step, op arch.Operation, of arch.Ref, option bool) *tree {
	t := &tree{kind: listTree}
	for _, s := range ss {
		if it := w.step(s, op, of, option); it != nil {
			t.items = append(t.items, it)
		}
	}
	return t
}

func (w *encoder) step(s arch.Step, op arch.Operation, of arch.Ref, option bool) *tree {
	t := &tree{kind: mapTree}
	switch s.Kind {
	case arch.Do:
		c, ok := op.Calls[s.Call]
		if !ok || w.placed[s.Call] {
			return nil
		}
		if t = w.call(s.Call, c, arch.Fact{Of: of, At: arch.Field("").Join("calls", s.Call)}); t == nil {
			return nil
		}
		w.placed[s.Call] = true
	case arch.Work:
		if s.Own.IsZero() {
			return nil
		}
		t.entries = []entry{{"work", &tree{text: lawText(s.Own, true)}}}
	case arch.Par:
		t = w.steps(s.Steps, op, of, false)
		if s.Prob.Known && option {
			t = &tree{kind: mapTree, entries: []entry{{"parallel", t}}}
		}
	case arch.Seq:
		t.entries = []entry{{"sequence", w.steps(s.Steps, op, of, false)}}
	case arch.Choice:
		t.entries = []entry{{"choice", w.steps(s.Steps, op, of, true)}}
	case arch.Loop:
		t.entries = []entry{{"loop", w.steps(s.Steps, op, of, false)}}
		if times := lawText(s.Times, false); times != "" {
			t.entries = append(t.entries, entry{"times", &tree{text: times}})
		}
	default:
		return nil
	}
	if option && s.Prob.Known {
		t.entries = append(t.entries, entry{"share", &tree{text: formatPercent(s.Prob.V)}})
	}
	return t
}

// steps describes a list of steps; body reads it.
type steps struct{}

func (steps) read(*reader, *doc.Node, reflect.Value, arch.Fact) {}
func (steps) tree(*encoder, reflect.Value, arch.Fact) *tree     { return nil }

func (steps) schema(d *definitions) map[string]any {
	return map[string]any{"anyOf": []any{listOf(stepSchema(d, false)), stepObject(d, false)}}
}

// stepSchema is an item of a list of steps, or of the options of a choice.
func stepSchema(d *definitions, option bool) map[string]any {
	name := "step"
	if option {
		name = "option"
	}
	return d.ref(name, func() map[string]any {
		return map[string]any{"description": "A step: a call, work, a choice, a loop; a list is what happens at the same time.",
			"anyOf": []any{map[string]any{"type": "array", "items": stepSchema(d, false)}, stepObject(d, option)}}
	})
}

func stepObject(d *definitions, option bool) map[string]any {
	name := map[bool]string{false: "step", true: "option"}[option]
	kinds := []any{callSchema(d, name+"-call", option)}
	for _, head := range arch.Sorted(blocks) {
		kinds = append(kinds, d.ref(name+"-"+head, func() map[string]any {
			props := map[string]any{}
			switch head {
			case "work":
				props[head] = d.described(law{true}, "Own time.")
			case "choice":
				props[head] = listOf(stepSchema(d, true))
			default:
				props[head] = listOf(stepSchema(d, false))
			}
			if also := blocks[head].also; also != "" {
				props[also] = d.described(law{}, "How often.")
			}
			if option {
				props["share"] = d.described(shareQ, "Share of the runs that take this option.")
			}
			return map[string]any{"type": "object", "properties": props, "required": []any{head}, "additionalProperties": false}
		}))
	}
	return map[string]any{"anyOf": kinds}
}

// callSchema is a call, which has exactly one verb.
func callSchema(d *definitions, name string, option bool) map[string]any {
	return d.ref(name, func() map[string]any {
		s := callObject.describe(d)
		s["type"] = "object"
		if option {
			s["properties"].(map[string]any)["share"] = d.described(shareQ, "Share of the runs that take this option.")
		}
		var one []any
		for _, v := range verbs {
			one = append(one, map[string]any{"required": []any{v.key}})
		}
		s["oneOf"] = one
		s["description"] = strings.TrimSpace(callObject.about)
		return s
	})
}
