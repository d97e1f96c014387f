// Package monitoring reads which services and pods the Prometheus operator is
// told to scrape. It says nothing of the architecture by itself; rules judge it.
package monitoring

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/monitoring"
)

// Name of the source, as it stands in the ledger.
const Name = "monitoring"

// Source reads ServiceMonitor and PodMonitor.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the resource may stand behind others.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has("monitoring.coreos.com/")
	}
	return h.YAML()
}

// Read puts out every monitor.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if m := monitoring.Read(d); m != nil {
			out.Document(discover.Document{Doc: d, Node: m.Node, Kind: "monitoring " + m.Kind, Name: m.String(), Value: m})
		}
	}
	return nil
}

var _ discover.Source = (*Source)(nil)
