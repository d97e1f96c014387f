package discover

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// HeadSize is how much of a file Match may see.
const HeadSize = 4096

// Head is a file as Match sees it.
type Head struct {
	Path  string // as people should see it, slashes
	Base  string // last element of Path
	Ext   string // lower-case, with the dot: ".yaml"
	Size  int64  // -1 when unknown (standard input)
	First []byte // the first bytes, at most HeadSize
}

// YAML reports whether the file may be YAML or JSON by its name; standard input
// may be anything.
func (h Head) YAML() bool {
	switch h.Ext {
	case ".yaml", ".yml", ".json":
		return true
	}
	return h.Path == "-"
}

// Has reports whether the first bytes hold any of the words.
func (h Head) Has(words ...string) bool {
	for _, w := range words {
		if bytes.Contains(h.First, []byte(w)) {
			return true
		}
	}
	return false
}

// Opener opens a file from its start, each time anew.
type Opener func() (io.ReadCloser, error)

// Input is a file to read.
type Input struct {
	Head
	Open Opener
	// Root is the folder that was named, and Rel the file's path in it, for
	// sources that need what lies beside; nil for single files and standard input.
	Root fs.FS
	Rel  string
	Origins

	once sync.Once
	file *doc.File
	err  error

	inside sync.Once
	texts  []Config

	hold atomic.Bool
	held atomic.Pointer[[]byte] // the whole of it, while it is shown to sources
}

// Docs reads the file as YAML or JSON, once for all sources.
func (in *Input) Docs() (*doc.File, error) {
	in.once.Do(func() {
		r, err := in.Open()
		if err != nil {
			in.err = err
			return
		}
		defer func() { _ = r.Close() }()
		in.file, in.err = doc.ReadFrom(in.Path, r, nil)
	})
	return in.file, in.err
}

// Bytes reads the whole file, at most max bytes. What it returns is shared: it must
// not be changed.
func (in *Input) Bytes(max int64) ([]byte, error) {
	if b := in.held.Load(); b != nil && int64(len(*b)) <= max {
		return *b, nil
	}
	r, err := in.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b := bytes.NewBuffer(make([]byte, 0, min(in.Size, max)+bytes.MinRead)) // one read for most
	if in.Size < 0 {
		b = &bytes.Buffer{}
	}
	_, err = b.ReadFrom(io.LimitReader(r, max+1))
	whole := slices.Clip(b.Bytes())
	if err == nil && int64(len(whole)) > max {
		return whole, fmt.Errorf("larger than %d MiB", max>>20)
	}
	if err == nil && in.hold.Load() && len(whole) <= holdMax {
		in.held.Store(&whole)
	}
	return whole, err
}

// holdMax bounds what is kept of a file for the next source that it is shown to.
const holdMax = 1 << 20

// shared runs f, which shows the file to one source after the other, so that it is
// read from disk once.
func (in *Input) shared(f func()) {
	in.hold.Store(true)
	if n := len(in.First); in.Size == int64(n) { // small: it has been read already
		whole := slices.Clip(in.First)
		in.held.Store(&whole)
	}
	f()
	in.hold.Store(false)
	in.held.Store(nil)
}

// NewInput makes an input of bytes at hand, for tests and for what sources
// render.
func NewInput(name string, content []byte) *Input {
	in := &Input{Head: Head{Path: name, Base: path.Base(name), Ext: strings.ToLower(path.Ext(name)), Size: int64(len(content)), First: content[:min(HeadSize, len(content))]}}
	in.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	return in
}

// skipDirs are never evidence.
var skipDirs = map[string]bool{".git": true, ".hg": true, ".svn": true, "node_modules": true, ".idea": true, ".vscode": true, ".terraform": true, "__pycache__": true, ".venv": true, ".gradle": true, ".mypy_cache": true, ".tox": true}

const defaultMaxFiles = 200_000

func collect(paths []string, o Options) (ins []*Input, skipped []Skip, err error) {
	limit := cmp.Or(o.MaxFiles, defaultMaxFiles)
	seen := map[string]bool{}
	add := func(in *Input) {
		if !seen[in.Path] {
			seen[in.Path] = true
			ins = append(ins, in)
		}
	}
	for _, p := range paths {
		if p == "-" {
			in, err := stdin(o.Stdin)
			if err != nil {
				return nil, nil, err
			}
			add(in)
			continue
		}
		fi, err := os.Stat(p)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, nil, fmt.Errorf("%s: there is no such file or folder", p)
			}
			return nil, nil, err
		}
		if !fi.IsDir() {
			in, err := fromFile(p, filepath.ToSlash(p))
			if err != nil {
				return nil, nil, err
			}
			add(in)
			continue
		}
		if err := walk(p, limit, add, func(s Skip) { skipped = append(skipped, s) }); err != nil {
			return nil, nil, err
		}
		if len(ins) > limit {
			return nil, nil, fmt.Errorf("%s holds more than %d files; name the folders that matter", p, limit)
		}
	}
	slices.SortFunc(ins, func(a, b *Input) int { return cmp.Compare(a.Path, b.Path) })
	return ins, skipped, nil
}

func walk(root string, limit int, add func(*Input), skip func(Skip)) error {
	fsys := os.DirFS(root)
	n := 0
	return fs.WalkDir(fsys, ".", func(rel string, d fs.DirEntry, err error) error {
		if err != nil {
			skip(Skip{path.Join(filepath.ToSlash(root), rel), err.Error()})
			return nil
		}
		if d.IsDir() {
			if skipDirs[d.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil // links may lead anywhere
		}
		if n++; n > limit {
			return fs.SkipAll
		}
		shown := path.Join(filepath.ToSlash(root), rel)
		in, err := fromFile(filepath.Join(root, filepath.FromSlash(rel)), shown)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it just went away
		}
		if err != nil {
			skip(Skip{shown, err.Error()})
			return nil
		}
		in.Root, in.Rel = fsys, rel
		add(in)
		return nil
	})
}

func fromFile(name, shown string) (*Input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := fi.Size()
	first := make([]byte, min(HeadSize, max(size, 0)))
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return &Input{
		Head: Head{Path: shown, Base: path.Base(shown), Ext: strings.ToLower(path.Ext(shown)), Size: size, First: first[:n]},
		Open: func() (io.ReadCloser, error) { return os.Open(name) },
	}, nil
}

// stdinMax bounds what is kept of standard input, which cannot be read twice.
const stdinMax = 256 << 20

func stdin(open Opener) (*Input, error) {
	if open == nil {
		return nil, errors.New("-: there is no standard input here")
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, stdinMax+1))
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	if len(b) > stdinMax {
		return nil, fmt.Errorf("standard input is larger than %d MiB; name a file instead", stdinMax>>20)
	}
	in := NewInput("-", b)
	in.Size = -1
	return in, nil
}

// Origins says how a text came to be that is no file as it stands on disk.
type Origins struct {
	// Via is for people: "rendered with values-prod.yaml".
	Via string
	// Environment that the text is for; "" for all.
	Environment string
	// Bundle is what has the text, in this environment or another: a chart, a
	// kustomization. Texts of one bundle are alternatives by environment.
	Bundle string
	// Release is the name that a chart was rendered under. Whoever installs it
	// chooses it, so that names which begin with it are not the things' own.
	Release string
	// Behind, if set, knows what places in the text say on behalf of others. It is a
	// pointer.
	Behind Behind
	// Within names the thing that holds the text as one of its files:
	// "ConfigMap shop/order-config".
	Within string
}

// Behind tells what stands behind a place: the values that a line of a template
// prints, with the places where they are given; "" when nothing is known.
type Behind interface{ Behind(p doc.Pos) string }

// via is how a place came to say so.
func (o Origins) via(p doc.Pos) string {
	if o.Behind == nil {
		return o.Via
	}
	if behind := o.Behind.Behind(p); behind != "" {
		return o.Via + "; " + behind
	}
	return o.Via
}

// NewRendered makes an input of documents whose nodes stand elsewhere, in a
// template or inside another document: name is what it is called for Match, and
// positions are those of the documents. [Input.Bytes] and Open return content.
func NewRendered(name string, f *doc.File, content []byte, o Origins) *Input {
	in := NewInput(name, content)
	in.Path, in.Origins = f.Path, o
	in.once.Do(func() { in.file = f })
	return in
}

// claim lets charts and the like take the files that they speak for.
func claim(ctx context.Context, sources []Source, ins []*Input, c *collector) []*Input {
	taken := map[string]string{} // file or folder -> source
	for _, src := range sources {
		cl, ok := src.(Claimer)
		if !ok {
			continue
		}
		for _, in := range ins {
			if ctx.Err() == nil && in.Root != nil && src.Match(in.Head) {
				for _, f := range cl.Claims(in) {
					base := strings.TrimSuffix(in.Path, in.Rel)
					taken[path.Join(base, f)] = src.Name()
				}
			}
		}
	}
	if len(taken) == 0 {
		return ins
	}
	c.taken = taken
	return ins
}
