// Package kong discovers the routes of a Kong gateway with the tries, times and
// rates that it sets, from its declarative configuration and from the resources
// and annotations of its ingress controller (KongPlugin, KongIngress). Kong's own
// defaults are claims like any other, with their reason.
//
// Kong has no limit on a whole request: read_timeout counts between two reads of
// one try. What is claimed as the timeout is how long a callee that stays silent
// is waited for: tries times read_timeout.
package kong

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

// Name of the source, as it stands in the ledger, and of the gateway.
const Name = "kong"

// Source reads declarative configuration.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the ingress controller's resources may stand
// behind others and a configuration inside a ConfigMap, and JSON that shows one.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("_format_version", kong.Group)
	}
	return h.YAML()
}

// Read puts out every configuration and resource.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	docs, err := in.Configs()
	if err != nil {
		return err
	}
	for _, d := range docs {
		if kong.Is(d.Root) {
			c := kong.Read(d.Document)
			out.Document(discover.Document{Doc: d.Document, Node: d.Root, Kind: "kong " + c.Version, Name: d.Name, Value: c, Faults: c.Faults, Origins: d.Origins})
		}
		for _, r := range kong.Resources(d.Document) {
			out.Document(discover.Document{Doc: d.Document, Node: r.Node, Kind: "kong " + r.Kind, Name: r.String(), Value: r, Faults: r.Faults})
		}
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
