// Package istio discovers gateways with their routes, and the timeouts, retries,
// limits and ejection that a mesh adds to calls, from Istio's configuration.
// Istio's own defaults are claims like any other, with their reason.
package istio

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

// Name of the source, as it stands in the ledger.
const Name = "istio"

// Source reads Istio's resources.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since comments may push apiVersion past the first
// bytes, and JSON that shows the group.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("istio.io/")
	}
	return h.YAML()
}

// Read puts out every resource.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		for _, o := range istio.Specs(d) {
			if o.Name == "" { // a template, or a part of one
				out.Skip(in.Path, "a "+o.Kind+" without a name")
				continue
			}
			out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "istio " + o.Kind, Name: o.String(), Value: o, Faults: o.Faults})
		}
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
