package eventstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

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
func (m *Metadata) inherit(ctx context.Context, id string) {
	from, _ := ctx.Value(causeKey{}).(Metadata)
	if m.Correlation == "" {
		m.Correlation = from.Correlation
	}
	if m.Causation == "" {
		m.Causation = from.Causation
	}
	if m.Correlation == "" {
		m.Correlation = id
	}
}

// newID returns a UUID of version 7: time first, so that indexes grow at one end.
func newID() string {
	var u [16]byte
	_, _ = rand.Read(u[6:]) // never fails; see crypto/rand
	ms := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint32(u[0:], uint32(ms>>16))
	binary.BigEndian.PutUint16(u[4:], uint16(ms))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:])
}
