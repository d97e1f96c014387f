package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxSecret bounds a secret's file, in bytes.
const maxSecret = 1 << 20

// SecretOptions of [OpenSecret]; nil and the zero value are the default.
type SecretOptions struct {
	// Check is how often the file is looked at, at most; default 5 s.
	Check time.Duration
	// Private refuses a file that others than its owner may read. Off by default:
	// secrets that Kubernetes mounts are readable within their container.
	Private bool
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Secret is a secret in a file, read again when the file changes: an
// orchestrator that rotates it need not restart the process. It watches nothing
// in the background; whoever asks looks, at most every Check. While the file is
// missing or empty the last good value counts.
//
// It never shows itself: printed, logged or encoded it is "[redacted]".
type Secret struct {
	path string
	opts SecretOptions

	value atomic.Pointer[version]
	mu    sync.Mutex // one looks, the others take what is there
	trust stamp      // of the file that value was read from
	err   error      // why the last look failed; nil: it did not
}

// version of a secret: what it was and the how-manieth.
type version struct {
	value []byte
	n     uint64
	next  time.Time // to look at the file
}

// stamp tells versions of a file apart without reading it. Kubernetes swaps a
// link, so the file's identity counts beside its time and size.
type stamp struct {
	info os.FileInfo
}

func (s stamp) same(o os.FileInfo) bool {
	return s.info != nil && os.SameFile(s.info, o) && s.info.ModTime().Equal(o.ModTime()) && s.info.Size() == o.Size()
}

// OpenSecret reads a secret. White space at its end is not part of it.
func OpenSecret(path string, opts *SecretOptions) (*Secret, error) {
	s := &Secret{path: path}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Check < 0 {
		return nil, fmt.Errorf("auth: SecretOptions.Check %s is negative", s.opts.Check)
	}
	def(&s.opts.Check, 5*time.Second)
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	s.mu.Lock()
	s.lookLocked(s.opts.Now())
	s.mu.Unlock()
	if s.value.Load() == nil {
		return nil, s.err
	}
	return s, nil
}

// Reveal returns the secret as it is now.
func (s *Secret) Reveal() string { return string(s.current().value) }

// Version counts the values that the file has had, from 1: who derives
// something from the secret compares it.
func (s *Secret) Version() uint64 { return s.current().n }

// Trouble returns why the file could not be read when it was last looked at.
func (s *Secret) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Secret) current() *version {
	v := s.value.Load()
	if now := s.opts.Now(); !now.Before(v.next) && s.mu.TryLock() {
		s.lookLocked(now)
		s.mu.Unlock()
		v = s.value.Load()
	}
	return v
}

func (s *Secret) lookLocked(now time.Time) {
	old := s.value.Load()
	if old != nil && now.Before(old.next) {
		return // another was faster
	}
	value, err := s.read()
	s.err = err
	switch {
	case old == nil && err != nil:
		return
	case old == nil:
		s.value.Store(&version{value: value, n: 1, next: now.Add(s.opts.Check)})
	case err != nil || value == nil || bytes.Equal(value, old.value):
		s.value.Store(&version{value: old.value, n: old.n, next: now.Add(s.opts.Check)})
	default:
		s.value.Store(&version{value: value, n: old.n + 1, next: now.Add(s.opts.Check)})
	}
}

// read returns the file's value; nil without an error when it has not changed.
func (s *Secret) read() ([]byte, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("auth: secret: %w", err)
	}
	if s.trust.same(info) {
		return nil, nil
	}
	if s.opts.Private && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("auth: secret %s is open to others (%s); make it 0600", s.path, info.Mode().Perm())
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("auth: secret: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("auth: secret: %w", err)
	}
	if len(b) > maxSecret {
		return nil, fmt.Errorf("auth: secret %s has more than %d bytes", s.path, maxSecret)
	}
	b = bytes.TrimRight(b, " \t\r\n")
	if len(b) == 0 {
		// A file that is written in place is empty for a moment.
		return nil, fmt.Errorf("auth: secret %s is empty", s.path)
	}
	s.trust = stamp{info}
	return b, nil
}

const redacted = "[redacted]"

// String hides the secret.
func (s *Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (s *Secret) GoString() string { return redacted }

// LogValue hides the secret from slog.
func (s *Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from JSON and its like.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// errShort is told of keys that could be guessed.
var errShort = errors.New("shorter than 32 bytes")
