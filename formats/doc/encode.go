package doc

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Encode writes a value as YAML that [Document.Decode] reads back equal: structs
// by their json tags, in the order of their fields, maps in the order of their
// keys, *Node as it is. What is nil, and scalars that are zero, are left out:
// reading fills them in. The error names a type that no document can hold.
func Encode(v any) ([]byte, error) {
	n, err := NodeOf(v)
	if err != nil {
		return nil, err
	}
	return n.YAML(), nil
}

// NodeOf makes the node that decodes to v; see [Encode].
func NodeOf(v any) (*Node, error) {
	n, err := encode(reflect.ValueOf(v))
	if err == nil && n == nil {
		n = &Node{Kind: Map, Style: Flow}
	}
	return n, err
}

func encode(v reflect.Value) (*Node, error) {
	if !v.IsValid() {
		return nil, nil
	}
	if v.Type() == nodeType {
		return v.Interface().(*Node), nil
	}
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, nil
		}
		if n, err := encode(v.Elem()); n != nil || err != nil {
			return n, err
		}
		return zero(v.Elem()), nil // a pointer to zero says more than none
	}
	if v.Type() == durationType {
		if v.Int() == 0 {
			return nil, nil
		}
		return Text(time.Duration(v.Int()).String()), nil
	}
	switch m := v.Interface().(type) {
	case json.Marshaler:
		b, err := m.MarshalJSON()
		if err != nil {
			return nil, err
		}
		f := Read("", b, nil)
		if len(f.Docs) == 0 {
			return nil, nil
		}
		return f.Docs[0].Root, nil
	case encoding.TextMarshaler:
		b, err := m.MarshalText()
		return Text(string(b)), err
	}
	switch v.Kind() {
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Map:
		return encodeMap(v)
	case reflect.Slice, reflect.Array:
		return encodeList(v)
	}
	return encodeScalar(v)
}

func zero(v reflect.Value) *Node {
	switch v.Kind() {
	case reflect.String:
		return Text("")
	case reflect.Bool:
		return &Node{Kind: Bool, Text: "false"}
	case reflect.Struct, reflect.Map:
		return &Node{Kind: Map, Style: Flow}
	case reflect.Slice, reflect.Array:
		return &Node{Kind: List, Style: Flow}
	}
	if v.Type() == durationType {
		return Text("0s")
	}
	return &Node{Kind: Int, Text: "0"}
}

func encodeStruct(v reflect.Value) (*Node, error) {
	out := &Node{Kind: Map}
	names := fieldsOf(v.Type()).byName
	ordered := make([]string, 0, len(names))
	for name := range names {
		ordered = append(ordered, name)
	}
	slices.SortFunc(ordered, func(a, b string) int { return slices.Compare(names[a], names[b]) })
	for _, name := range ordered {
		f, err := v.FieldByIndexErr(names[name])
		if err != nil {
			continue // inside an embedded pointer that is nil
		}
		n, err := encode(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if n != nil {
			out.Set(name, n)
		}
	}
	if len(out.Entries) == 0 {
		return nil, nil
	}
	return out, nil
}

func encodeMap(v reflect.Value) (*Node, error) {
	if v.IsNil() {
		return nil, nil
	}
	out := &Node{Kind: Map}
	keys := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		keys[fmt.Sprint(k.Interface())] = k
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e := v.MapIndex(keys[name])
		n, err := encode(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if n == nil {
			if n = (&Node{Kind: Null}); e.Kind() != reflect.Pointer && e.Kind() != reflect.Interface {
				n = zero(e)
			}
		}
		out.Set(name, n)
	}
	return out, nil
}

func encodeList(v reflect.Value) (*Node, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	if v.Type() == bytesType {
		return nil, fmt.Errorf("%s has no form as YAML here", v.Type())
	}
	out := &Node{Kind: List}
	for i := range v.Len() {
		n, err := encode(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		if n == nil {
			n = zero(v.Index(i))
		}
		out.Items = append(out.Items, n)
	}
	return out, nil
}

func encodeScalar(v reflect.Value) (*Node, error) {
	if v.IsZero() {
		return nil, nil
	}
	switch v.Kind() {
	case reflect.String:
		return Text(v.String()), nil
	case reflect.Bool:
		return &Node{Kind: Bool, Text: "true"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Node{Kind: Int, Text: strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &Node{Kind: Int, Text: strconv.FormatUint(v.Uint(), 10)}, nil
	case reflect.Float32, reflect.Float64:
		return &Node{Kind: Float, Text: strconv.FormatFloat(v.Float(), 'g', -1, 64)}, nil
	}
	return nil, fmt.Errorf("%s has no form as YAML", v.Type())
}

// Text is a node of a text.
func Text(s string) *Node { return &Node{Kind: String, Text: s, Style: Quoted} }

// Set gives a key of a map a value, at its end when it is new.
func (n *Node) Set(key string, value *Node) {
	for i := range n.Entries {
		if n.Entries[i].Key.Text == key {
			n.Entries[i].Value = value
			return
		}
	}
	n.Entries = append(n.Entries, Entry{Key: Text(key), Value: value})
}

// YAML writes the node as a document: block style, keys in their order, texts in
// quotes where they need them. Reading it gives an equal node, places, style and
// the sharing of aliases aside.
func (n *Node) YAML() []byte {
	w := &writer{}
	w.block(n, 0)
	return []byte(strings.TrimPrefix(w.String(), "\n"))
}

type writer struct{ strings.Builder }

// block writes a node at an indentation, behind what stands on its line: the
// content of maps and lists begins on a new line.
func (w *writer) block(n *Node, indent int) {
	pad := "\n" + strings.Repeat(" ", indent)
	switch {
	case n.Kind == Map && len(n.Entries) > 0:
		for _, e := range n.Entries {
			w.WriteString(pad + scalar(e.Key) + ":")
			w.value(e.Value, indent+2)
		}
	case n.Kind == List && len(n.Items) > 0:
		for _, it := range n.Items {
			w.WriteString(pad + "-")
			w.value(it, indent+2)
		}
	default:
		w.WriteString(pad + scalar(n))
	}
	if indent == 0 {
		w.WriteString("\n")
	}
}

func (w *writer) value(n *Node, indent int) {
	if n.Tag != "" {
		w.WriteString(" " + n.Tag)
	}
	if n.Kind == Map && len(n.Entries) > 0 || n.Kind == List && len(n.Items) > 0 {
		w.block(n, indent)
		return
	}
	w.WriteString(" " + scalar(n))
}

// plainText are texts that no reader takes for something else.
var plainText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*$`)

func scalar(n *Node) string {
	switch n.Kind {
	case Map:
		return "{}"
	case List:
		return "[]"
	case Null:
		return "null"
	case String:
		switch strings.ToLower(n.Text) {
		case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		default:
			if plainText.MatchString(n.Text) {
				return n.Text
			}
		}
		return strconv.Quote(n.Text) // Go's escapes are YAML's, for what can stand here
	}
	return n.Text
}
