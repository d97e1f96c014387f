// Package discover turns evidence into an architecture: manifests, mesh and
// gateway configuration, contracts, traces and source code in, one
// [arch.System] out, in which every fact names who says so.
//
// # How it works
//
//  1. Every file is shown, by path and first bytes, to every [Source]; those that
//     want it Read it and put out typed [Document]s, partial Systems, code. Files
//     are read in parallel, and the order in which they come leaves no trace.
//  2. Sources that are a [Relater] then relate what all files say, one after the
//     other in the order of the catalogue: which Service selects which Deployment,
//     which host a variable names.
//  3. Names of one thing are joined ([Join]), claims are merged.
//
// A source is a folder beside this file with one exported constructor; package
// sources lists them all. To add one: implement [Source], add it there, name a
// public file that it reads in its test.
package discover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Source reads one kind of evidence. Its methods may be called concurrently.
type Source interface {
	// Name is lower-case, one word where possible: "kubernetes", "jaeger".
	Name() string
	// Origin is the kind of witness that its claims are.
	Origin() arch.Origin
	// Match says whether the file is worth reading, from its path and first bytes
	// alone. Several sources may match one file.
	Match(h Head) bool
	// Read reads one file. What is wrong with a document goes to the sink as its
	// faults and the rest counts; an error means that the file as a whole could
	// not be read, which is listed, and the run goes on.
	Read(ctx context.Context, in *Input, out Sink) error
}

// Relater is a Source that has to see everything before it can say what it
// means. Relate is called once, after all files are read, never concurrently.
type Relater interface {
	Relate(ctx context.Context, ev *Evidence, out Sink) error
}

// Claimer is a Source whose file speaks for others: a chart for its templates, a
// kustomization for its resources. The files that it returns, and those below the
// folders that it returns (slash paths relative to the root), are shown to no
// other source; of claims that nest, the innermost counts.
type Claimer interface {
	Claims(in *Input) (paths []string)
}

// Sink takes what a source finds. Safe for concurrent use.
type Sink interface {
	// System takes a partial System with its claims in its ledger.
	System(s arch.System)
	// Document takes a typed document for relaters and rules.
	Document(d Document)
	// Code takes a part of the code graph.
	Code(g code.Graph)
	// Cover says what the source looked at.
	Cover(c arch.Coverage)
	// Input shows all other sources what this one made of its file: a rendered
	// template, a file inside a ConfigMap. See [NewRendered].
	Input(in *Input)
	// Skip lists something that was not read, and why.
	Skip(path, why string)
}

// Document is a document with what a format made of it.
type Document struct {
	Source  string // name of the source
	Path    string
	Doc     *doc.Document
	Node    *doc.Node    // root of this object: inside a List it is not the document's
	Kind    string       // "apps/v1 Deployment", "istio VirtualService", "openapi 3"
	Name    string       // as messages should call it: "Deployment shop/order"
	Value   any          // the format's typed value
	Faults  []*doc.Fault // what strict decoding found
	Origins              // how the text came to be, where no file on disk says it as it stands
}

// Pos is the place of a path inside the document's object.
func (d Document) Pos(path ...string) doc.Pos {
	n := d.Node
	for _, p := range path {
		next := n.Find(p)
		if next == nil {
			break
		}
		n = next
	}
	return d.Doc.Pos(n)
}

// Source is the place as a witness.
func (d Document) At(o arch.Origin, path ...string) arch.Source {
	p := d.Pos(path...)
	return arch.Source{Origin: o, By: d.Source, File: p.File, Line: p.Line, Col: p.Col, Via: d.via(p)}
}

// Evidence is what a Relater sees.
type Evidence struct {
	Documents []Document  // of the environment that was asked for; sorted by path and place
	Elsewhere []Document  // of other environments, sorted alike
	System    arch.System // merged from what was put out so far, earlier relaters included
	Code      *code.Graph
	// Environment that was asked for; "" for none.
	Environment string
	// Hosts resolves network names; relaters add what they learn.
	Hosts *Hosts
	// Holders are the elements that read a thing which holds files, by the name in
	// [Origins.Within]; relaters add what they learn.
	Holders map[string][]arch.Ref
}

// Of returns the typed values of one type among documents, with their documents.
func Of[T any](docs []Document) []Typed[T] {
	var out []Typed[T]
	for _, d := range docs {
		if v, ok := d.Value.(T); ok {
			out = append(out, Typed[T]{d, v})
		}
	}
	return out
}

// Typed is a document whose value's type is known.
type Typed[T any] struct {
	Document
	V T
}

// Result of a run.
type Result struct {
	System    arch.System
	Documents []Document // of the environment that was asked for
	// Environments are those that files tell apart, sorted.
	Environments []string
	Code         *code.Graph
	Faults       []*doc.Fault // of syntax and strict decoding, in order of place
	Skipped      []Skip
	Files        int // shown to sources
	Read         int // that at least one source read
}

// Skip is something that was not read.
type Skip struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Options of [Run]; the zero value is the default.
type Options struct {
	Environment string
	// Aliases that users state: another name -> the service's name.
	Aliases map[string]string
	// Progress, if set, is told how many files are done of how many, now and then,
	// never concurrently.
	Progress func(done, total int)
	// Views are Systems that join the merge, such as a hand-written ashlar.yaml.
	Views []arch.System
	// MaxFiles bounds a run; default 200,000.
	MaxFiles int
	// Stdin is read for the path "-".
	Stdin Opener
}

// ErrNothing is wrapped by Run when no source could use any file.
var ErrNothing = errors.New("nothing that a source understands")

// Run discovers a system from paths: files, folders, or "-" for opts.Stdin. What
// is wrong in other people's files is listed and the rest counts; a fault in an
// ashlar.yaml ends the run.
func Run(ctx context.Context, sources []Source, paths []string, opts *Options) (*Result, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	ins, skipped, err := collect(paths, o)
	if err != nil {
		return nil, err
	}
	c := newCollector(sources)
	c.skipped = skipped
	ins = claim(ctx, sources, ins, c)
	if err := c.readAll(ctx, ins, o.Progress); err != nil {
		return nil, err
	}
	if len(c.fatal) > 0 {
		slices.SortFunc(c.fatal, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(c.fatal...)
	}
	r, err := c.relate(ctx, o)
	if err != nil {
		return nil, err
	}
	r.Files, r.Read = len(ins), len(c.read)
	if len(c.read) == 0 && len(o.Views) == 0 {
		return r, fmt.Errorf("%w in %s (%d files looked at); Ashlar reads: %s", ErrNothing, strings.Join(paths, ", "), len(ins), names(sources))
	}
	return r, nil
}

func names(sources []Source) string {
	var s []string
	for _, x := range sources {
		s = append(s, x.Name())
	}
	slices.Sort(s)
	return strings.Join(s, ", ")
}
