// Package consul discovers services, their ports and the upstreams of their
// sidecars from what Consul is told: definitions in HCL and JSON, and Consul's
// resources in Kubernetes. Checks and intentions are put out for rules.
package consul

import (
	"context"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/consul"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Name of the source, as it stands in the ledger.
const Name = "consul"

// maxHCL bounds a file of HCL.
const maxHCL = 4 << 20

// Source reads definitions, configuration entries and resources.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes HCL and JSON that speaks of services or configuration entries, and
// every YAML file, since a resource may stand behind others.
func (*Source) Match(h discover.Head) bool {
	switch h.Ext {
	case ".hcl":
		return h.Has("service", "Service", "Kind", "kind")
	case ".json":
		return h.Has(`"service"`, `"services"`, `"Service"`, `"Services"`, `"Kind"`, consul.Group)
	}
	return h.YAML()
}

// Read puts out every document that is Consul's.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	var f *doc.File
	if in.Ext == ".hcl" {
		b, err := in.Bytes(maxHCL)
		if err != nil {
			return err
		}
		f = consul.ReadHCL(in.Path, b)
		if len(f.Faults) > 0 && in.Has("deregister_critical", "service-intentions", "sidecar_service", "enable_tag_override") {
			return f.Faults[0] // it is Consul's, and not for Nomad or Packer
		}
	} else {
		var err error
		if f, err = in.Docs(); err != nil {
			return err
		}
	}
	for _, d := range f.Docs {
		nodes := []*doc.Node{d.Root}
		if items := d.Root.Get("items"); items != nil && d.Root.Get("apiVersion") != nil {
			nodes = items.Items
		}
		for _, n := range nodes {
			if !consul.Is(n) || n.Get("apiVersion") == nil && in.Ext != ".hcl" && in.Ext != ".json" || n.Get("_format_version") != nil {
				continue // Consul reads definitions as HCL and JSON only; in YAML, services are Kong's or compose's
			}
			c := consul.Read(d, n)
			name := in.Base
			if n.Get("apiVersion") != nil {
				name = n.Str("kind") + " " + n.Str("metadata", "name")
			}
			out.Document(discover.Document{Doc: d, Node: n, Kind: "consul config", Name: name, Value: c, Faults: c.Faults})
		}
	}
	return nil
}

// Relate makes services of definitions, and calls of the upstreams of sidecars.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*consul.Config](ev.Documents)
	var of []arch.Ref
	for _, d := range docs {
		for i := range d.V.Services {
			ref := service(ev, d, &d.V.Services[i], out)
			of = append(of, ref)
		}
	}
	if len(docs) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// named is the element that answers to a name: a known one, else a store where
// the name is that of one, else a service.
func named(ev *discover.Evidence, name string) arch.Ref {
	if ref, ok := ev.Hosts.Resolve(name, ""); ok {
		return ref
	}
	if discover.Classify("", name).Store != "" {
		return arch.NewRef(arch.KindStore, name)
	}
	return arch.NewRef(arch.KindService, name)
}

func service(ev *discover.Evidence, d discover.Typed[*consul.Config], s *consul.Service, out discover.Sink) arch.Ref {
	ref := named(ev, s.Name)
	sys := arch.System{Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Deployments: map[string]arch.Deployment{}}
	if ref.Kind() == arch.KindStore {
		sys.Stores[ref.Name()] = arch.Store{Kind: discover.Classify("", s.Name).Store}
		sys.Attest(d.At(arch.Config, s.Way...))
		out.System(sys)
		return ref
	}
	x := arch.Service{Role: discover.Classify("", s.Name).Role, Uses: map[string]arch.Call{}}
	if s.Port > 0 {
		x.Run.Ports = map[string]int{"consul": s.Port}
	}
	places := map[arch.Fact]arch.Source{}
	for _, u := range s.Upstreams {
		to := named(ev, u.Name)
		id := arch.CallID(to, 1)
		e := arch.Edge{From: ref, ID: id}
		x.Uses[id] = arch.Call{To: to, Why: "upstream of its sidecar"}
		for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why")} {
			places[f] = d.At(arch.Config, u.Way...)
		}
	}
	sys.Services[ref.Name()] = x
	if _, deployed := ev.System.Deployments[arch.DeploymentKey(ev.Environment, ref.Name())]; s.Connect && deployed {
		sys.Deployments[arch.DeploymentKey(ev.Environment, ref.Name())] = arch.Deployment{Of: ref, Mesh: arch.Some(true)}
		places[arch.Fact{Of: arch.DeploymentRef(ev.Environment, ref.Name()), At: "/mesh"}] = d.At(arch.Config, consul.Place(s.Node, s.Way, "connect")...)
	}
	sys.Locate(places)
	sys.Attest(d.At(arch.Config, s.Way...))
	out.System(sys)
	return ref
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
