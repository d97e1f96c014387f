package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// collector gathers what sources put out. Results are kept by file and put
// together in the order of paths.
type collector struct {
	sources []Source
	taken   map[string]string

	mu       sync.Mutex
	parts    []part
	skipped  []Skip
	fatal    []error         // faults in files of our own format
	read     map[string]bool // paths, each once however many sources use it
	coverage map[string]arch.Coverage
}

// part is what one source made of one file.
type part struct {
	path, source string
	order        string // among those of one path and source: what it was rendered from
	origins      Origins
	views        []arch.System
	docs         []Document
	graphs       []code.Graph
}

func newCollector(sources []Source) *collector {
	return &collector{sources: sources, coverage: map[string]arch.Coverage{}, read: map[string]bool{}}
}

// sink is the Sink of one source reading one file.
type sink struct {
	c *collector
	part
	origin arch.Origin
	cover  []arch.Coverage
	inputs []*Input
	mu     sync.Mutex
}

func (s *sink) System(v arch.System) { s.mu.Lock(); s.views = append(s.views, v); s.mu.Unlock() }

func (s *sink) Document(d Document) {
	d.Source = cmp.Or(d.Source, s.source)
	d.Path = cmp.Or(d.Path, s.path)
	if d.Origins == (Origins{}) {
		d.Origins = s.origins
	}
	s.mu.Lock()
	s.docs = append(s.docs, d)
	s.mu.Unlock()
}

func (s *sink) Code(g code.Graph) { s.mu.Lock(); s.graphs = append(s.graphs, g); s.mu.Unlock() }

func (s *sink) Cover(c arch.Coverage) { s.mu.Lock(); s.cover = append(s.cover, c); s.mu.Unlock() }

func (s *sink) Input(in *Input) { s.mu.Lock(); s.inputs = append(s.inputs, in); s.mu.Unlock() }

func (s *sink) Skip(p, why string) {
	s.c.mu.Lock()
	s.c.skipped = append(s.c.skipped, Skip{p, why})
	s.c.mu.Unlock()
}

// finish hands the part over.
func (s *sink) finish(read bool) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.parts = append(s.c.parts, s.part)
	if read {
		s.c.read[s.path] = true
	}
	for _, v := range s.views {
		for name, cov := range v.Coverage {
			s.c.coverage[name] = s.c.coverage[name].Plus(cov)
		}
	}
	if len(s.docs)+len(s.views)+len(s.graphs)+len(s.cover)+len(s.inputs) > 0 {
		own := arch.Coverage{Origin: s.origin, Documents: len(s.docs)}
		if read {
			own.Files = 1
		}
		for _, cov := range s.cover {
			own = own.Plus(cov)
		}
		s.c.coverage[s.source] = s.c.coverage[s.source].Plus(own)
	}
}

// readAll shows every file to every source, several files at a time.
func (c *collector) readAll(ctx context.Context, ins []*Input, progress func(done, total int)) error {
	work := make(chan *Input)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for in := range work {
				c.readFile(ctx, in)
				mu.Lock()
				if done++; progress != nil && (done%64 == 0 || done == len(ins)) {
					progress(done, len(ins))
				}
				mu.Unlock()
			}
		})
	}
	var err error
feed:
	for _, in := range ins {
		select {
		case work <- in:
		case <-ctx.Done():
			err = ctx.Err()
			break feed
		}
	}
	close(work)
	wg.Wait()
	slices.SortFunc(c.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.source, b.source), cmp.Compare(a.order, b.order))
	})
	return err
}

func (c *collector) readFile(ctx context.Context, in *Input) {
	owner := c.owner(in.Path)
	in.shared(func() {
		for _, src := range c.sources {
			if owner == "" || owner == src.Name() {
				c.show(ctx, src, in, part{path: in.Path, source: src.Name()}, 0)
			}
		}
	})
}

// maxDepth bounds what is made of what was made: a chart's template holds a
// ConfigMap, which holds a file.
const maxDepth = 3

// show shows one source a file, and all others what it makes of it.
func (c *collector) show(ctx context.Context, src Source, in *Input, p part, depth int) {
	if !src.Match(in.Head) {
		return
	}
	p.origins = in.Origins
	s := &sink{c: c, part: p, origin: src.Origin()}
	err := guard(ctx, src, in, s)
	if err != nil && src.Origin() == arch.Hand { // our own file: half of what a person meant is not what they meant
		c.mu.Lock()
		c.fatal = append(c.fatal, err)
		c.mu.Unlock()
	} else if err != nil && !errors.Is(err, context.Canceled) {
		s.Skip(in.Path, src.Name()+": "+doc.Redact(strings.TrimPrefix(err.Error(), in.Path+": ")))
	}
	s.finish(depth == 0 && err == nil && len(s.docs)+len(s.views)+len(s.graphs)+len(s.cover)+len(s.inputs) > 0)
	if depth == maxDepth {
		return
	}
	for i, made := range s.inputs {
		for _, other := range c.sources {
			if other != src && ctx.Err() == nil {
				order := fmt.Sprintf("%s %s %s %06d", p.order, p.path, p.source, i)
				c.show(ctx, other, made, part{path: made.Path, source: other.Name(), order: order}, depth+1)
			}
		}
	}
}

// guard turns a panic of a source into a file that was skipped: one odd file
// must not end a run over thousands.
func guard(ctx context.Context, src Source, in *Input, out Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("this file broke the %s source (%v); please report it", src.Name(), p)
		}
	}()
	return src.Read(ctx, in, out)
}

// guardRelate turns a panic of a relater into something that was not read; what it
// put out before counts.
func guardRelate(ctx context.Context, src Source, rel Relater, ev *Evidence, s *sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.Skip(src.Name(), fmt.Sprintf("these files broke the %s source (%v), so that only a part of what they say is known; please report it", src.Name(), p))
		}
	}()
	return rel.Relate(ctx, ev, s)
}

// owner is the source that claimed the file or a folder above it, or "".
func (c *collector) owner(p string) string {
	for d := p; len(c.taken) > 0 && d != "." && d != "/"; d = path.Dir(d) {
		if o := c.taken[d]; o != "" {
			return o
		}
	}
	return ""
}

// relate runs the relaters and merges.
func (c *collector) relate(ctx context.Context, o Options) (*Result, error) {
	r := &Result{Code: &code.Graph{}}
	var views []arch.System
	for _, p := range c.parts {
		views = append(views, p.views...)
		r.Documents = append(r.Documents, p.docs...)
		for _, g := range p.graphs {
			r.Code.Add(g)
		}
	}
	r.Code.Sort()
	slices.SortStableFunc(r.Documents, func(a, b Document) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(line(a), line(b)), cmp.Compare(a.Source, b.Source))
	})
	in, elsewhere, environments := byEnvironment(r.Documents, o.Environment)
	r.Documents, r.Environments = in, environments
	ev := &Evidence{Documents: in, Elsewhere: elsewhere, Code: r.Code, Environment: o.Environment, Hosts: NewHosts(), Holders: map[string][]arch.Ref{}}
	merge := func() error {
		s, err := arch.Merge(append(slices.Clone(views), o.Views...)...)
		ev.System = s
		return err
	}
	if err := merge(); err != nil {
		return nil, fmt.Errorf("a source claims what no field takes: %w", err)
	}
	for _, src := range c.sources {
		rel, ok := src.(Relater)
		if !ok || ctx.Err() != nil {
			continue
		}
		s := &sink{c: c, part: part{source: src.Name()}, origin: src.Origin()}
		if err := guardRelate(ctx, src, rel, ev, s); err != nil {
			return nil, fmt.Errorf("%s: %w", src.Name(), err)
		}
		s.finish(false)
		ev.Documents = append(ev.Documents, s.docs...)
		r.Documents = ev.Documents
		for _, g := range s.graphs { // what a source can say only when it has seen every file
			r.Code.Add(g)
		}
		if len(s.graphs) > 0 {
			r.Code.Sort()
		}
		if len(s.views) == 0 {
			continue
		}
		views = append(views, s.views...)
		if err := merge(); err != nil {
			return nil, fmt.Errorf("%s claims what no field takes: %w", src.Name(), err)
		}
	}
	s, err := Join(ev.System, o.Aliases)
	if err != nil {
		return nil, err
	}
	if s, err = Bind(s); err != nil {
		return nil, err
	}
	for _, v := range o.Views {
		for name, cov := range v.Coverage {
			c.coverage[name] = c.coverage[name].Plus(cov)
		}
	}
	s.Coverage = c.coverage
	r.System = s
	r.Skipped = c.skipped
	slices.SortFunc(r.Skipped, func(a, b Skip) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Why, b.Why)) })
	r.Faults = faults(r.Documents)
	return r, ctx.Err()
}

func line(d Document) int {
	if d.Node == nil {
		return 0
	}
	return d.Node.Line
}

// faults gathers what is wrong with the files, each once.
func faults(docs []Document) []*doc.Fault {
	var out []*doc.Fault
	seen := map[*doc.File]bool{}
	for _, d := range docs {
		if d.Doc != nil && !seen[d.Doc.File] {
			seen[d.Doc.File] = true
			out = append(out, d.Doc.File.Faults...)
		}
		out = append(out, d.Faults...)
	}
	slices.SortStableFunc(out, func(a, b *doc.Fault) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col, cmp.Compare(a.What, b.What))
	})
	return slices.CompactFunc(out, func(a, b *doc.Fault) bool { return a.Pos == b.Pos && a.What == b.What })
}
