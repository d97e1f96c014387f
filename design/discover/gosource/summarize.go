package gosource

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// summarize reads every package, in the order of their imports; what did not
// change comes from the cache.
func (w *world) summarize(ctx context.Context, out discover.Sink) ([]*summary, error) {
	c := newCache(w.o.Cache)
	var parts []*summary
	lacks := map[string][]string{} // module -> go.mod files that require it
	for _, p := range w.order(ctx) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		key := c.key(w, p)
		s, ok := c.load(key)
		if !ok || slices.ContainsFunc(s.Absent, w.atHand) {
			s = w.read(p)
			c.save(key, s)
		}
		for _, k := range s.Skipped {
			out.Skip(k.File, k.Why)
		}
		parts = append(parts, s)
		for _, l := range s.Lacks {
			if p.mod != nil {
				lacks[l] = append(lacks[l], p.mod.file)
			}
		}
	}
	w.lacking(lacks, out)
	return parts, nil
}

// lacking lists the modules of which nothing is known, each once, under the first
// go.mod file that needs it.
func (w *world) lacking(lacks map[string][]string, out discover.Sink) {
	by := map[string][]string{}
	for _, l := range sortedKeys(lacks) {
		file := slices.Min(lacks[l])
		by[file] = append(by[file], l)
	}
	for _, file := range sortedKeys(by) {
		names, more := by[file], ""
		if len(names) > 3 {
			more = fmt.Sprintf(" and %d more", len(names)-3)
			names = names[:3]
		}
		out.Skip(file, fmt.Sprintf("%s: %s%s: neither vendored nor in the module cache, so what their values do is not known (go mod download fetches them)", Name, strings.Join(names, ", "), more))
	}
}

// read summarizes a package. A fault of the checker that no one expects costs this
// package alone.
func (w *world) read(p *pkg) (s *summary) {
	s = &summary{Path: p.path, Dir: p.dir, Imports: p.imports}
	if p.mod != nil {
		s.Module = p.mod.path
	}
	defer func() {
		if r := recover(); r != nil {
			s = &summary{Path: p.path, Dir: p.dir, Module: s.Module, Imports: p.imports, Skipped: []code.Skip{{File: p.dir, Why: fmt.Sprintf("%s: this package broke the reader (%v); please report it", Name, r)}}}
		}
	}()
	skips := &skipped{}
	fs := w.parse(p, skips)
	s.Name, s.Main = p.name, p.name == "main"
	wk := &walker{w: w, p: p, sum: s, gen: map[*ast.File]bool{}, info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}}
	for i, f := range fs {
		dropBlank(f)
		src := w.sourceOf(p, f)
		wk.gen[fs[i]] = generated.Match(src[:min(len(src), 4096)])
		if !wk.gen[fs[i]] {
			s.Lines += int64(bytes.Count(src, []byte("\n")) + 1)
		}
	}
	faults, first := 0, ""
	im := &importer{w: w, from: p.mod}
	conf := types.Config{Importer: im, FakeImportC: true, DisableUnusedImportCheck: true, Sizes: types.SizesFor("gc", "amd64"), Error: func(err error) {
		if faults++; first == "" {
			first = err.Error()
		}
	}}
	e := &external{busy: true}
	if old := w.loaded[p.path]; old == nil {
		w.loaded[p.path] = e
	}
	e.pkg, _ = conf.Check(p.path, w.fset, fs, wk.info) // faults are counted, and the rest is read
	if e.pkg == nil {
		e.pkg = types.NewPackage(p.path, cmp.Or(p.name, path.Base(p.path)))
	}
	e.busy = false
	w.loaded[p.path] = e
	wk.pkg = e.pkg
	if faults > 0 && !im.opaque {
		s.Skipped = append(s.Skipped, code.Skip{File: p.dir, Why: fmt.Sprintf("%s: does not compile (%d faults, the first: %s); what could be understood counts", Name, faults, first)})
	}
	s.Skipped = append(s.Skipped, skips.list...)
	s.Absent, s.Lacks = sortedKeys(im.absent), sortedKeys(im.lacks)
	wk.files(fs)
	return s
}

func (w *world) sourceOf(p *pkg, f *ast.File) []byte {
	name := w.fset.Position(f.Package).Filename
	for _, x := range p.files {
		if x.path == name {
			return x.src
		}
	}
	return nil
}

// skipped is a sink that keeps what was passed over.
type skipped struct {
	discover.Sink
	list []code.Skip
}

func (s *skipped) Skip(p, why string) { s.list = append(s.list, code.Skip{File: p, Why: why}) }
