package arch

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FactValue is a fact with what a System says about it, as canonical text.
type FactValue struct {
	Fact
	Value string
}

// kindSpec ties a Kind to the struct that holds it.
type kindSpec struct {
	member bool // lives inside another element
	typ    reflect.Type
}

var kinds = map[Kind]kindSpec{
	KindSystem:     {false, reflect.TypeFor[System]()},
	KindCapability: {false, reflect.TypeFor[Capability]()},
	KindContext:    {false, reflect.TypeFor[Context]()},
	KindTeam:       {false, reflect.TypeFor[Team]()},
	KindService:    {false, reflect.TypeFor[Service]()},
	KindOp:         {true, reflect.TypeFor[Operation]()},
	KindStore:      {false, reflect.TypeFor[Store]()},
	KindTable:      {true, reflect.TypeFor[Table]()},
	KindTopic:      {false, reflect.TypeFor[Topic]()},
	KindGateway:    {false, reflect.TypeFor[Gateway]()},
	KindExternal:   {false, reflect.TypeFor[External]()},
	KindSaga:       {false, reflect.TypeFor[Saga]()},
	KindJourney:    {false, reflect.TypeFor[Journey]()},
	KindContract:   {false, reflect.TypeFor[Contract]()},
	KindDeployment: {false, reflect.TypeFor[Deployment]()},
	KindConstraint: {false, reflect.TypeFor[Constraint]()},
	KindLink:       {false, reflect.TypeFor[Link]()},
}

// keyed is an element of a list that is a set by key, with a canonical order or
// (ordered) an order that means something.
type keyed interface{ Key() string }

var (
	keyedType     = reflect.TypeFor[keyed]()
	marshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	orderedTypes  = map[reflect.Type]bool{reflect.TypeFor[Route](): true, reflect.TypeFor[SagaStep](): true}
)

// orderStep is the field below an ordered list that tells its order.
const orderStep = "#order"

// Facts lists everything that the structs of s say, sorted by fact. Existence
// of an element is a fact with At "" and the value "".
func Facts(s System) []FactValue {
	w := &walker{}
	v := reflect.ValueOf(s)
	w.fields(KindSystem.ref(s.Name), "", v)
	slices.SortFunc(w.out, func(a, b FactValue) int { return compareFacts(a.Fact, b.Fact) })
	return w.out
}

func (k Kind) ref(name string) Ref { return Ref(string(k) + "/" + encoder.Replace(name)) }

type walker struct{ out []FactValue }

func (w *walker) emit(of Ref, at Field, v string) {
	w.out = append(w.out, FactValue{Fact{of, at}, v})
}

// fields walks the struct v, which is the element of, or a part of it at at.
func (w *walker) fields(of Ref, at Field, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		fv := v.Field(f.index)
		if f.elements {
			for _, name := range sortedKeys(fv) {
				ref := elementRef(Kind(f.name), of, name)
				w.emit(ref, "", "")
				w.fields(ref, "", fv.MapIndex(reflect.ValueOf(name)))
			}
			continue
		}
		w.value(of, at.Join(f.name), fv)
	}
}

func (w *walker) value(of Ref, at Field, v reflect.Value) {
	t := v.Type()
	switch {
	case isLeaf(t):
		if text, known := formatLeaf(v); known {
			w.emit(of, at, text)
		}
	case t.Kind() == reflect.Pointer:
		if !v.IsNil() {
			w.emit(of, at, "")
			w.fields(of, at, v.Elem())
		}
	case t.Kind() == reflect.Map:
		for _, k := range sortedKeys(v) {
			e := v.MapIndex(reflect.ValueOf(k))
			if isLeaf(t.Elem()) {
				text, _ := formatLeaf(e)
				w.emit(of, at.Join(k), text)
				continue
			}
			w.emit(of, at.Join(k), "")
			w.fields(of, at.Join(k), e)
		}
	case t.Kind() == reflect.Slice:
		var order []string
		for i := range v.Len() {
			k := v.Index(i).Interface().(keyed).Key()
			order = append(order, k)
			w.emit(of, at.Join(k), "")
			w.fields(of, at.Join(k), v.Index(i))
		}
		if orderedTypes[t.Elem()] && len(order) > 0 {
			w.emit(of, at.Join(orderStep), jsonText(order))
		}
	default:
		w.fields(of, at, v)
	}
}

func elementRef(k Kind, parent Ref, key string) Ref {
	switch k {
	case KindOp, KindTable:
		return NewRef(k, parent.Name(), key)
	case KindDeployment:
		return Ref(string(k) + "/" + key)
	}
	return k.ref(key)
}

// field is a struct field that takes part in facts.
type field struct {
	index    int
	name     string
	elements bool // a map of elements with their own Refs
}

func fieldsOf(t reflect.Type) []field {
	if fs, ok := fieldTable[t]; ok {
		return fs
	}
	return scanFields(t)
}

// fieldTable is filled once, before anything reads it, so it needs no lock.
var fieldTable = buildFieldTable()

func buildFieldTable() map[reflect.Type][]field {
	m := map[reflect.Type][]field{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Map || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if _, ok := m[t]; ok || t.Kind() != reflect.Struct || isLeaf(t) {
			return
		}
		m[t] = scanFields(t)
		for _, f := range m[t] {
			add(t.Field(f.index).Type)
		}
	}
	for _, k := range kinds {
		add(k.typ)
	}
	return m
}

func scanFields(t reflect.Type) []field {
	var fs []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("arch")
		if tag == "" || tag == "-" {
			continue
		}
		ft := t.Field(i).Type
		spec, isKind := kinds[Kind(tag)]
		fs = append(fs, field{i, tag, isKind && ft.Kind() == reflect.Map && ft.Elem() == spec.typ})
	}
	return fs
}

// isLeaf reports whether values of t are one fact.
func isLeaf(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return isOpt(t) || t.Implements(marshalerType) || t == stepType
	case reflect.Slice:
		return !t.Elem().Implements(keyedType)
	case reflect.Map, reflect.Pointer:
		return false
	}
	return true
}

func isOpt(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Opt[")
}

// formatLeaf returns the canonical text and whether anything is said.
func formatLeaf(v reflect.Value) (string, bool) {
	if isOpt(v.Type()) {
		text, _ := formatLeaf(v.Field(0))
		return text, v.Field(1).Bool()
	}
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String(), x != 0
	case Step:
		return jsonText(x), !x.IsZero()
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		return string(b), err == nil && len(b) > 0
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), v.Len() > 0
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), v.Bool()
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), v.Int() != 0
	case reflect.Float64:
		return formatFloat(v.Float()), v.Float() != 0
	case reflect.Slice:
		return jsonText(v.Interface()), v.Len() > 0
	}
	panic("arch: no canonical text for " + v.Type().String())
}

// parseLeaf is the inverse of formatLeaf.
func parseLeaf(v reflect.Value, text string) error {
	if isOpt(v.Type()) {
		v.Field(1).SetBool(true)
		return parseLeaf(v.Field(0), text)
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Duration:
		d, err := time.ParseDuration(text)
		*x = d
		return err
	case *Step:
		return json.Unmarshal([]byte(text), x)
	case encoding.TextUnmarshaler:
		return x.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		v.SetFloat(f)
		return err
	case reflect.Slice:
		return json.Unmarshal([]byte(text), v.Addr().Interface())
	}
	return nil
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("arch: " + err.Error()) // only plain data reaches this
	}
	return string(b)
}

func sortedKeys(m reflect.Value) []string {
	ks := make([]string, 0, m.Len())
	for _, k := range m.MapKeys() {
		ks = append(ks, k.String())
	}
	slices.Sort(ks)
	return ks
}

// Assemble builds the System that says exactly these facts; the inverse of
// [Facts]. It joins the faults of all facts that it cannot place.
func Assemble(facts []FactValue) (System, error) {
	facts = slices.Clone(facts)
	slices.SortFunc(facts, func(a, b FactValue) int { return compareFacts(a.Fact, b.Fact) })
	var s System
	root := &node{}
	var faults []error
	for _, f := range facts {
		if err := root.plant(f); err != nil {
			faults = append(faults, err)
		}
	}
	if err := root.build(reflect.ValueOf(&s).Elem()); err != nil {
		faults = append(faults, err)
	}
	return s, joinErrors(faults)
}

// node is a tree of facts in the shape of the structs.
type node struct {
	text string
	set  bool
	fact Fact
	kids map[string]*node
}

func (n *node) kid(name string) *node {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	k := n.kids[name]
	if k == nil {
		k = &node{}
		n.kids[name] = k
	}
	return k
}

func (n *node) plant(f FactValue) error {
	if _, err := ParseRef(string(f.Of)); err != nil {
		return err
	}
	at := n
	switch k := f.Of.Kind(); k {
	case KindSystem:
	case KindOp:
		at = at.kid(string(KindService)).kid(f.Of.Name()).kid(string(k)).kid(f.Of.Member())
	case KindTable:
		at = at.kid(string(KindStore)).kid(f.Of.Name()).kid(string(k)).kid(f.Of.Member())
	case KindDeployment:
		at = at.kid(string(k)).kid(strings.TrimPrefix(string(f.Of), "deployment/"))
	default:
		at = at.kid(string(k)).kid(f.Of.Name())
	}
	for _, s := range f.At.Steps() {
		at = at.kid(s)
	}
	at.text, at.set, at.fact = f.Value, true, f.Fact
	return nil
}

func (n *node) build(v reflect.Value) error {
	t := v.Type()
	switch {
	case isLeaf(t):
		if err := parseLeaf(v, n.text); err != nil {
			return fmt.Errorf("%s: %q: %w", n.fact, n.text, err)
		}
		return nil
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return n.build(v.Elem())
	case t.Kind() == reflect.Map:
		return n.buildMap(v)
	case t.Kind() == reflect.Slice:
		return n.buildList(v)
	}
	var faults []error
	fs := fieldsOf(t)
	for _, name := range Sorted(n.kids) {
		kid := n.kids[name]
		i := slices.IndexFunc(fs, func(f field) bool { return f.name == name })
		if i < 0 {
			faults = append(faults, fmt.Errorf("%s: a %s has no field %q", kid.any(), strings.ToLower(t.Name()), name))
			continue
		}
		if err := kid.build(v.Field(fs[i].index)); err != nil {
			faults = append(faults, err)
		}
	}
	return joinErrors(faults)
}

func (n *node) buildMap(v reflect.Value) error {
	var faults []error
	m := reflect.MakeMapWithSize(v.Type(), len(n.kids))
	for _, k := range Sorted(n.kids) {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := n.kids[k].build(e); err != nil {
			faults = append(faults, err)
		}
		m.SetMapIndex(reflect.ValueOf(k), e)
	}
	v.Set(m)
	return joinErrors(faults)
}

func (n *node) buildList(v reflect.Value) error {
	var faults []error
	keys := Sorted(n.kids)
	if o := n.kids[orderStep]; o != nil {
		var order []string
		if err := json.Unmarshal([]byte(o.text), &order); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", o.fact, err))
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == orderStep })
		place := map[string]int{} // what the order does not know comes last
		for i, k := range order {
			place[k] = i - len(order)
		}
		slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(place[a], place[b]) })
	}
	list := reflect.MakeSlice(v.Type(), len(keys), len(keys))
	for i, k := range keys {
		e := list.Index(i)
		if err := n.kids[k].build(e); err != nil {
			faults = append(faults, err)
		}
		setKey(e.Addr().Interface(), k)
	}
	v.Set(list)
	return joinErrors(faults)
}

// setKey puts back what Key() made of the fields that are not facts themselves.
func setKey(e any, key string) {
	switch x := e.(type) {
	case *Policy:
		x.Layer, x.Env, _ = strings.Cut(key, "@")
	case *Objective:
		if p, ok := strings.CutPrefix(key, "p"); ok {
			x.Percentile, _ = strconv.ParseFloat(p, 64)
		}
	case *Route:
		x.ID = key
	case *SagaStep:
		x.Name = key
	}
}

func (n *node) any() Fact {
	if n.set || len(n.kids) == 0 {
		return n.fact
	}
	return n.kids[Sorted(n.kids)[0]].any()
}
