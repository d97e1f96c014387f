package policy

import "sync/atomic"

// swap holds a configuration that readers take without a lock.
type swap[T any] struct{ p atomic.Pointer[T] }

func (s *swap[T]) store(v T) { s.p.Store(&v) }
func (s *swap[T]) load() T   { return *s.p.Load() }
func (s *swap[T]) get() *T   { return s.p.Load() }
