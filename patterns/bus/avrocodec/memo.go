package avrocodec

import (
	"context"
	"sync"
)

// memo keeps answers that never change. Callers with the same question share one
// asking; what fails is asked again by the next. The zero value is ready.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]V
	calls map[K]*call[V]
}

type call[V any] struct {
	done chan struct{} // closed when v and err are there
	v    V
	err  error
}

// get returns the answer, or asks. Who waits for another's asking stops with ctx.
func (m *memo[K, V]) get(ctx context.Context, k K, ask func(context.Context) (V, error)) (V, error) {
	m.mu.Lock()
	if v, ok := m.known[k]; ok {
		m.mu.Unlock()
		return v, nil
	}
	if c := m.calls[k]; c != nil {
		m.mu.Unlock()
		select {
		case <-c.done:
			return c.v, c.err
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
	}
	c := &call[V]{done: make(chan struct{})}
	if m.calls == nil {
		m.calls, m.known = map[K]*call[V]{}, map[K]V{}
	}
	m.calls[k] = c
	m.mu.Unlock()
	c.v, c.err = ask(ctx)
	m.mu.Lock()
	delete(m.calls, k)
	if c.err == nil {
		m.known[k] = c.v
	}
	m.mu.Unlock()
	close(c.done)
	return c.v, c.err
}
