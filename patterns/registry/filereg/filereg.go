// Package filereg is the registry for one machine without a server: a folder
// that the processes share, one file an instance.
//
// Each process writes the files of its own instances, runs their checks itself
// and renews each file's promise ("counts until") several times a lease. A
// process that dies, however hard, stops renewing; its instances stop passing
// when the lease is over, and any other process of the folder removes the file
// once DeregisterAfter has passed as well. Readers look at the folder every
// Poll. All of them must read the same wall clock: this is one machine.
//
//	DIR/payments/payments-7f3a.json
package filereg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Options of [Open]; the zero value is the default.
type Options struct {
	Poll  time.Duration // between two looks at the folder; default 500 ms
	Lease time.Duration // how long a file counts without being renewed; default 6 s
}

func (o *Options) fill() error {
	var errs []error
	if o.Poll < 0 {
		errs = append(errs, &driver.InvalidError{Field: "Options.Poll", Fault: fmt.Sprintf("%s is negative", o.Poll)})
	}
	if o.Lease < 0 {
		errs = append(errs, &driver.InvalidError{Field: "Options.Lease", Fault: fmt.Sprintf("%s is negative", o.Lease)})
	}
	if o.Poll == 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Lease == 0 {
		o.Lease = 6 * time.Second
	}
	return errors.Join(errs...)
}

// Registry is an open folder.
type Registry struct {
	dir  string
	opts Options

	mu     sync.Mutex
	owned  map[string]*owner // by instance ID
	closed chan struct{}
	once   sync.Once
	wg     sync.WaitGroup
}

var (
	_ driver.Registry  = (*Registry)(nil)
	_ driver.Registrar = (*Registry)(nil)
)

// Open opens a folder, and makes it when it is missing. Whoever may write there
// may have calls sent to any address: it should belong to one user.
func Open(dir string, opts *Options) (*Registry, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.fill(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("registry: folder: %w", err)
	}
	return &Registry{dir: dir, opts: o, owned: map[string]*owner{}, closed: make(chan struct{})}, nil
}

// Close stops renewing: what this process registered and did not deregister
// stops passing when its lease is over.
func (r *Registry) Close() error {
	r.mu.Lock()
	r.once.Do(func() { close(r.closed) })
	r.mu.Unlock()
	r.wg.Wait()
	return nil
}

func (r *Registry) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}

// entry is the content of a file.
type entry struct {
	Instance driver.Instance `json:"instance"`
	Passing  bool            `json:"passing"`
	Note     string          `json:"note,omitempty"`
	Until    time.Time       `json:"until"` // Passing counts until then
	// RemoveAfter past Until the file is litter; 0: never.
	RemoveAfter time.Duration `json:"remove_after,omitempty"`
	PID         int           `json:"pid"`
}

// path of an instance's file. Escaping keeps IDs with slashes inside the folder.
func (r *Registry) path(service, id string) string {
	return filepath.Join(r.dir, escape(service), escape(id)+".json")
}

// escape makes a name safe as a file name; dots are escaped where they alone
// would make up "." or "..", and hide the file.
func escape(name string) string {
	s := url.PathEscape(name)
	if strings.HasPrefix(s, ".") {
		s = "%2E" + s[1:]
	}
	return s
}

// write replaces a file at once, so that no reader sees half of it.
func write(path string, e entry) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// read lists the entries of a service that count now, and removes litter.
func (r *Registry) read(service string, now time.Time) ([]driver.Instance, error) {
	dir := filepath.Join(r.dir, escape(service))
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	var out []driver.Instance // in the order of the file names, which ReadDir sorts
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		path := filepath.Join(dir, f.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			continue // deregistered between the two looks
		}
		var e entry
		if err := json.Unmarshal(b, &e); err != nil {
			return nil, fmt.Errorf("registry: %s is not an entry: %w; remove it or mend it", path, err)
		}
		switch {
		case e.Passing && now.Before(e.Until):
			out = append(out, e.Instance)
		case e.RemoveAfter > 0 && now.After(e.Until.Add(e.RemoveAfter)):
			_ = os.Remove(path) // another process may have been faster
		}
	}
	return out, nil
}

// Known reports whether the instance's file is there and this process owns it.
func (r *Registry) Known(_ context.Context, id string) (bool, error) {
	o := r.owner(id)
	if o == nil {
		return false, nil
	}
	_, err := os.Stat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (r *Registry) owner(id string) *owner {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.owned[id]
}
