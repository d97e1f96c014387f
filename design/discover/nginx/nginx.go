// Package nginx discovers whom a proxy passes requests on to, from nginx
// configuration inside the ConfigMaps that its pods mount. Configuration that lies
// elsewhere says nothing of who reads it.
package nginx

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/nginx"
)

// Name of the source, as it stands in the ledger.
const Name = "nginx"

// maxBytes is far more than a configuration needs.
const maxBytes = 4 << 20

// Source reads configuration.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes .conf files, and templates of them, that pass requests on.
func (*Source) Match(h discover.Head) bool {
	return (h.Ext == ".conf" || h.Ext == ".template") && h.Size < maxBytes
}

// Read puts out the configuration of a file that something holds.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	if in.Within == "" {
		return nil
	}
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	if c := nginx.Read(in.Path, src); len(c.Passes) > 0 {
		out.Document(discover.Document{Kind: "nginx configuration", Name: in.Path, Value: c})
	}
	return nil
}

// Relate makes calls of what is passed on.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	for _, c := range discover.Of[*nginx.Config](ev.Documents) {
		for _, holder := range ev.Holders[c.Within] {
			if holder.Kind() == arch.KindService {
				emit(ev, out, c, holder)
			}
		}
	}
	return nil
}

func emit(ev *discover.Evidence, out discover.Sink, c discover.Typed[*nginx.Config], holder arch.Ref) {
	svc := arch.Service{Uses: map[string]arch.Call{}}
	places := map[arch.Fact]arch.Source{}
	var first *arch.Source
	for _, p := range c.V.Passes {
		hosts := []nginx.Server{{Address: p.Host(), Pos: p.Pos}}
		if up, ok := c.V.Upstreams[p.Host()]; ok {
			hosts = up
		}
		for _, h := range hosts {
			ep, ok := discover.ParseEndpoint(h.Address)
			if !ok {
				continue
			}
			to, ok := ev.Hosts.Resolve(ep.Host, "")
			id := arch.CallID(to, 1)
			if _, seen := svc.Uses[id]; !ok || to == holder || seen {
				continue
			}
			src := at(h.Pos, c.Via)
			if first == nil {
				first = &src
			}
			svc.Uses[id] = arch.Call{To: to, Protocol: p.Protocol(), Why: p.Directive + " of nginx"}
			e := arch.Edge{From: holder, ID: id}
			for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why"), e.At("protocol")} {
				places[f] = src
			}
		}
	}
	if first == nil {
		return
	}
	s := arch.System{Services: map[string]arch.Service{holder.Name(): svc}}
	s.Locate(places)
	s.Attest(*first)
	out.System(s)
}

func at(p doc.Pos, via string) arch.Source {
	return arch.Source{Origin: arch.Config, By: Name, File: p.File, Line: p.Line, Col: p.Col, Via: via}
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
