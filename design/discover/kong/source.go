// Package kong discovers the routes of a Kong gateway with the tries, times and
// rates that it sets, from its declarative configuration. Kong's own defaults are
// claims like any other, with their reason.
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

// Match takes YAML and JSON that shows the format's version, which stands at the
// head of a file by custom.
func (*Source) Match(h discover.Head) bool { return h.YAML() && h.Has("_format_version") }

// Read puts out every configuration.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if kong.Is(d.Root) {
			c := kong.Read(d)
			out.Document(discover.Document{Doc: d, Node: d.Root, Kind: "kong " + c.Version, Name: in.Path, Value: c, Faults: c.Faults})
		}
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
