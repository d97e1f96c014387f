// Package gatewayapi discovers gateways with their routes, shares, timeouts and
// retries from the Kubernetes Gateway API, and what routes that hang on a Service
// (the mesh use of the API) add to its callers.
//
// The API leaves its defaults to the implementations, so nothing is claimed where
// a route is silent.
package gatewayapi

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
)

// Name of the source, as it stands in the ledger.
const Name = "gateway-api"

// Source reads the API's resources.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the resource may stand behind others, and
// JSON that shows the group.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(gatewayapi.Group)
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
		for _, o := range gatewayapi.Objects(d) {
			if o.Name == "" { // a template, or a part of one
				out.Skip(in.Path, "a "+o.Kind+" without a name")
				continue
			}
			out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "gateway-api " + o.Kind, Name: o.String(), Value: o, Faults: o.Faults})
		}
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
