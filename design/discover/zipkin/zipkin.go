// Package zipkin is the source that reads Zipkin's JSON of version 2.
package zipkin

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
	format "github.com/ashlar-dev/ashlar/formats/zipkin"
)

// New returns the source.
func New() discover.Source { return source{} }

type source struct{}

var _ discover.Relater = source{}

func (source) Name() string        { return "zipkin" }
func (source) Origin() arch.Origin { return arch.Trace }

// Match: JSON whose spans have traceId and an endpoint.
func (source) Match(h discover.Head) bool {
	b := traces.Peek(h.First)
	return traces.JSON(b) && traces.Has(b, `"traceId"`) && traces.Has(b, `"localEndpoint"`, `"remoteEndpoint"`) && !traces.Has(b, `"resourceSpans"`)
}

func (source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	traces.Register(in, out, "zipkin traces", decode)
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
	var one traces.Span
	var all []traces.Span
	return format.Read(r, nil, format.Handler{
		Span: func(s *format.Span) error {
			if err := convert(s, &one); err != nil {
				f.Fault(err)
				return nil
			}
			return to.Span(&one)
		},
		Trace: func(spans []format.Span) error {
			all = all[:0]
			for i := range spans {
				var s traces.Span
				if err := convert(&spans[i], &s); err != nil {
					f.Fault(err)
					continue
				}
				all = append(all, s)
			}
			if len(all) == 0 {
				return nil
			}
			return to.Trace(all[0].Trace, all)
		},
		Fault: func(e *jsonstream.Fault) { f.Fault(e) },
	})
}

func convert(s *format.Span, out *traces.Span) (err error) {
	*out = traces.Span{Start: s.Timestamp * 1000, Duration: s.Duration * 1000, Service: s.LocalEndpoint.ServiceName, Name: s.Name,
		Kind: traces.ParseKind(s.Kind), Shared: s.Shared && s.Kind == "SERVER", Attrs: out.Attrs[:0]}
	if out.Trace, err = traces.ParseTraceID(s.TraceID); err != nil {
		return err
	}
	if out.ID, err = traces.ParseSpanID(s.ID); err != nil {
		return err
	}
	if s.ParentID != "" {
		if out.Parent, err = traces.ParseSpanID(s.ParentID); err != nil {
			return err
		}
	}
	if p := s.RemoteEndpoint.ServiceName; p != "" && s.Kind != "SERVER" && s.Kind != "CONSUMER" {
		out.Attrs = append(out.Attrs, traces.Attr{Key: traces.PeerService, Value: p})
	}
	for _, name := range arch.Sorted(s.Tags) { // two names of one meaning: the same one wins each time
		k, v := traces.KeyOf(name), s.Tags[name]
		if name == "error" {
			k, v = traces.ErrorFlag, "true" // its value is a message
		}
		if k != traces.NoKey {
			out.Attrs = append(out.Attrs, traces.Attr{Key: k, Value: v})
		}
	}
	return nil
}
