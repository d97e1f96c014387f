package keep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"slices"
)

// Codec writes and reads values of one type T: plain data made of structs, slices,
// maps by strings, pointers, texts, numbers and truths, all fields exported. Every
// text is written once. What was written for a T of another shape is refused, so
// that a changed struct needs no version of its own.
//
// A nil and an empty slice or map are one: both are read as nil.
type Codec[T any] struct {
	root  *plan
	shape uint64
}

// NewCodec prepares a codec. It panics where T is no plain data, which the first
// test shows.
func NewCodec[T any]() *Codec[T] {
	t := reflect.TypeFor[T]()
	ps := plans{}
	c := &Codec[T]{root: ps.of(t)}
	h := fnv.New64a()
	_, _ = h.Write([]byte(shape(t, map[reflect.Type]bool{})))
	c.shape = h.Sum64()
	return c
}

// Append appends the value's encoding to b.
func (c *Codec[T]) Append(b []byte, v *T) []byte {
	w := &encoder{at: map[string]uint64{}}
	c.root.write(w, reflect.ValueOf(v).Elem())
	b = binary.LittleEndian.AppendUint64(b, c.shape)
	b = binary.AppendUvarint(b, uint64(len(w.table)))
	for _, s := range w.table {
		b = binary.AppendUvarint(b, uint64(len(s)))
	}
	for _, s := range w.table {
		b = append(b, s...)
	}
	return append(b, w.b...)
}

var errBad = errors.New("not what this version keeps")

// Decode reads what [Codec.Append] wrote.
func (c *Codec[T]) Decode(b []byte) (*T, error) {
	if len(b) < 8 || binary.LittleEndian.Uint64(b) != c.shape {
		return nil, errBad
	}
	r := &decoder{b: b[8:]}
	lens := make([]int, r.count())
	total := 0
	for i := range lens {
		lens[i] = r.count()
		total += lens[i]
	}
	if r.err != nil || total > len(r.b) {
		return nil, errBad
	}
	all := string(r.b[:total])
	r.b = r.b[total:]
	r.table = make([]string, len(lens))
	for i, n := range lens {
		r.table[i], all = all[:n], all[n:]
	}
	v := new(T)
	c.root.read(r, reflect.ValueOf(v).Elem())
	if r.err != nil || len(r.b) > 0 {
		return nil, errBad
	}
	return v, nil
}

type encoder struct {
	b     []byte
	at    map[string]uint64
	table []string
}

func (w *encoder) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *encoder) text(s string) {
	i, ok := w.at[s]
	if !ok {
		i = uint64(len(w.table))
		w.at[s] = i
		w.table = append(w.table, s)
	}
	w.uint(i)
}

type decoder struct {
	b     []byte
	table []string
	depth int
	err   error
}

func (r *decoder) fail() { r.err, r.b = errBad, nil }

func (r *decoder) uint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // most are
		n := r.b[0]
		r.b = r.b[1:]
		return uint64(n)
	}
	n, l := binary.Uvarint(r.b)
	if l <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[l:]
	return n
}

// count reads a length. Nothing takes less than a byte, so that a torn entry cannot
// ask for more than there is.
func (r *decoder) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n) //nolint:gosec // just bounded
}

func (r *decoder) text() string {
	i := r.uint()
	if i >= uint64(len(r.table)) {
		r.fail()
		return ""
	}
	return r.table[i]
}

// plan is how values of one type are written and read.
type plan struct {
	write func(*encoder, reflect.Value)
	read  func(*decoder, reflect.Value)
}

type plans map[reflect.Type]*plan

// depthMax bounds how deep values nest: a torn entry must not exhaust the stack.
const depthMax = 1000

func (ps plans) of(t reflect.Type) *plan {
	if p := ps[t]; p != nil {
		return p
	}
	p := &plan{}
	ps[t] = p // types may hold themselves
	switch t.Kind() {
	case reflect.Bool:
		p.write = func(w *encoder, v reflect.Value) {
			n := byte(0)
			if v.Bool() {
				n = 1
			}
			w.b = append(w.b, n)
		}
		p.read = func(r *decoder, v reflect.Value) { v.SetBool(r.uint() == 1) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.write = func(w *encoder, v reflect.Value) { w.b = binary.AppendVarint(w.b, v.Int()) }
		p.read = func(r *decoder, v reflect.Value) {
			n := r.uint()
			v.SetInt(int64(n>>1) ^ -int64(n&1)) //nolint:gosec // zigzag, as AppendVarint writes it
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		p.write = func(w *encoder, v reflect.Value) { w.uint(v.Uint()) }
		p.read = func(r *decoder, v reflect.Value) { v.SetUint(r.uint()) }
	case reflect.Float64:
		p.write = func(w *encoder, v reflect.Value) { w.uint(math.Float64bits(v.Float())) }
		p.read = func(r *decoder, v reflect.Value) { v.SetFloat(math.Float64frombits(r.uint())) }
	case reflect.String:
		p.write = func(w *encoder, v reflect.Value) { w.text(v.String()) }
		p.read = func(r *decoder, v reflect.Value) { v.SetString(r.text()) }
	case reflect.Pointer:
		ps.pointer(p, t)
	case reflect.Slice:
		ps.slice(p, t)
	case reflect.Map:
		ps.dict(p, t)
	case reflect.Struct:
		ps.record(p, t)
	default:
		panic(fmt.Sprintf("keep: %s is no plain data", t))
	}
	return p
}

func (ps plans) pointer(p *plan, t reflect.Type) {
	to := ps.of(t.Elem())
	p.write = func(w *encoder, v reflect.Value) {
		if v.IsNil() {
			w.b = append(w.b, 0)
			return
		}
		w.b = append(w.b, 1)
		to.write(w, v.Elem())
	}
	p.read = func(r *decoder, v reflect.Value) {
		if r.depth++; r.depth > depthMax {
			r.fail()
		}
		if r.uint() == 1 && r.err == nil {
			v.Set(reflect.New(t.Elem()))
			to.read(r, v.Elem())
		}
		r.depth--
	}
}

func (ps plans) slice(p *plan, t reflect.Type) {
	of := ps.of(t.Elem())
	p.write = func(w *encoder, v reflect.Value) {
		w.uint(uint64(v.Len())) //nolint:gosec // a length
		for i := range v.Len() {
			of.write(w, v.Index(i))
		}
	}
	p.read = func(r *decoder, v reflect.Value) {
		n := r.count()
		if n == 0 {
			return
		}
		if r.depth++; r.depth > depthMax {
			r.fail()
			return
		}
		v.Set(reflect.MakeSlice(t, n, n))
		for i := 0; i < n && r.err == nil; i++ {
			of.read(r, v.Index(i))
		}
		r.depth--
	}
}

func (ps plans) dict(p *plan, t reflect.Type) {
	if t.Key().Kind() != reflect.String {
		panic(fmt.Sprintf("keep: %s is not by strings", t))
	}
	of := ps.of(t.Elem())
	p.write = func(w *encoder, v reflect.Value) {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int {
			if a.String() < b.String() {
				return -1
			}
			return 1
		})
		w.uint(uint64(len(keys)))
		for _, k := range keys {
			w.text(k.String())
			of.write(w, v.MapIndex(k))
		}
	}
	p.read = func(r *decoder, v reflect.Value) {
		n := r.count()
		if n == 0 {
			return
		}
		if r.depth++; r.depth > depthMax {
			r.fail()
			return
		}
		v.Set(reflect.MakeMapWithSize(t, n))
		for i := 0; i < n && r.err == nil; i++ {
			k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			k.SetString(r.text())
			of.read(r, e)
			v.SetMapIndex(k, e)
		}
		r.depth--
	}
}

func (ps plans) record(p *plan, t reflect.Type) {
	fields := make([]*plan, t.NumField())
	for i := range fields {
		if !t.Field(i).IsExported() {
			panic(fmt.Sprintf("keep: %s.%s is not exported", t, t.Field(i).Name))
		}
		fields[i] = ps.of(t.Field(i).Type)
	}
	p.write = func(w *encoder, v reflect.Value) {
		for i, f := range fields {
			f.write(w, v.Field(i))
		}
	}
	p.read = func(r *decoder, v reflect.Value) {
		for i, f := range fields {
			f.read(r, v.Field(i))
		}
	}
}

// shape writes a type out, down to what its fields are called.
func shape(t reflect.Type, open map[reflect.Type]bool) string {
	s := t.Kind().String()
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return s + "(" + shape(t.Elem(), open) + ")"
	case reflect.Map:
		return s + "(" + shape(t.Elem(), open) + ")"
	case reflect.Struct:
		if s += " " + t.Name(); open[t] {
			return s
		}
		open[t] = true
		for i := range t.NumField() {
			s += " " + t.Field(i).Name + ":" + shape(t.Field(i).Type, open)
		}
		delete(open, t)
		return s + ";"
	default:
		return s
	}
}
