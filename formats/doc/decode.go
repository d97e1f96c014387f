package doc

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Decode fills into, a pointer to a struct with json tags, from the document, as
// far as it goes, and returns every fault: fields that the struct does not have,
// values of another type, each at its place. Values that are text where a number
// is asked for, or the other way round, are faults and are still taken where
// that makes sense.
//
// Types with UnmarshalJSON or UnmarshalText decode themselves. time.Duration is
// read as 1m30s.
func (d *Document) Decode(into any) []*Fault { return d.DecodeNode(d.Root, into) }

// DecodeNode is Decode of one node of the document.
func (d *Document) DecodeNode(n *Node, into any) []*Fault {
	c := &decoder{file: d.File}
	c.into(n, reflect.ValueOf(into).Elem())
	return c.faults
}

type decoder struct {
	file   *File
	path   []string
	faults []*Fault
}

func (c *decoder) fault(n *Node, k FaultKind, what, hint string) {
	c.faults = append(c.faults, &Fault{Kind: k, Pos: Pos{c.file.Path, n.Line, n.Col}, Path: Pointer(c.path), What: what, Hint: hint, file: c.file})
}

func (c *decoder) wrong(n *Node, want string) {
	got := n.Kind.String()
	c.fault(n, Type, fmt.Sprintf("%s: want %s, got %s", c.place(), want, got), "")
}

func (c *decoder) place() string {
	if len(c.path) == 0 {
		return "the document"
	}
	return strings.Join(c.path, ".")
}

func (c *decoder) at(step string, n *Node, v reflect.Value) {
	c.path = append(c.path, step)
	c.into(n, v)
	c.path = c.path[:len(c.path)-1]
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[[]byte]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	nodeType     = reflect.TypeFor[*Node]()
)

func (c *decoder) into(n *Node, v reflect.Value) {
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if v.Type() == rawType {
		v.SetBytes(n.JSON())
		return
	}
	if n.Kind == Null {
		return
	}
	if v.Kind() == reflect.Pointer {
		e := reflect.New(v.Type().Elem())
		c.into(n, e.Elem())
		v.Set(e)
		return
	}
	if c.self(n, v) {
		return
	}
	if v.Type() == durationType {
		d, err := time.ParseDuration(n.Text)
		if n.Kind == Map || n.Kind == List || err != nil {
			c.fault(n, Type, c.place()+": want a time such as 300ms, 2s or 1m30s", "")
		}
		v.SetInt(int64(d))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		c.structure(n, v)
	case reflect.Map:
		c.mapping(n, v)
	case reflect.Slice:
		c.list(n, v)
	case reflect.Interface:
		v.Set(reflect.ValueOf(n.Native()))
	default:
		c.scalar(n, v)
	}
}

// self lets types that can decode themselves do so.
func (c *decoder) self(n *Node, v reflect.Value) bool {
	var err error
	switch u := v.Addr().Interface().(type) {
	case json.Unmarshaler:
		err = u.UnmarshalJSON(n.JSON())
	case encoding.TextUnmarshaler:
		if n.Kind == Map || n.Kind == List {
			c.wrong(n, "text")
			return true
		}
		err = u.UnmarshalText([]byte(n.Text))
	default:
		return false
	}
	if err != nil {
		c.fault(n, Value, c.place()+": "+Redact(strings.TrimPrefix(err.Error(), "json: ")), "")
	}
	return true
}

func (c *decoder) structure(n *Node, v reflect.Value) {
	if n.Kind != Map {
		c.wrong(n, "a mapping")
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range n.Entries {
		index, ok := fields.byName[e.Key.Text]
		if !ok {
			hint := ""
			if near := nearest(e.Key.Text, fields.names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			} else if len(fields.names) > 0 && len(fields.names) <= 16 {
				hint = "known here: " + strings.Join(fields.names, ", ")
			}
			c.path = append(c.path, e.Key.Text)
			c.fault(e.Key, Unknown, fmt.Sprintf("unknown field %q", strings.Join(c.path, ".")), hint)
			c.path = c.path[:len(c.path)-1]
			continue
		}
		c.at(e.Key.Text, e.Value, fieldByIndex(v, index))
	}
}

// fieldByIndex is reflect's, but makes embedded pointers.
func fieldByIndex(v reflect.Value, index []int) reflect.Value {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

func (c *decoder) mapping(n *Node, v reflect.Value) {
	if n.Kind != Map {
		c.wrong(n, "a mapping")
		return
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, len(n.Entries))
	for _, e := range n.Entries {
		val := reflect.New(t.Elem()).Elem()
		c.at(e.Key.Text, e.Value, val)
		key := reflect.New(t.Key()).Elem()
		if key.Kind() == reflect.String {
			key.SetString(e.Key.Text) // whatever it looks like, it is a name
		} else {
			c.scalar(e.Key, key)
		}
		m.SetMapIndex(key, val)
	}
	v.Set(m)
}

func (c *decoder) list(n *Node, v reflect.Value) {
	if v.Type() == bytesType && n.Kind == String {
		b, err := base64.StdEncoding.DecodeString(n.Text)
		if err != nil {
			c.fault(n, Value, c.place()+": this is not base64", "")
		}
		v.SetBytes(b)
		return
	}
	if n.Kind != List {
		c.wrong(n, "a list")
		return
	}
	l := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i, it := range n.Items {
		c.at(strconv.Itoa(i), it, l.Index(i))
	}
	v.Set(l)
}

func (c *decoder) scalar(n *Node, v reflect.Value) {
	if n.Kind == Map || n.Kind == List {
		c.wrong(n, wants[v.Kind()])
		return
	}
	switch v.Kind() {
	case reflect.String:
		if n.Kind != String {
			c.fault(n, Type, fmt.Sprintf("%s: want text, got %s", c.place(), n.Kind), "quote it")
		}
		v.SetString(n.Text)
	case reflect.Bool:
		switch strings.ToLower(n.Text) {
		case "true", "yes", "on":
			v.SetBool(true)
		case "false", "no", "off":
		default:
			c.wrong(n, wants[reflect.Bool])
			return
		}
		if n.Kind == String && n.Style == Quoted {
			c.wrong(n, wants[reflect.Bool])
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := parseInt(n.Text)
		if err != nil || v.OverflowInt(i) || n.Kind == String {
			c.wrong(n, wants[reflect.Int])
		}
		if err == nil && !v.OverflowInt(i) {
			v.SetInt(i)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, err := strconv.ParseUint(n.Text, 0, 64)
		if err != nil || v.OverflowUint(i) || n.Kind == String {
			c.wrong(n, "a whole number from 0")
			return
		}
		v.SetUint(i)
	case reflect.Float32, reflect.Float64:
		f, err := parseFloat(n.Text)
		if err != nil || n.Kind == String {
			c.wrong(n, wants[reflect.Float64])
		}
		if err == nil {
			v.SetFloat(f)
		}
	}
}

var wants = map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int32: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number"}

// fieldSet is what a struct takes, by its json names.
type fieldSet struct {
	byName map[string][]int
	names  []string // sorted
}

// fieldCache saves walking the same types again; values are immutable.
var fieldCache sync.Map // reflect.Type -> *fieldSet

func fieldsOf(t reflect.Type) *fieldSet {
	if fs, ok := fieldCache.Load(t); ok {
		return fs.(*fieldSet)
	}
	fs := &fieldSet{byName: map[string][]int{}}
	fs.add(t, nil)
	for name := range fs.byName {
		fs.names = append(fs.names, name)
	}
	slices.Sort(fs.names)
	fieldCache.Store(t, fs)
	return fs
}

func (fs *fieldSet) add(t reflect.Type, index []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := append(slices.Clone(index), i)
		if name == "" && (f.Anonymous || strings.Contains(opts, "inline")) {
			ft := f.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if ft.Kind() == reflect.Struct {
				fs.add(ft, at)
				continue
			}
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if old, ok := fs.byName[name]; !ok || len(at) < len(old) { // the outer one wins, as in Go
			fs.byName[name] = at
		}
	}
}
