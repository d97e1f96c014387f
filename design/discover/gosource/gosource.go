// Package gosource reads Go source code: HTTP and gRPC servers and clients with
// their timeouts, SQL in strings and through gorm, queues, transactions, types and
// who calls whom. It puts out a part of the code graph and, for each main package
// that serves something, a service with its operations and what they touch.
//
// # How it reads
//
// Nothing is executed and nothing is fetched: no go command, no network. Files are
// parsed and type-checked by the standard library, which goes on where code does
// not compile. Declarations of other modules come from the vendor folder or the
// module cache where they are there; of the libraries whose calls mean something
// here, a short declaration of their surface is built in (declared.txt), so that a
// checkout without its dependencies is read as well. Everything else of the outside
// world stays opaque.
//
// # How it knows what a text is
//
// Addresses, topics and statements are seldom written where they are used: they
// pass through parameters, fields of clients and environment variables. Each
// function is summarized by itself, with marks where a value comes from outside
// (its n-th parameter, a field); when all packages are read, the marks are replaced
// by what callers and assignments put there. Summaries are kept by package, so that
// a second run reads only what changed.
//
// # What it does not do
//
// Calls through interfaces lead to every type of the same source that implements
// them (class hierarchy analysis), and a function passed as a value counts as
// called where it is passed. Values are followed through the whole program without
// regard to order: of several assignments to one field all count.
package gosource

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
)

// Name of the source, as it stands in the ledger.
const Name = "gosource"

// maxFile is far more than a file that people wrote has.
const maxFile = 4 << 20

// Options of [New]; nil is the default.
type Options struct {
	// Cache keeps summaries of packages between runs; nil keeps nothing.
	Cache *keep.Store
	// ModCache is the module cache, and GoRoot the Go installation, whose
	// declarations are read; "" finds them as the go command does (GOMODCACHE,
	// GOPATH, GOROOT, go on the PATH), "-" uses none.
	ModCache, GoRoot string
}

// Source reads Go.
type Source struct{ o Options }

// New returns the source.
func New(o *Options) *Source {
	s := &Source{}
	if o != nil {
		s.o = *o
	}
	return s
}

// Name implements discover.Source.
func (*Source) Name() string { return Name }

// Origin implements discover.Source.
func (*Source) Origin() arch.Origin { return arch.Code }

// Match takes Go files, go.mod files and the statements beside them; what is
// vendored belongs to others.
func (*Source) Match(h discover.Head) bool {
	if h.Base == "go.mod" {
		return true
	}
	return (h.Ext == ".go" || h.Ext == ".sql") && !strings.HasPrefix(h.Base, "_") && !strings.HasPrefix(h.Base, ".") &&
		!inFolder(h.Path, "vendor") && !inFolder(h.Path, "testdata")
}

// inFolder reports whether one of the path's folders has the name.
func inFolder(p, name string) bool {
	return strings.HasPrefix(p, name+"/") || strings.Contains(p, "/"+name+"/")
}

// file is a file as it was read; everything else needs all of them.
type file struct {
	path string
	src  []byte
	sum  [sha256.Size]byte
}

// Read keeps the file's text.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxFile)
	if err != nil {
		return err
	}
	out.Document(discover.Document{Kind: "go file", Name: in.Path, Value: &file{in.Path, src, sha256.Sum256(src)}})
	return nil
}

// Relate reads the program.
func (s *Source) Relate(ctx context.Context, ev *discover.Evidence, out discover.Sink) error {
	var files []*file
	for _, f := range discover.Of[*file](ev.Documents) {
		files = append(files, f.V)
	}
	if !slices.ContainsFunc(files, func(f *file) bool { return strings.HasSuffix(f.path, ".go") }) {
		return nil // somebody else's migrations
	}
	w := newWorld(s.o, files)
	parts, err := w.summarize(ctx, out)
	if err != nil {
		return err
	}
	p := link(w, parts)
	p.emit(ev, out)
	for _, f := range files {
		f.src = nil // documents live as long as the run
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
