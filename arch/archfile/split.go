package archfile

import (
	"reflect"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Split is the section for `ashlar split`: what its user knows better. Members are
// types, by name or by ID, and tables.
type Split struct {
	Together [][]string        `arch:"together"` // each list stays in one context
	Apart    [][]string        `arch:"apart"`    // no two of a list are in one context
	Names    map[string]string `arch:"names"`    // member -> name of its context
}

// splitPart is the section for the split. It is no fact of the system.
type splitPart struct{}

var splitObject = &object{name: "split", about: "What a proposal of contexts must keep.", parts: []part{
	field{key: "together", form: textLists{}, about: "Lists of types or tables that stay in one context."},
	field{key: "apart", form: textLists{}, about: "Lists of types or tables of which no two are in one context."},
	field{key: "names", form: named{form: text{}, of: "The name of its context."}, about: "Types or tables, each with the name of its context."},
}}

func (splitPart) keys() []key {
	return []key{{name: "split", form: splitObject, about: "Settings of ashlar split."}}
}

func (splitPart) read(r *reader, n *doc.Node, _ reflect.Value, _ arch.Fact) {
	if x := n.Get("split"); x != nil {
		splitObject.read(r, x, reflect.ValueOf(&r.split).Elem(), arch.Fact{Of: "split/"})
	}
}

func (splitPart) tree(*encoder, reflect.Value, arch.Fact) []entry { return nil }

// textLists are lists of lists of text.
type textLists struct{ describedOnly }

func (textLists) schema(d *definitions) map[string]any { return listOf(texts{}.schema(d)) }

func (textLists) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	var out [][]string
	for _, it := range r.list(n, at) {
		var one []string
		texts{}.read(r, it, reflect.ValueOf(&one).Elem(), at)
		if len(one) == 1 {
			r.fault(it, doc.Value, at, "a list of one says nothing", "name at least two types or tables")
		}
		out = append(out, one)
	}
	v.Set(reflect.ValueOf(out))
}
