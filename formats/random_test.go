package formats_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// gen makes random values of a type.
type gen struct {
	*rand.Rand
	// types and fields make what may not be just anything: a duration that the format
	// can say, an ID. A field is named Type.Field.
	types  map[reflect.Type]func(*gen) any
	fields map[string]func(*gen) any
	count  int
}

var nodeType = reflect.TypeFor[*doc.Node]()

// texts are what encoders stumble over: what looks like something else in YAML,
// what needs an escape in one notation or the other, what is long or empty.
var texts = []string{
	"", "a", "order-service", "true", "No", "null", "~", "1", "0x1F", "1e3", "-0.5", ".inf", "0o17", "1_000", "2020-01-01", "12:30:45", "- a", "a: b", "a:", "a #b", "# a",
	" lead", "trail ", "two\nlines", "two\nlines\n", "\n", "\ttab", "a\tb", "carriage\rreturn", `"quoted"`, "it's", `back\slash`, "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a`", "| a", "> a", "?", ":", "-", "---",
	"ä€😀", "\u0085", "\u2028", "\ufeff", "\x01", "\x7f", "<&>", "${HOME}", "$$", "{{ .x }}", strings.Repeat("long ", 40), "=", "<<", "y",
}

func (g *gen) text() string { return texts[g.IntN(len(texts))] }

// id is a text that no other call has made.
func (g *gen) id() string {
	g.count++
	return "id" + strconv.Itoa(g.count)
}

func (g *gen) coin() bool { return g.IntN(2) == 0 }

// node is any document, but for null and for what JSON has no number for.
func (g *gen) node(depth int) *doc.Node {
	switch k := g.IntN(7); {
	case k == 0 && depth > 0:
		n := &doc.Node{Kind: doc.Map}
		for range 1 + g.IntN(2) {
			n.Set("k"+g.text(), g.node(depth-1))
		}
		return n
	case k == 1 && depth > 0:
		n := &doc.Node{Kind: doc.List}
		for range 1 + g.IntN(2) {
			n.Items = append(n.Items, g.node(depth-1))
		}
		return n
	case k == 2:
		return &doc.Node{Kind: doc.Int, Text: strconv.Itoa(g.IntN(2000) - 1000)}
	case k == 3:
		return &doc.Node{Kind: doc.Bool, Text: strconv.FormatBool(g.coin())}
	case k == 4:
		return &doc.Node{Kind: doc.Float, Text: strconv.FormatFloat(g.Float64(), 'g', -1, 64)}
	}
	return doc.Text(g.text())
}

// fill gives v a random value. Pointers may be nil, lists and maps empty.
func (g *gen) fill(v reflect.Value, depth int) {
	if f := g.types[v.Type()]; f != nil {
		v.Set(reflect.ValueOf(f(g)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		switch {
		case v.Type() == nodeType:
			if g.coin() {
				v.Set(reflect.ValueOf(g.node(2)))
			}
		case depth > 0 && g.coin():
			p := reflect.New(v.Type().Elem())
			g.fill(p.Elem(), depth-1)
			v.Set(p)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if special := g.fields[v.Type().Name()+"."+f.Name]; special != nil {
				v.Field(i).Set(reflect.ValueOf(special(g)))
				continue
			}
			g.fill(v.Field(i), depth)
		}
	case reflect.Slice:
		if depth <= 0 {
			return
		}
		for range g.IntN(3) {
			item := reflect.New(v.Type().Elem()).Elem()
			for n := 0; n == 0 || item.Kind() == reflect.Pointer && item.IsNil() && n < 50; n++ { // no list has nothing in it
				g.fill(item, depth-1)
			}
			if item.Kind() == reflect.Pointer && item.IsNil() {
				return
			}
			v.Set(reflect.Append(v, item))
		}
	case reflect.Map:
		if depth <= 0 {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range g.IntN(3) {
			item := reflect.New(v.Type().Elem()).Elem()
			g.fill(item, depth-1)
			v.SetMapIndex(reflect.ValueOf("k"+g.text()).Convert(v.Type().Key()), item)
		}
	case reflect.String:
		v.SetString(g.text())
	case reflect.Bool:
		v.SetBool(g.coin())
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 0.2, 1, 100, 1e-9}[g.IntN(5)])
	case reflect.Interface:
		v.Set(reflect.ValueOf(g.native(2)))
	default:
		n := int64(g.IntN(3) * g.IntN(100))
		if v.CanInt() {
			v.SetInt(n)
		} else {
			v.SetUint(uint64(n))
		}
	}
}

// native is what JSON can say, with numbers as they are written.
func (g *gen) native(depth int) any {
	switch k := g.IntN(6); {
	case k == 0 && depth > 0:
		return map[string]any{"k" + g.text(): g.native(depth - 1)}
	case k == 1 && depth > 0:
		return []any{g.native(depth - 1)}
	case k == 2:
		return json.Number(strconv.Itoa(g.IntN(2000) - 1000))
	case k == 3:
		return g.coin()
	}
	return g.text()
}

// differ says where two values differ, or "". Places do not count, fields that the
// format does not write neither, and an empty list is as good as none.
func differ(at string, a, b reflect.Value) string {
	if a.Type() == nodeType {
		x, y := string(a.Interface().(*doc.Node).JSON()), string(b.Interface().(*doc.Node).JSON())
		if x != y {
			return fmt.Sprintf("%s: %s came back as %s", at, x, y)
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() != b.IsNil() {
			return fmt.Sprintf("%s: nil %v came back as nil %v", at, a.IsNil(), b.IsNil())
		}
		if a.IsNil() {
			return ""
		}
		if a.Kind() == reflect.Interface && a.Elem().Type() != b.Elem().Type() {
			return fmt.Sprintf("%s: %#v came back as %#v", at, a.Interface(), b.Interface())
		}
		return differ(at, a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if d := differ(at+"."+f.Name, a.Field(i), b.Field(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d items came back as %d: %+v, %+v", at, a.Len(), b.Len(), a.Interface(), b.Interface())
		}
		for i := range a.Len() {
			if d := differ(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Map:
		for _, k := range a.MapKeys() {
			if !b.MapIndex(k).IsValid() {
				return fmt.Sprintf("%s[%q] is gone", at, k)
			}
			if d := differ(fmt.Sprintf("%s[%q]", at, k), a.MapIndex(k), b.MapIndex(k)); d != "" {
				return d
			}
		}
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %d keys came back as %d", at, a.Len(), b.Len())
		}
		return ""
	}
	if !a.Equal(b) {
		return fmt.Sprintf("%s: %#v came back as %#v", at, a, b)
	}
	return ""
}
