// Package jaeger is the source that reads Jaeger's JSON exports of traces.
package jaeger

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/jaeger"
)

// New returns the source. Files are read once all are known, so that a trace
// that stands in several exports counts once.
func New() discover.Source { return source{} }

type source struct{}

var _ discover.Relater = source{}

func (source) Name() string        { return "jaeger" }
func (source) Origin() arch.Origin { return arch.Trace }

// Match: JSON that begins like an export, or like a trace. Plain or gzip.
func (source) Match(h discover.Head) bool {
	b := traces.Peek(h.First)
	if !traces.JSON(b) || !traces.Has(b, `"traceID"`) {
		return false
	}
	return traces.Has(b, `"processes"`) || traces.Has(b, `"spans"`) && traces.Has(b, `"spanID"`, `"operationName"`)
}

func (source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	traces.Register(in, out, "jaeger traces", decode)
	return nil
}

func (s source) Relate(ctx context.Context, ev *discover.Evidence, out discover.Sink) error {
	return traces.Relate(ctx, s.Name(), ev, out)
}

// decode gives the spans of a file a trace at a time.
func decode(_ context.Context, f *traces.File, to traces.Taker) error {
	r, err := f.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	var spans []traces.Span
	for t, err := range format.Traces(r, nil) {
		if err != nil {
			return err
		}
		for _, fault := range t.Faults {
			f.Fault(fault)
		}
		id, err := traces.ParseTraceID(t.ID)
		if err != nil {
			f.Fault(err)
			continue
		}
		spans = spans[:0]
		for i := range t.Spans {
			s, err := convert(t, &t.Spans[i])
			if err != nil {
				f.Fault(fmt.Errorf("trace %s: %w", t.ID, err))
				continue
			}
			s.Trace = id
			spans = append(spans, s)
		}
		if err := to.Trace(id, spans); err != nil {
			return err
		}
	}
	return nil
}

func convert(t *format.Trace, s *format.Span) (traces.Span, error) {
	out := traces.Span{Start: s.Start * 1000, Duration: s.Duration * 1000, Name: s.Operation}
	var err error
	if out.ID, err = traces.ParseSpanID(s.SpanID); err != nil {
		return out, err
	}
	if p := s.Parent(); p != "" {
		if out.Parent, err = traces.ParseSpanID(p); err != nil {
			return out, fmt.Errorf("span %s: parent: %w", s.SpanID, err)
		}
	}
	p := t.Processes[s.ProcessID]
	if s.Process != nil {
		p = *s.Process
	}
	out.Service = p.Service
	for _, tag := range s.Tags {
		if k := traces.KeyOf(tag.Key); k != traces.NoKey {
			out.Attrs = append(out.Attrs, traces.Attr{Key: k, Value: tag.Value})
			if k == traces.SpanKind {
				out.Kind = traces.ParseKind(tag.Value)
			}
		}
	}
	return out, nil
}
