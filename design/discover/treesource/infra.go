package treesource

// infrastructure adds the calls that libraries make on their own.
func (e *emitter) infrastructure() {}
