// Package aspire discovers services, stores and who refers to whom from the
// manifest that .NET Aspire writes.
package aspire

import (
	"context"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/aspire"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Name of the source, as it stands in the ledger.
const Name = "aspire"

// Source reads manifests.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes JSON that shows resources of Aspire's kinds.
func (*Source) Match(h discover.Head) bool {
	return h.Ext == ".json" && h.Has(`"resources"`) && h.Has("aspire", `"project.v`, `"container.v`)
}

// Read puts out the services and stores of a manifest: it stands on its own.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if aspire.Is(d.Root) {
			m := &manifest{d: d, by: map[string]aspire.Resource{}, refs: map[string]arch.Ref{}}
			m.put(in.Path, out)
		}
	}
	return nil
}

type manifest struct {
	d    *doc.Document
	by   map[string]aspire.Resource
	refs map[string]arch.Ref
}

func (m *manifest) put(path string, out discover.Sink) {
	rs := aspire.Read(m.d)
	var of []arch.Ref
	for _, r := range rs {
		m.by[r.Name] = r
		if !r.Runs() {
			continue
		}
		kind := arch.KindService
		if discover.Classify(r.Image, r.Name).Store != "" {
			kind = arch.KindStore
		}
		m.refs[r.Name] = arch.NewRef(kind, r.Name)
		of = append(of, m.refs[r.Name])
	}
	for _, r := range rs {
		if r.Runs() {
			out.System(m.system(r))
		}
	}
	out.Document(discover.Document{Doc: m.d, Node: m.d.Root, Kind: "aspire manifest", Name: path, Value: rs})
	out.Cover(arch.Coverage{Origin: arch.Config, Of: of})
}

func (m *manifest) at(n *doc.Node) arch.Source {
	p := m.d.Pos(n)
	return arch.Source{Origin: arch.Config, By: Name, File: p.File, Line: p.Line, Col: p.Col}
}

func (m *manifest) system(r aspire.Resource) arch.System {
	ref := m.refs[r.Name]
	c := discover.Classify(r.Image, r.Name)
	run := arch.Run{Image: r.Image, Package: r.Path}
	var s arch.System
	places := map[arch.Fact]arch.Source{}
	if ref.Kind() == arch.KindStore {
		s.Stores = map[string]arch.Store{r.Name: {Kind: c.Store, Run: run}}
	} else {
		svc := arch.Service{Role: c.Role, Run: run, Uses: map[string]arch.Call{}}
		for _, u := range r.Uses {
			to, protocol, ok := m.target(u.To, 0)
			id := arch.CallID(to, 1)
			if _, seen := svc.Uses[id]; !ok || seen || to == ref {
				continue
			}
			svc.Uses[id] = arch.Call{To: to, Protocol: protocol, Why: "variable " + u.Via}
			e := arch.Edge{From: ref, ID: id}
			for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why"), e.At("protocol")} {
				places[f] = m.at(u.Node)
			}
		}
		s.Services = map[string]arch.Service{r.Name: svc}
	}
	s.Locate(places)
	s.Attest(m.at(r.Node))
	return s
}

// maxHops bounds connection strings made of connection strings.
const maxHops = 8

// target follows texts to what runs.
func (m *manifest) target(name string, hops int) (arch.Ref, string, bool) {
	r, ok := m.by[name]
	if !ok || hops > maxHops {
		return "", "", false
	}
	if ref := m.refs[name]; ref != "" {
		for _, b := range arch.Sorted(r.Bindings) {
			if p := discover.ProtocolOf(r.Bindings[b], b, ""); p != "" {
				return ref, p, true
			}
		}
		return ref, "", true
	}
	for _, u := range r.Uses {
		if to, p, ok := m.target(u.To, hops+1); ok {
			return to, p, true
		}
	}
	return "", "", false
}

var _ discover.Source = (*Source)(nil)
