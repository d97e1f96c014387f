package telemetry

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// newLogger builds the chain: redact, then the JSON lines and OTLP.
func (t *Telemetry) newLogger() *slog.Logger {
	local := slog.NewJSONHandler(t.opts.Log, &slog.HandlerOptions{Level: t.opts.LogLevel}).WithAttrs([]slog.Attr{slog.String("service", t.service.Name)})
	return slog.New(&handler{
		redact: newRedactor(t.opts.Redact), local: local, root: local, level: t.opts.LogLevel,
		remote: t.bridge.Logs.Logger(scope), sent: t.opts.OTLP.on(),
	})
}

// handler writes every record twice: as a line with the trace and span of its
// context, and to OpenTelemetry, which takes these from the context itself.
type handler struct {
	redact *redactor
	local  slog.Handler
	root   slog.Handler // local as it was before the first group
	level  slog.Leveler
	remote log.Logger
	sent   bool
	// What With and WithGroup have gathered, redacted, for the remote side: each
	// group holds the attributes that were added in it.
	groups []group
}

type group struct {
	name  string // "": the outermost
	attrs []slog.Attr
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.redact.text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.redact.attr(a))
		return true
	})
	if h.sent {
		h.emit(ctx, clean)
	}
	local := h.local
	if traceID, spanID, sampled := traceOf(ctx); traceID != "" {
		ids := []slog.Attr{slog.String("trace_id", traceID), slog.String("span_id", spanID), slog.Bool("trace_sampled", sampled)}
		if len(h.groups) > 1 {
			// Inside a group the IDs would be the group's: build the line from the root.
			local, clean = h.nest(ids, clean)
		} else {
			clean.AddAttrs(ids...)
		}
	}
	return local.Handle(ctx, clean)
}

// nest returns the record with its open groups spelled out, beside the IDs.
func (h *handler) nest(ids []slog.Attr, r slog.Record) (slog.Handler, slog.Record) {
	var inner []slog.Attr
	r.Attrs(func(a slog.Attr) bool { inner = append(inner, a); return true })
	for _, g := range slices.Backward(h.groups[1:]) {
		inner = []slog.Attr{{Key: g.name, Value: slog.GroupValue(append(slices.Clone(g.attrs), inner...)...)}}
	}
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	out.AddAttrs(ids...)
	out.AddAttrs(inner...)
	return h.root, out
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.redact.attr(a)
	}
	out := *h
	out.local = h.local.WithAttrs(clean)
	if len(h.groups) <= 1 {
		out.root = out.local
	}
	out.groups = slices.Clone(h.groups)
	if len(out.groups) == 0 {
		out.groups = []group{{}}
	}
	last := &out.groups[len(out.groups)-1]
	last.attrs = append(slices.Clone(last.attrs), clean...)
	return &out
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.local = h.local.WithGroup(name)
	out.groups = append(slices.Clone(h.groups), group{name: name})
	if len(h.groups) == 0 {
		out.groups = []group{{}, {name: name}}
	}
	return &out
}

// emit sends a record to OpenTelemetry.
func (h *handler) emit(ctx context.Context, r slog.Record) {
	var out log.Record
	out.SetTimestamp(r.Time)
	out.SetObservedTimestamp(time.Now())
	out.SetBody(attribute.StringValue(r.Message))
	out.SetSeverity(severity(r.Level))
	out.SetSeverityText(r.Level.String())
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	for i := len(h.groups) - 1; i >= 0; i-- {
		g := h.groups[i]
		attrs = append(slices.Clone(g.attrs), attrs...)
		if g.name != "" {
			attrs = []slog.Attr{{Key: g.name, Value: slog.GroupValue(attrs...)}}
		}
	}
	out.AddAttributes(attributes(attrs)...)
	h.remote.Emit(ctx, out)
}

// severity maps slog's levels, four apart, to OpenTelemetry's.
func severity(l slog.Level) log.Severity {
	return log.Severity(min(max(int(l)+9, int(log.SeverityTrace1)), int(log.SeverityFatal4))) // INFO is 0 there, 9 here
}
