package traces

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// File is a file of spans that a source has registered; sources of traces read
// their files together, in Relate, since a trace may be spread over several.
type File struct {
	Path   string
	open   discover.Opener
	decode Decoder
	faults []error
	count  int
}

// Decoder gives the spans of a file to an aggregate.
type Decoder func(ctx context.Context, f *File, a *Aggregate) error

// Register hands a file to Relate.
func Register(_ context.Context, in *discover.Input, out discover.Sink, kind string, d Decoder) error {
	out.Document(discover.Document{Path: in.Path, Kind: kind, Name: in.Base, Value: &File{Path: in.Path, open: in.Open, decode: d}})
	return nil
}

// Reader opens the file, decompressed.
func (f *File) Reader() (io.ReadCloser, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := br.Peek(2); !bytes.Equal(magic, gzipMagic) {
		return struct {
			io.Reader
			io.Closer
		}{br, r}, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{z, r}, nil
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

// Has reports whether b holds any of the words.
func Has(b []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(b, []byte(w)) {
			return true
		}
	}
	return false
}

// maxFaults of one file are listed.
const maxFaults = 20

// Fault notes what is wrong with a part of the file; the rest counts.
func (f *File) Fault(err error) {
	if f.count++; f.count <= maxFaults {
		f.faults = append(f.faults, err)
	}
}

// Relate reads the registered files of one source in the order of their paths
// and puts out one System.
func Relate(ctx context.Context, by string, ev *discover.Evidence, out discover.Sink) error {
	a := New(nil)
	files := 0
	for _, d := range ev.Documents {
		f, ok := d.Value.(*File)
		if !ok || d.Source != by {
			continue
		}
		if err := f.read(ctx, a); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			out.Skip(f.Path, by+": "+doc.Redact(err.Error()))
		}
		for _, err := range f.faults {
			out.Skip(f.Path, by+": "+doc.Redact(err.Error()))
		}
		if f.count > maxFaults {
			out.Skip(f.Path, fmt.Sprintf("%s: %d more faults of this kind", by, f.count-maxFaults))
		}
		files++
	}
	if files == 0 {
		return nil
	}
	s, err := a.System(Witness{By: by})
	if err != nil {
		return err
	}
	out.System(s)
	return nil
}

// read decodes the file; a panic over an odd one must not end the run.
func (f *File) read(ctx context.Context, a *Aggregate) (err error) {
	f.faults, f.count = nil, 0
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this file broke its reader (%v); please report it", p)
		}
	}()
	return f.decode(ctx, f, a)
}
