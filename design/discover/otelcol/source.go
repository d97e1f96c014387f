// Package otelcol discovers what an OpenTelemetry Collector reads from and sends
// to, from its configuration files and from OpenTelemetryCollector resources, and
// puts the configurations out for rules. Only components that a pipeline uses
// count.
package otelcol

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

// Name of the source, as it stands in the ledger.
const Name = "otelcol"

// Source reads configurations of the Collector.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since a resource may stand behind others, and JSON
// that shows pipelines or the operator's group.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(`"pipelines"`, otelcol.Group+"/")
	}
	return h.YAML()
}

// Read puts out every configuration, and the Collectors that the operator runs.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	docs, err := in.Configs()
	if err != nil {
		return err
	}
	for _, d := range docs {
		if otelcol.Is(d.Root) {
			c := otelcol.Read(d.Document, d.Root)
			out.Document(discover.Document{Doc: d.Document, Node: d.Root, Kind: Name + " config", Name: d.Name, Value: &Config{Config: c}, Faults: c.Faults, Origins: d.Origins})
		}
		for _, r := range otelcol.Resources(d.Document) {
			resource(d.Document, r, out)
		}
	}
	return nil
}

// Config is a configuration with the Collector that it is for.
type Config struct {
	*otelcol.Config
	Resource *otelcol.Resource // nil for a file
}

// resource puts out a Collector's configuration, and the service that it is.
func resource(d *doc.Document, r *otelcol.Resource, out discover.Sink) {
	x := discover.Document{Doc: d, Node: r.Node, Kind: "opentelemetry OpenTelemetryCollector", Name: r.String(), Value: r}
	if r.File != nil {
		x.Faults = r.File.Faults
	}
	out.Document(x)
	if r.Config != nil {
		c := r.Config
		out.Document(discover.Document{Doc: c.Doc, Node: c.Node, Kind: Name + " config", Name: r.String(), Value: &Config{c, r}, Faults: c.Faults})
	}
	if r.Mode == "sidecar" || r.Name == "" {
		return
	}
	s := arch.System{Services: map[string]arch.Service{r.Service(): {Role: arch.RoleTelemetry}}}
	at := x.At(arch.Config, "metadata", "name")
	at.By, at.Reason = Name, "the operator makes the Service "+r.Service()+" of it"
	s.Attest(at)
	out.System(s)
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
