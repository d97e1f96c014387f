// Package kustomize discovers what kustomizations deploy: it builds those that
// stand on their own and shows what comes out to the sources that read manifests.
//
// An overlay speaks for an environment by its folder: what lies in a folder called
// overlays, environments or envs, or is itself called dev, staging, prod and the
// like. A base that only such overlays use is built too and stands for what all
// environments share. Of several arrangements of the same bases that speak for no
// environment the outermost counts; the others are listed.
package kustomize

import (
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kustomize"
)

// Name of the source, as it stands in the ledger.
const Name = "kustomize"

// Source builds kustomizations.
type Source struct {
	mu sync.Mutex
	// forests are the kustomizations of each folder that was named, as the claims,
	// which come before all reading, tell them.
	forests map[string]*forest
}

// New returns the source, for one run.
func New() *Source { return &Source{forests: map[string]*forest{}} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes kustomization.yaml and the names that stand for it.
func (*Source) Match(h discover.Head) bool { return slices.Contains(kustomize.Names, h.Base) }

// Claims takes all files that the kustomization leads to: its manifests count as
// they are built, its patches are none.
func (s *Source) Claims(in *discover.Input) []string {
	t, err := kustomize.Load(in.Root, path.Dir(in.Rel), nil)
	if err != nil {
		return []string{in.Rel} // which Read lists
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	base := strings.TrimSuffix(in.Path, in.Rel)
	if s.forests[base] == nil {
		s.forests[base] = &forest{trees: map[string]*kustomize.Tree{}}
	}
	s.forests[base].trees[path.Dir(in.Rel)] = t
	return append(t.Files, in.Rel)
}

func (s *Source) forest(base string) *forest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forests[base]
}

// Read builds the kustomization where it stands on its own.
func (s *Source) Read(ctx context.Context, in *discover.Input, out discover.Sink) error {
	dir := path.Dir(in.Rel)
	if in.Root == nil {
		return nil // named alone: there is nothing beside it to build
	}
	t, err := kustomize.Load(in.Root, dir, nil)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(in.Path, in.Rel)
	f := s.forest(base)
	if f == nil {
		f = &forest{trees: map[string]*kustomize.Tree{dir: t}}
	}
	role := f.role(dir)
	if role.variant != "" {
		out.Skip(in.Path, "kustomize: another arrangement of what "+path.Join(base, role.variant)+" builds; name its folder to read it instead")
	}
	if !role.build {
		return nil
	}
	o := discover.Origins{Via: "built by kustomize from " + in.Path, Environment: role.environment, Bundle: "kustomization " + path.Join(base, role.bundle)}
	built, err := t.Build()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out.Skip(in.Path, "kustomize: could not be built, so its resources count as they stand: "+err.Error())
		built, o.Via = t.Raw(), ""
	}
	for _, l := range t.Left {
		out.Skip(base+l.Path, "kustomize: "+l.What+" was left out: "+l.Why)
	}
	if by := patchedIn(base, built); len(by) > 0 {
		o.Behind = &by
	}
	for _, b := range built {
		b.Docs.Path = base + b.Path
		for _, x := range b.Docs.Faults {
			x.Pos.File = b.Docs.Path
		}
		out.Input(discover.NewRendered("manifest.yaml", b.Docs, b.Text, o))
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Claimer = (*Source)(nil)
)
