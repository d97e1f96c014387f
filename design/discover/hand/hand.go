// Package hand takes what people wrote into ashlar.yaml. Their claims win over
// all others. What `ashlar discover -o` wrote there and nobody edited, as the lock
// beside the file tells, is no hand's: every other witness wins over it.
package hand

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// Name of the source, as it stands in the ledger.
const Name = "ashlar.yaml"

// maxBytes is far more than a person writes.
const maxBytes = 16 << 20

// Source reads ashlar.yaml files.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Hand }

// Match takes files of that name, and *.ashlar.yaml.
func (*Source) Match(h discover.Head) bool {
	return h.Base == Name || strings.HasSuffix(h.Base, "."+Name)
}

// Read puts out the system as its hand wrote it. A faulty file ends the run's
// reading of it whole: half of what a person meant is not what they meant.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	f, err := archfile.Parse(in.Path, src)
	if err != nil {
		return err
	}
	lock, err := lockOf(in)
	if err != nil {
		return fmt.Errorf("%s%s: %w", in.Path, archfile.LockSuffix, err)
	}
	lock.Soften(&f.System)
	byHand := map[arch.Ref]bool{} // elements that a person wrote anything of
	for fact, claims := range f.System.Ledger {
		if len(claims) > 0 && claims[0].Origin() == arch.Hand {
			byHand[fact.Of], byHand[fact.Of.Parent()] = true, true
		}
	}
	var of []arch.Ref
	for _, k := range []arch.Kind{arch.KindService, arch.KindOp, arch.KindStore, arch.KindTopic, arch.KindGateway} {
		for _, ref := range f.System.Refs(k) {
			if byHand[ref] {
				of = append(of, ref)
			}
		}
	}
	cov := f.System.Coverage[Name]
	cov.Of = of
	f.System.Coverage = map[string]arch.Coverage{Name: cov}
	out.System(f.System)
	out.Document(discover.Document{Kind: "ashlar", Name: in.Base, Value: &f})
	out.Cover(arch.Coverage{Origin: arch.Hand, Of: of})
	return nil
}

// lockOf reads what discovery wrote into the file; nil when it has no lock.
func lockOf(in *discover.Input) (archfile.Lock, error) {
	var b []byte
	var err error
	switch {
	case in.Root != nil:
		b, err = fs.ReadFile(in.Root, in.Rel+archfile.LockSuffix)
	case in.Path != "-":
		b, err = os.ReadFile(filepath.FromSlash(in.Path) + archfile.LockSuffix)
	}
	if err != nil || len(b) == 0 {
		return nil, nil // it has none, or none that could be read
	}
	return archfile.ParseLock(b)
}

var _ discover.Source = (*Source)(nil)
