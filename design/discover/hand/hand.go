// Package hand takes what people wrote into ashlar.yaml. Their claims win over
// all others.
package hand

import (
	"context"
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
	var of []arch.Ref
	for _, k := range []arch.Kind{arch.KindService, arch.KindOp, arch.KindStore, arch.KindTopic, arch.KindGateway} {
		of = append(of, f.System.Refs(k)...)
	}
	out.System(f.System)
	out.Document(discover.Document{Kind: "ashlar", Name: in.Base, Value: &f})
	out.Cover(arch.Coverage{Origin: arch.Hand, Of: of})
	return nil
}

var _ discover.Source = (*Source)(nil)
