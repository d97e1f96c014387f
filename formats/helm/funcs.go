package helm

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// now is only used to keep to [Limits.Time]; templates see [Epoch].
var now = time.Now

// told is what a chart's own fail and required say.
type told string

func (t told) Error() string { return string(t) }

// large are functions whose result can be far larger than their arguments; each
// says from its arguments how large. The others make at most a few times what
// they get, which is weighed.
var large = map[string]func(args []reflect.Value) int64{
	"repeat":    func(a []reflect.Value) int64 { return product(a[0].Int(), length(a[1])) },
	"indent":    func(a []reflect.Value) int64 { return product(a[0].Int(), length(a[1])) },
	"nindent":   func(a []reflect.Value) int64 { return product(a[0].Int(), length(a[1])) },
	"until":     func(a []reflect.Value) int64 { return 16 * abs64(a[0].Int()) },
	"untilStep": func(a []reflect.Value) int64 { return 16 * abs64(a[1].Int()-a[0].Int()) },
	"replace":   func(a []reflect.Value) int64 { return product(length(a[1])+1, length(a[2])+1) },
	"join":      func(a []reflect.Value) int64 { return product(length(a[0])+1, length(a[1])+1) },
	"uniq":      func(a []reflect.Value) int64 { return product(length(a[0]), length(a[0])) },
	"mustUniq":  func(a []reflect.Value) int64 { return product(length(a[0]), length(a[0])) },
	"wrapWith":  func(a []reflect.Value) int64 { return product(length(a[1])+1, length(a[2])) },
}

func init64(n int64) int64 { return max(n, 1) }

func product(a, b int64) int64 {
	a, b = abs64(a), init64(b)
	if a > (1<<40)/b {
		return 1 << 40
	}
	return a * b
}

func abs64(n int64) int64 {
	if n < 0 {
		return max(-n, 0)
	}
	return n
}

func length(v reflect.Value) int64 {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return int64(v.Len())
	}
	return 16
}

// flat functions do not look into the values that they get.
var flat = map[string]bool{
	"include": true, "tpl": true, "hasKey": true, "get": true, "set": true, "unset": true, "dig": true, "pluck": true, "default": true, "empty": true,
	"coalesce": true, "ternary": true, "kindIs": true, "kindOf": true, "typeOf": true, "typeIs": true, "typeIsLike": true, "list": true, "tuple": true,
	"dict": true, "append": true, "push": true, "prepend": true, "first": true, "rest": true, "last": true, "initial": true, "concat": true, "keys": true,
	"values": true, "required": true, "all": true, "any": true, "hasPrefix": true, "hasSuffix": true, "compact": true, "slice": true, "reverse": true,
	"mustAppend": true, "mustPush": true, "mustPrepend": true, "mustFirst": true, "mustRest": true, "mustLast": true, "mustInitial": true,
	"mustCompact": true, "mustSlice": true, "mustReverse": true, "chunk": true, "mustChunk": true, "pick": true, "omit": true, "fail": true, "lookup": true,
}

// funcs are the functions that a template may call. The map is a fresh one, bound
// to t for include and tpl.
func (r *rendering) funcs(t *template.Template) template.FuncMap {
	m := sprig.TxtFuncMap()
	for _, gone := range []string{"env", "expandenv", "hello"} {
		delete(m, gone)
	}
	for name, f := range fixed() {
		m[name] = f
	}
	for name, f := range texts() {
		m[name] = f
	}
	// text/template's own that write values out
	m["print"], m["println"], m["printf"] = fmt.Sprint, fmt.Sprintln, fmt.Sprintf
	m["html"], m["js"], m["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	for name, f := range m {
		m[name] = r.bounded(name, f)
	}
	r.late(m, t)
	m[stepFunc] = func() (string, error) { return "", r.b.step() }
	m[markFunc] = func(src, kind int) string {
		if r.b.depth == 0 {
			r.places.add(r.writer.Len(), src, kind == 1)
		}
		return ""
	}
	m[weighFunc] = func(v any) (any, error) {
		if _, err := weigh(v, int64(r.b.limits.Output)); err != nil {
			return nil, r.b.stop("a value to print is too large or %s", err)
		}
		return v, nil
	}
	return m
}

// late adds the functions that run templates, bound to t.
func (r *rendering) late(m template.FuncMap, t *template.Template) {
	m["include"] = func(name string, data any) (string, error) {
		return r.nested(func(w *output) error { return t.ExecuteTemplate(w, name, data) })
	}
	m["tpl"] = func(text string, data any) (string, error) {
		if err := r.b.spend(int64(len(text)) + 1024); err != nil {
			return "", err
		}
		c, err := t.Clone()
		if err != nil {
			return "", err
		}
		again := template.FuncMap{}
		r.late(again, c)
		before := map[string]bool{}
		for _, x := range c.Templates() {
			before[x.Name()] = true
		}
		x, err := c.Option("missingkey=zero").Funcs(again).New("tpl").Parse(text)
		if err != nil {
			return "", fmt.Errorf("in a text given to tpl: %w", plain(err))
		}
		for _, y := range c.Templates() {
			if y.Tree != nil && (!before[y.Name()] || y.Name() == "tpl") {
				instrument(y.Root, false)
			}
		}
		return r.nested(func(w *output) error { return x.Execute(w, data) })
	}
	m["required"] = func(warn string, v any) (any, error) {
		if v == nil || v == "" {
			return nil, told("a value that has to be given is not: " + warn)
		}
		return v, nil
	}
	m["fail"] = func(msg string) (string, error) { return "", told("the chart refuses these values: " + msg) }
}

func (r *rendering) nested(run func(w *output) error) (string, error) {
	if err := r.b.step(); err != nil {
		return "", err
	}
	if r.b.depth++; r.b.depth > maxCalls {
		return "", r.b.stop("templates call each other more than %d deep", maxCalls)
	}
	defer func() { r.b.depth-- }()
	w := &output{limit: r.b.limits.Output, b: r.b}
	err := run(w)
	return w.String(), err
}

// bounded is the function with its arguments and its result counted. Its type
// stays, so that text/template converts arguments as it does for the original.
func (r *rendering) bounded(name string, f any) any {
	v := reflect.ValueOf(f)
	size, isFlat := large[name], flat[name]
	return reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value {
		var n int64
		for _, a := range args {
			if isFlat {
				n += shallow(a)
				continue
			}
			w, err := weigh(a.Interface(), r.b.limits.Made)
			if err != nil {
				panic(r.b.stop("%s gets a value that is too large or %s", name, err))
			}
			n += w
		}
		if size != nil {
			n += size(args)
		}
		if err := r.b.spend(n); err != nil {
			panic(err)
		}
		var out []reflect.Value
		if v.Type().IsVariadic() {
			out = v.CallSlice(args)
		} else {
			out = v.Call(args)
		}
		if err := r.b.spend(shallow(out[0])); err != nil {
			panic(err)
		}
		return out
	}).Interface()
}

// texts are Helm's own functions on values and their written forms. As in Helm,
// what cannot be written is empty, and what cannot be read says so under "Error".
func texts() template.FuncMap {
	toYAML := func(v any) string {
		b, err := yaml.Marshal(v)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(b), "\n")
	}
	noTOML := errors.New("TOML is not written here")
	return template.FuncMap{
		"toYaml": toYAML, "toYamlPretty": toYAML,
		"fromYaml": func(s string) map[string]any {
			m := map[string]any{}
			if err := yaml.Unmarshal([]byte(s), &m); err != nil {
				m["Error"] = err.Error()
			}
			return m
		},
		"fromYamlArray": func(s string) []any {
			l := []any{}
			if err := yaml.Unmarshal([]byte(s), &l); err != nil {
				l = []any{err.Error()}
			}
			return l
		},
		"toJson": func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				return ""
			}
			return string(b)
		},
		"fromJson": func(s string) map[string]any {
			m := map[string]any{}
			if err := json.Unmarshal([]byte(s), &m); err != nil {
				m["Error"] = err.Error()
			}
			return m
		},
		"fromJsonArray": func(s string) []any {
			l := []any{}
			if err := json.Unmarshal([]byte(s), &l); err != nil {
				l = []any{err.Error()}
			}
			return l
		},
		"toToml":        func(any) (string, error) { return "", noTOML },
		"fromToml":      func(string) (map[string]any, error) { return nil, noTOML },
		"lookup":        func(string, string, string, string) map[string]any { return map[string]any{} },
		"getHostByName": func(string) string { return "" },
	}
}
