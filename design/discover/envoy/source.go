// Package envoy discovers the routes of an Envoy with the timeouts, retries,
// circuit breakers and ejection that it sets, from its static configuration, in
// files and in ConfigMaps. Envoy's own defaults are claims like any other, with
// their reason.
package envoy

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/envoy"
)

// Name of the source, as it stands in the ledger, and of the gateway.
const Name = "envoy"

// Source reads bootstrap files.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since a ConfigMap may stand behind other resources,
// and JSON that shows static resources.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("static_resources")
	}
	return h.YAML()
}

// Read puts out every configuration.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	docs, err := in.Configs()
	if err != nil {
		return err
	}
	for _, d := range docs {
		if envoy.Is(d.Root) {
			c := envoy.Read(d.Document, d.Root)
			out.Document(discover.Document{Doc: d.Document, Node: d.Root, Kind: "envoy config", Name: d.Name, Value: c, Faults: c.Faults, Origins: d.Origins})
		}
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
