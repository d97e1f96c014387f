package helm

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/helm"
)

// absent is a dependency that a chart asks for and does not have.
type absent struct {
	helm.Missing
	chart string
}

// endings of the Services that widely used charts make beside the one that is
// called as the release of the chart.
var endings = []string{"", "-master", "-primary", "-headless", "-server"}

// Relate says that what a chart asks for is there, if it is a store, a broker or
// another helper by its name: what calls it calls no ghost. How it runs is not
// known. It comes before the workloads, which then find it by its name.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	for _, a := range discover.Of[*absent](ev.Documents) {
		c := discover.Classify(a.V.Of, a.V.Of)
		var s arch.System
		ref := arch.NewRef(arch.KindService, a.V.FullName)
		switch {
		case c.Store != "":
			ref = arch.NewRef(arch.KindStore, a.V.FullName)
			s.Stores = map[string]arch.Store{a.V.FullName: {Kind: c.Store}}
		case c.Role != "":
			s.Services = map[string]arch.Service{a.V.FullName: {Role: c.Role}}
		default:
			continue
		}
		for _, e := range endings {
			ev.Hosts.Add(a.V.FullName+e, "", ref)
		}
		s.Attest(arch.Source{Origin: arch.Guess, By: Name, File: a.Path, Line: 1, Col: 1, Reason: "the chart " + a.V.chart + " asks for " + a.V.Missing.String() + ", which would be called so here", Via: a.Via})
		out.System(s)
	}
	return nil
}
