// Package kubernetes discovers workloads, stores, how they run, and which network
// names their variables hold, from Kubernetes manifests.
package kubernetes

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// Name of the source, as it stands in the ledger.
const Name = "kubernetes"

// Source reads manifests.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since comments may push apiVersion past the first
// bytes, and JSON that shows it.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(`"apiVersion"`)
	}
	return h.YAML()
}

// Read puts out every object of a kind that formats/kubernetes knows.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	n := 0
	for _, d := range f.Docs {
		for _, o := range kubernetes.Objects(d) {
			if o.Typed == nil {
				continue
			}
			n++
			out.Document(discover.Document{Doc: d, Node: o.Node, Kind: "kubernetes " + o.Kind, Name: o.String(), Value: &o, Faults: o.Faults})
			held(o, in.Origins, out)
		}
	}
	if n == 0 && len(f.Docs) == 0 && len(f.Faults) > 0 && in.Has("apiVersion") {
		return f.Faults[0]
	}
	return nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
