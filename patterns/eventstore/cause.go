package eventstore

import "context"

type causeKey struct{}

// WithCause returns a context in which appended events carry correlation and
// causation: those of the request that came in.
func WithCause(ctx context.Context, correlation, causation string) context.Context {
	return context.WithValue(ctx, causeKey{}, Metadata{Correlation: correlation, Causation: causation})
}

// Because returns a context in which appended events say that e caused them.
// Use it when handling e.
func Because(ctx context.Context, e Event) context.Context {
	return WithCause(ctx, e.Meta.Correlation, e.ID)
}

// inherit fills in what the appender did not say.
func (m *Metadata) inherit(ctx context.Context) {
	from, _ := ctx.Value(causeKey{}).(Metadata)
	if m.Correlation == "" {
		m.Correlation = from.Correlation
	}
	if m.Causation == "" {
		m.Causation = from.Causation
	}
}
