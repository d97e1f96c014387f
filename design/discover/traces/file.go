package traces

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// File is a file of spans that a source has registered. Sources of traces read
// their files together, in Relate, since a trace may be spread over several.
type File struct {
	Path   string
	open   discover.Opener
	decode Decoder
	faults []error
	count  int
	first  int64 // start of its first span
}

// Decoder reads a file and gives its spans to the taker, whose errors it returns.
// It is called more than once for a file.
type Decoder func(ctx context.Context, f *File, to Taker) error

// Taker takes what a file holds. Nothing is kept of spans when it returns.
type Taker interface {
	// Span takes a span of an interleaved stream.
	Span(s *Span) error
	// Trace takes all spans of a trace.
	Trace(id TraceID, spans []Span) error
}

// Register hands a file to [Relate]; sources call it in Read.
func Register(in *discover.Input, out discover.Sink, kind string, d Decoder) {
	out.Document(discover.Document{Path: in.Path, Kind: kind, Name: in.Base, Value: &File{Path: in.Path, open: in.Open, decode: d}})
}

// Relate reads the files that a source has registered and puts out one System.
// Files are read side by side in the order of the spans' times, so that traces
// come together whether files are the turns of one log or one per service.
func Relate(ctx context.Context, by string, ev *discover.Evidence, out discover.Sink) error {
	var files []*File
	for _, d := range ev.Documents {
		if f, ok := d.Value.(*File); ok && d.Source == by {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil
	}
	a := New(nil)
	to := into{ctx, a}
	if len(files) == 1 {
		files[0].read(ctx, to)
	} else {
		sideBySide(ctx, files, to)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s, err := a.System(Witness{By: by})
	if err != nil {
		return err
	}
	for _, f := range files {
		for _, err := range f.faults {
			out.Skip(f.Path, by+": "+doc.Redact(err.Error()))
		}
		if f.count > maxFaults {
			out.Skip(f.Path, fmt.Sprintf("%s: %d more faults", by, f.count-maxFaults))
		}
	}
	for _, why := range a.Stats().complaints() {
		out.Skip(by, why)
	}
	out.System(s)
	return nil
}

// complaints say what a reader of the result should know.
func (s Stats) complaints() (out []string) {
	for _, c := range []struct {
		n    int64
		what string
	}{
		{s.Cut, "%d spans were left out: their traces are larger than the limit"},
		{s.Evicted, "%d traces were closed early: too many were open at once"},
		{s.Lumped, "%d names of operations were given up: there are too many different ones"},
		{s.Unnamed, "%d calls were left out: nothing in their spans says what they reach"},
	} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf(c.what, c.n))
		}
	}
	return out
}

// into feeds an aggregate.
type into struct {
	ctx context.Context
	a   *Aggregate
}

func (t into) Span(s *Span) error {
	t.a.Add(s)
	if len(t.a.asm.waiting) == 0 {
		return t.ctx.Err()
	}
	return nil
}

func (t into) Trace(id TraceID, spans []Span) error {
	t.a.AddTrace(id, spans)
	return t.ctx.Err()
}

// maxFaults of one file are listed.
const maxFaults = 20

// Fault notes what is wrong with a part of the file; the rest counts.
func (f *File) Fault(err error) {
	if f.count++; f.count <= maxFaults {
		f.faults = append(f.faults, err)
	}
}

var errStop = errors.New("stop")

// read decodes the file; a panic over an odd one must not end the run.
func (f *File) read(ctx context.Context, to Taker) {
	f.faults, f.count = nil, 0
	defer func() {
		if p := recover(); p != nil {
			f.Fault(fmt.Errorf("this file broke its reader (%v); please report it", p))
		}
	}()
	if err := f.decode(ctx, f, to); err != nil && !errors.Is(err, errStop) {
		f.Fault(err)
	}
}

// item is what a decoder gives at once.
type item struct {
	span  *Span
	id    TraceID
	spans []Span
}

func (i item) start() int64 {
	switch {
	case i.span != nil:
		return i.span.Start
	case len(i.spans) > 0:
		return i.spans[0].Start
	}
	return 0
}

func (i item) give(to Taker) error {
	if i.span != nil {
		return to.Span(i.span)
	}
	return to.Trace(i.id, i.spans)
}

// yielder turns what a decoder gives into a sequence.
type yielder func(item) bool

func (y yielder) Span(s *Span) error {
	if !y(item{span: s}) {
		return errStop
	}
	return nil
}

func (y yielder) Trace(id TraceID, spans []Span) error {
	if !y(item{id: id, spans: spans}) {
		return errStop
	}
	return nil
}

func (f *File) items(ctx context.Context) iter.Seq[item] {
	return func(yield func(item) bool) { f.read(ctx, yielder(yield)) }
}

// cursor is a place in a file that is open.
type cursor struct {
	index int
	head  item
	next  func() (item, bool)
	stop  func()
}

// maxOpen bounds the files that are open at once; more wait until one is done.
const maxOpen = 128

// sideBySide merges the files by the times at which their spans start.
func sideBySide(ctx context.Context, files []*File, to Taker) {
	for _, f := range files {
		for i := range f.items(ctx) {
			f.first = i.start()
			break
		}
	}
	waiting := slices.Clone(files)
	slices.SortStableFunc(waiting, func(x, y *File) int { return cmp.Compare(x.first, y.first) })
	var active []*cursor
	defer func() {
		for _, c := range active {
			c.stop()
		}
	}()
	for at := 0; ctx.Err() == nil; {
		for at < len(waiting) && len(active) < maxOpen && (len(active) == 0 || waiting[at].first <= active[0].head.start()) {
			c := &cursor{index: at}
			c.next, c.stop = iter.Pull(waiting[at].items(ctx))
			at++
			active = advance(append(active, c), len(active))
		}
		if len(active) == 0 {
			if at < len(waiting) {
				continue // the file had nothing
			}
			return
		}
		if active[0].head.give(to) != nil {
			return
		}
		active = advance(active, 0)
	}
}

// advance reads the next item of the cursor at i and puts it in its place; one
// that is done goes.
func advance(active []*cursor, i int) []*cursor {
	c := active[i]
	active = slices.Delete(active, i, i+1)
	var ok bool
	if c.head, ok = c.next(); !ok {
		c.stop()
		return active
	}
	place, _ := slices.BinarySearchFunc(active, c, func(x, y *cursor) int {
		return cmp.Or(cmp.Compare(x.head.start(), y.head.start()), cmp.Compare(x.index, y.index))
	})
	return slices.Insert(active, place, c)
}

// Reader opens the file, decompressed.
func (f *File) Reader() (io.ReadCloser, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(r, 64<<10)
	type readCloser struct {
		io.Reader
		io.Closer
	}
	if magic, _ := br.Peek(2); !bytes.Equal(magic, gzipMagic) {
		return readCloser{br, r}, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return readCloser{z, r}, nil
}

var gzipMagic = []byte{0x1f, 0x8b}

// Peek is the beginning of a file as Match needs it: decompressed, as far as the
// first bytes go.
func Peek(first []byte) []byte {
	if !bytes.HasPrefix(first, gzipMagic) {
		return first
	}
	z, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(z, discover.HeadSize)) // it ends where first does
	return b
}

// JSON reports whether b begins like JSON.
func JSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// Has reports whether b holds any of the words.
func Has(b []byte, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(b, []byte(w)) })
}
