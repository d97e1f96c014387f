package arch

// Opt is a value that may be unknown. Its zero value is unknown, which is
// neither zero nor "no".
type Opt[T any] struct {
	V     T
	Known bool
}

// Some returns a known value.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, Known: true} }

// Or returns the value, or def when it is unknown.
func (o Opt[T]) Or(def T) T {
	if o.Known {
		return o.V
	}
	return def
}

// Get returns the value and whether it is known.
func (o Opt[T]) Get() (T, bool) { return o.V, o.Known }
