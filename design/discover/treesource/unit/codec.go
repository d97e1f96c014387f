package unit

import (
	"encoding/binary"
	"errors"
)

// Append appends the file's encoding to b: strings once in a table, numbers as
// varints.
func (f *File) Append(b []byte) []byte {
	w := &writer{at: map[string]uint64{}}
	w.file(f)
	b = binary.AppendUvarint(b, uint64(len(w.table)))
	for _, s := range w.table {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return append(b, w.b...)
}

// Decode reads what [File.Append] wrote.
func Decode(b []byte) (*File, error) {
	r := &reader{b: b}
	n := r.count()
	all := string(b)
	r.table = make([]string, 0, n)
	for range n {
		l := r.count()
		at := len(b) - len(r.b)
		if r.err != nil {
			break
		}
		r.table = append(r.table, all[at:at+l])
		r.b = r.b[l:]
	}
	f := &File{}
	r.file(f)
	if r.err == nil && len(r.b) > 0 {
		r.err = errBad
	}
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

var errBad = errors.New("not what this version keeps of a source file")

// codec is a writer or a reader: one description of the fields serves both.
type codec interface {
	num(*int)
	num32(*int32)
	byte(*uint8)
	flag(*bool)
	text(*string)
}

type writer struct {
	b     []byte
	at    map[string]uint64
	table []string
}

func (w *writer) num(n *int)     { w.b = binary.AppendUvarint(w.b, uint64(max(0, *n))) } //nolint:gosec // not negative
func (w *writer) num32(n *int32) { w.b = binary.AppendUvarint(w.b, uint64(max(0, *n))) } //nolint:gosec // not negative
func (w *writer) byte(n *uint8)  { w.b = append(w.b, *n) }
func (w *writer) file(f *File) {
	fileFields(w, f)
	writeAll(w, f.Imports, importFields)
	writeAll(w, f.Types, w.typ)
}
func (w *writer) marks(ms []Mark)  { writeAll(w, ms, w.mark) }
func (w *writer) names(s []string) { writeAll(w, s, func(c codec, s *string) { c.text(s) }) }

func (w *writer) flag(b *bool) {
	n := byte(0)
	if *b {
		n = 1
	}
	w.b = append(w.b, n)
}

func (w *writer) text(s *string) {
	i, ok := w.at[*s]
	if !ok {
		i = uint64(len(w.table))
		w.at[*s] = i
		w.table = append(w.table, *s)
	}
	w.b = binary.AppendUvarint(w.b, i)
}

func writeAll[T any](w *writer, list []T, each func(codec, *T)) {
	w.b = binary.AppendUvarint(w.b, uint64(len(list)))
	for i := range list {
		each(w, &list[i])
	}
}

func fileFields(c codec, f *File) {
	c.text(&f.Path)
	c.text(&f.Lang)
	c.text(&f.Package)
	c.num(&f.Lines)
	c.num(&f.Broken)
	c.flag(&f.Test)
	c.flag(&f.Made)
}

func importFields(c codec, i *Import) {
	c.text(&i.Package)
	c.text(&i.Name)
	c.text(&i.Alias)
	c.flag(&i.Static)
}

func typeFields(c codec, t *Type) {
	c.text(&t.Name)
	c.text(&t.Kind)
	c.num(&t.Line)
	c.num(&t.Col)
	c.num(&t.Lines)
	c.flag(&t.Abstract)
}

func methodFields(c codec, m *Method) {
	c.text(&m.Name)
	c.text(&m.Result)
	c.num(&m.Line)
	c.num(&m.Col)
	c.num(&m.Lines)
	c.flag(&m.Bare)
	c.flag(&m.Static)
	c.flag(&m.Async)
	c.flag(&m.Internal)
}

func fieldFields(c codec, f *Field) {
	c.text(&f.Name)
	c.text(&f.Type)
	c.num(&f.Line)
	c.flag(&f.Fixed)
}

func (w *writer) typ(c codec, t *Type) {
	typeFields(c, t)
	w.names(t.Params)
	w.names(t.Supers)
	w.marks(t.Marks)
	writeAll(w, t.Fields, func(c codec, f *Field) {
		fieldFields(c, f)
		w.marks(f.Marks)
		w.expr(f.Init)
	})
	writeAll(w, t.Methods, func(c codec, m *Method) {
		methodFields(c, m)
		writeAll(w, m.Params, w.param)
		w.marks(m.Marks)
		w.body(m.Body)
	})
}

func (w *writer) mark(c codec, m *Mark) {
	c.text(&m.Name)
	c.num(&m.Line)
	writeAll(w, m.Args, func(c codec, a *Arg) {
		c.text(&a.Name)
		w.expr(&a.Value)
	})
}

func (w *writer) param(c codec, p *Param) {
	c.text(&p.Name)
	c.text(&p.Type)
	w.marks(p.Marks)
}

func (w *writer) body(b []Stmt) {
	writeAll(w, b, func(c codec, s *Stmt) {
		c.byte(&s.Kind)
		c.num32(&s.Line)
		c.text(&s.Name)
		c.text(&s.Type)
		w.expr(s.X)
		w.body(s.Body)
	})
}

// none marks an expression that is not there.
const none = 0xff

func (w *writer) expr(e *Expr) {
	if e == nil {
		w.b = append(w.b, none)
		return
	}
	w.byte(&e.Kind)
	w.num32(&e.Line)
	w.text(&e.Text)
	w.expr(e.X)
	writeAll(w, e.Args, func(_ codec, a *Expr) { w.expr(a) })
	if e.Fn == nil {
		w.b = append(w.b, 0)
		return
	}
	w.b = append(w.b, 1)
	w.text(&e.Fn.Name)
	w.flag(&e.Fn.Async)
	writeAll(w, e.Fn.Params, w.param)
	w.body(e.Fn.Body)
}

type reader struct {
	b     []byte
	batch []Expr
	table []string
	depth int
	err   error
}

// depthMax of expressions and bodies: extraction stops far above it.
const depthMax = 10_000

// count reads a length. Nothing is shorter than a byte, so no count is larger
// than what is left: a torn file cannot make a reader ask for memory.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n) //nolint:gosec // just bounded
}

func (r *reader) fail() { r.err, r.b = errBad, nil }

func (r *reader) uint() uint64 {
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

func (r *reader) num(n *int)     { *n = int(r.uint() & 0x7fffffff) }   //nolint:gosec // masked
func (r *reader) num32(n *int32) { *n = int32(r.uint() & 0x7fffffff) } //nolint:gosec // masked
func (r *reader) flag(b *bool)   { var n uint8; r.byte(&n); *b = n == 1 }

func (r *reader) byte(n *uint8) {
	if len(r.b) == 0 {
		r.fail()
		return
	}
	*n, r.b = r.b[0], r.b[1:]
}

func (r *reader) text(s *string) {
	i := r.uint()
	if i >= uint64(len(r.table)) {
		r.fail()
		return
	}
	*s = r.table[i]
}

func readAll[T any](r *reader, list *[]T, each func(codec, *T)) {
	n := r.count()
	if n == 0 {
		return
	}
	*list = make([]T, n) // no more than there are bytes left
	for i := 0; i < n && r.err == nil; i++ {
		each(r, &(*list)[i])
	}
}

func (r *reader) file(f *File) {
	fileFields(r, f)
	readAll(r, &f.Imports, importFields)
	readAll(r, &f.Types, r.typ)
}

func (r *reader) typ(c codec, t *Type) {
	typeFields(c, t)
	text := func(c codec, s *string) { c.text(s) }
	readAll(r, &t.Params, text)
	readAll(r, &t.Supers, text)
	readAll(r, &t.Marks, r.mark)
	readAll(r, &t.Fields, func(c codec, f *Field) {
		fieldFields(c, f)
		readAll(r, &f.Marks, r.mark)
		f.Init = r.expr()
	})
	readAll(r, &t.Methods, func(c codec, m *Method) {
		methodFields(c, m)
		readAll(r, &m.Params, r.param)
		readAll(r, &m.Marks, r.mark)
		readAll(r, &m.Body, r.stmt)
	})
}

func (r *reader) mark(c codec, m *Mark) {
	c.text(&m.Name)
	c.num(&m.Line)
	readAll(r, &m.Args, func(c codec, a *Arg) {
		c.text(&a.Name)
		r.value(c, &a.Value)
	})
}

func (r *reader) param(c codec, p *Param) {
	c.text(&p.Name)
	c.text(&p.Type)
	readAll(r, &p.Marks, r.mark)
}

func (r *reader) stmt(c codec, s *Stmt) {
	if r.depth++; r.depth > depthMax {
		r.fail()
	}
	c.byte(&s.Kind)
	c.num32(&s.Line)
	c.text(&s.Name)
	c.text(&s.Type)
	s.X = r.expr()
	readAll(r, &s.Body, r.stmt)
	r.depth--
}

// expr reads an expression that may be missing. Expressions are made by the batch:
// a million lines hold millions.
func (r *reader) expr() *Expr {
	if len(r.b) > 0 && r.b[0] == none {
		r.b = r.b[1:]
		return nil
	}
	if len(r.batch) == 0 {
		r.batch = make([]Expr, min(64, len(r.b)/4+1))
	}
	e := &r.batch[0]
	r.batch = r.batch[1:]
	r.value(nil, e)
	return e
}

func (r *reader) value(_ codec, e *Expr) {
	r.byte(&e.Kind)
	if r.err != nil || e.Kind == none {
		*e = Expr{}
		return
	}
	if r.depth++; r.depth > depthMax {
		r.fail()
	}
	defer func() { r.depth-- }()
	r.num32(&e.Line)
	r.text(&e.Text)
	e.X = r.expr()
	readAll(r, &e.Args, r.value)
	var has bool
	if r.flag(&has); has {
		e.Fn = &Fn{}
		r.text(&e.Fn.Name)
		r.flag(&e.Fn.Async)
		readAll(r, &e.Fn.Params, r.param)
		readAll(r, &e.Fn.Body, r.stmt)
	}
}
