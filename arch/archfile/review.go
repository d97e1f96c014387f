package archfile

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// reviewPart is the section for the review. It is no fact of the system.
type reviewPart struct{}

// reviewFile is the section in the shape of the file.
type reviewFile struct {
	Rules    map[string]Rule `arch:"rules"`
	Suppress []Suppression   `arch:"suppress"`
	Baseline string          `arch:"baseline"`
}

var (
	// severities are those of findings, off, and the two words that other linters
	// have for medium and high.
	severities   = []string{"off", "info", "low", "medium", "high", "critical", "warning", "error"}
	reviewObject = &object{name: "review", about: "Which rules count how much, and which findings are accepted.", parts: []part{
		field{key: "rules", form: rulesForm{}, about: "Rules by their IDs."},
		field{key: "suppress", form: suppressForm{}, about: "Findings that are accepted, with the reason."},
		field{key: "baseline", form: text{}, about: "File with findings that are accepted as they are."},
	}}
	ruleObject = &object{name: "rule", about: "Changes a rule.", parts: []part{described{[]key{
		{name: "severity", form: choiceOf{severities}, about: "How much its findings count."},
		{name: "parameters", form: native{}, about: "Its parameters."}}}}}
	suppressObject = &object{name: "suppression", about: "Accepts findings of a rule.", need: []string{"rule", "reason"}, parts: []part{described{[]key{
		{name: "rule", form: text{}, about: "ID of the rule."},
		{name: "of", form: one{allKinds}, about: "Element whose findings are accepted; all when it is left out."},
		{name: "reason", form: filled{}, about: "Why."},
		{name: "until", form: date{}, about: "Last day on which it holds: 2027-03-31."}}}}}
)

func (reviewPart) keys() []key {
	return []key{{name: "review", form: reviewObject, about: "Settings of ashlar review."}}
}

func (reviewPart) read(r *reader, n *doc.Node, _ reflect.Value, _ arch.Fact) {
	if x := n.Get("review"); x != nil {
		var f reviewFile
		reviewObject.read(r, x, reflect.ValueOf(&f).Elem(), arch.Fact{Of: "review/"})
		r.review = Review(f)
	}
}

func (reviewPart) tree(*encoder, reflect.Value, arch.Fact) []entry { return nil }

// describedOnly is a form that another reads.
type describedOnly struct{}

func (describedOnly) read(*reader, *doc.Node, reflect.Value, arch.Fact) {}
func (describedOnly) tree(*encoder, reflect.Value, arch.Fact) *tree     { return nil }

type (
	choiceOf struct{ values []string }
	native   struct{ describedOnly }
	filled   struct{ describedOnly }
	date     struct{ describedOnly }
)

func (c choiceOf) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if s, ok := r.text(n, at); ok {
		if !slices.Contains(c.values, s) {
			hint := ""
			if near := doc.Nearest(s, c.values); near != "" {
				hint = `did you mean "` + near + `"?`
			}
			r.fault(n, doc.Value, at, "want one of "+strings.Join(c.values, ", "), hint)
		}
		v.SetString(s)
	}
}

func (choiceOf) tree(*encoder, reflect.Value, arch.Fact) *tree { return nil }
func (c choiceOf) schema(*definitions) map[string]any          { return map[string]any{"enum": anys(c.values)} }
func (native) schema(*definitions) map[string]any {
	return map[string]any{"type": []any{"object", "null"}}
}
func (filled) schema(*definitions) map[string]any {
	return map[string]any{"type": "string", "minLength": 1}
}
func (date) schema(*definitions) map[string]any {
	return map[string]any{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
}

type rulesForm struct{ describedOnly }

func (rulesForm) schema(d *definitions) map[string]any {
	return named{form: ruleObject}.schema(d)
}

func (rulesForm) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	if !r.mapping(n, at) {
		return
	}
	rules := map[string]Rule{}
	for _, e := range n.Entries {
		var rule Rule
		ruleObject.read(r, e.Value, reflect.ValueOf(&rule).Elem(), at)
		if s := e.Value.Get("severity"); s != nil {
			choiceOf{severities}.read(r, s, reflect.ValueOf(&rule.Severity).Elem(), arch.Fact{At: "/severity"})
		}
		if p := e.Value.Get("parameters"); p != nil && r.mapping(p, arch.Fact{At: "/parameters"}) {
			rule.Parameters, _ = p.Native().(map[string]any)
		}
		rules[e.Key.Text] = rule
	}
	v.Set(reflect.ValueOf(rules))
}

type suppressForm struct{ describedOnly }

func (suppressForm) schema(d *definitions) map[string]any { return listOf(suppressObject.schema(d)) }

func (suppressForm) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	var out []Suppression
	for _, it := range r.list(n, at) {
		s := Suppression{At: arch.Source{Origin: arch.Hand, By: Name, File: r.file.Path, Line: it.Line, Col: it.Col}}
		suppressObject.read(r, it, reflect.ValueOf(&s).Elem(), at)
		if x := it.Get("rule"); x != nil {
			s.Rule, _ = r.text(x, arch.Fact{At: "/rule"})
		}
		if x := it.Get("reason"); x != nil {
			if s.Reason, _ = r.text(x, arch.Fact{At: "/reason"}); x.Kind == doc.String && s.Reason == "" {
				r.fault(x, doc.Value, arch.Fact{At: "/reason"}, "a reason is needed", "")
			}
		}
		if x := it.Get("of"); x != nil {
			s.Of, _ = r.ref(x, allKinds, arch.Fact{At: "/of"})
		}
		if x := it.Get("until"); x != nil {
			var err error
			if s.Until, err = time.Parse(time.DateOnly, x.Text); err != nil {
				r.fault(x, doc.Type, arch.Fact{At: "/until"}, "want a date such as 2027-03-31", "")
			}
		}
		out = append(out, s)
	}
	v.Set(reflect.ValueOf(out))
}
