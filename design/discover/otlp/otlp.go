// Package otlp is the source that reads traces of the OpenTelemetry protocol
// from files: protobuf and JSON, plain or gzip; and it feeds what a live receiver
// gets to the same aggregate ([Convert]).
package otlp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
)

// New returns the source.
func New() discover.Source { return source{} }

type source struct{}

var _ discover.Relater = source{}

func (source) Name() string        { return "otlp" }
func (source) Origin() arch.Origin { return arch.Trace }

// Match: JSON with resourceSpans; protobuf, whose first message begins with a
// resource that names its service.
func (source) Match(h discover.Head) bool {
	b := traces.Peek(h.First)
	if traces.JSON(b) {
		return traces.Has(b, `"resourceSpans"`, `"resource_spans"`, `"scopeSpans"`, `"instrumentationLibrarySpans"`)
	}
	if len(b) < 8 || !traces.Has(b, "service.name") || isText(b) {
		return false
	}
	framed := b[0] < format.MaxMessage>>24 && b[4] == 0x0a // behind a length of 4 bytes
	varint := b[1] == 0x0a || b[2] == 0x0a || b[3] == 0x0a
	return b[0] == 0x0a || framed || varint && b[0] >= 0x80
}

// isText: a source file may say service.name, too. IDs and times of spans leave no
// message without control characters.
func isText(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' })
}

func (source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	traces.Register(in, out, "otlp traces", decode)
	return nil
}

func (s source) Relate(ctx context.Context, ev *discover.Evidence, out discover.Sink) error {
	return traces.Relate(ctx, s.Name(), ev, out)
}

func decode(_ context.Context, f *traces.File, to traces.Taker) error {
	r, err := f.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	br := bufio.NewReader(r)
	head, _ := br.Peek(64)
	var c Converter
	each := func(r *format.Resource, s *format.Span) error { return to.Span(c.Convert(r, s)) }
	if traces.JSON(head) {
		return format.JSON(br, each)
	}
	reader := format.Reader{Want: c.Want}
	return reader.Protobuf(br, each)
}

// Want is for [format.Reader.Want]: attributes that mean nothing here are not
// even decoded.
func (c *Converter) Want(key string) uint8 { return uint8(c.keys.Of(key)) }

// Converter makes neutral spans of OTLP's. The zero value is ready; it is not
// safe for concurrent use.
type Converter struct {
	span traces.Span
	keys traces.Keys
}

// Convert returns the span in neutral form; it is good until the next call, and
// as long as s is.
func (c *Converter) Convert(r *format.Resource, s *format.Span) *traces.Span {
	attrs := c.span.Attrs[:0]
	for i := range s.Attributes {
		kv := &s.Attributes[i]
		k := traces.Key(kv.Mark)
		if k == traces.NoKey {
			k = c.keys.Of(kv.Key)
		}
		if k != traces.NoKey {
			if kv.Value.Type == format.String {
				attrs = append(attrs, traces.Attr{Key: k, Value: kv.Value.Str})
			} else {
				attrs = append(attrs, traces.Attr{Key: k, Value: text(kv.Value)})
			}
		}
	}
	// Field by field: a literal would be made elsewhere and copied.
	to := &c.span
	to.Trace, to.ID, to.Parent = s.TraceID, traces.SpanID(binary.BigEndian.Uint64(s.SpanID[:])), traces.SpanID(binary.BigEndian.Uint64(s.ParentID[:]))
	to.Start, to.Duration = int64(s.Start), 0
	to.Service, to.Name, to.Kind, to.Failed, to.Attrs = r.Service(), s.Name, traces.Kind(s.Kind), s.Status == format.StatusError, attrs
	to.Shared, to.Weight = false, 0
	if s.End > s.Start {
		to.Duration = int64(s.End - s.Start)
	}
	if s.State != "" {
		to.Weight = weight(s.State)
	}
	return to
}

// small numbers, status codes above all, as text.
var small = func() (t [600]string) {
	for i := range t {
		t[i] = strconv.Itoa(i)
	}
	return t
}()

func text(v format.Value) string {
	if v.Type == format.Int && v.Num < uint64(len(small)) {
		return small[v.Num]
	}
	return v.Text()
}

// weight reads OpenTelemetry's entry of a W3C trace state: ot=th:T is the
// threshold below which traces were rejected (56 bits, trailing zeros left out),
// ot=p:n of earlier drafts says that 1 in 2^n was kept. 0 when it says nothing.
func weight(state string) float64 {
	for entry := range strings.SplitSeq(state, ",") {
		v, ok := strings.CutPrefix(strings.TrimSpace(entry), "ot=")
		if !ok {
			continue
		}
		for part := range strings.SplitSeq(v, ";") {
			key, val, _ := strings.Cut(part, ":")
			switch key {
			case "th":
				if len(val) < 1 || len(val) > 14 {
					return 0
				}
				t, err := strconv.ParseUint(val+strings.Repeat("0", 14-len(val)), 16, 64)
				if err != nil {
					return 0
				}
				return float64(uint64(1)<<56) / float64(uint64(1)<<56-t)
			case "p":
				if n, err := strconv.Atoi(val); err == nil && n >= 0 && n < 63 {
					return float64(uint64(1) << n)
				}
			}
		}
	}
	return 0
}
