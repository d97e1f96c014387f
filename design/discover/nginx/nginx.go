// Package nginx discovers whom a proxy passes requests on to, from nginx
// configuration inside the ConfigMaps that its pods mount, and from files called
// like nginx's in a folder that one known service is built from or called as.
// Configuration that lies elsewhere says nothing of who reads it.
package nginx

import (
	"context"
	"path"
	"regexp"
	"strings"

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

// named like the files that people copy into nginx's image.
var named = regexp.MustCompile(`^(.*nginx.*|default)\.conf(\.template)?$`)

// Read puts out the configuration of a file that something holds, or that is
// called like nginx's.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	if in.Within == "" && !named.MatchString(in.Base) {
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
		holders := ev.Holders[c.Within]
		if c.Within == "" {
			holders = folder(ev.System, c.Path)
			if len(holders) == 0 {
				out.Skip(c.Path, Name+": it passes requests on, but no service is known that is built from its folder")
			}
		}
		for _, holder := range holders {
			if holder.Kind() == arch.KindService {
				emit(ev, out, c, holder)
			}
		}
	}
	return nil
}

// folder is the one service that is built from the folder of a file or one around
// it, or called as it.
func folder(s arch.System, file string) []arch.Ref {
	for d := path.Dir(file); d != "." && d != "/"; d = path.Dir(d) {
		var found []arch.Ref
		for _, name := range arch.Sorted(s.Services) {
			built := strings.Trim(path.Clean(strings.ReplaceAll(s.Services[name].Run.Package, "\\", "/")), "/")
			if name == path.Base(d) || built != "." && (d == built || strings.HasSuffix(d, "/"+built)) {
				found = append(found, arch.NewRef(arch.KindService, name))
			}
		}
		if len(found) > 0 {
			if len(found) > 1 {
				return nil
			}
			return found
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
