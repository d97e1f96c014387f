// Package calm discovers services, stores, topics, who calls whom, journeys and
// constraints from architectures of FINOS CALM. They are written by people and say
// what is meant; which calls happen, manifests and traces know better.
//
// # What maps
//
//   - Nodes become services, stores, topics and external systems by their type; a
//     type that is none of CALM's own by the words in it, or else a service when
//     something connects to it.
//   - connects and interacts become calls, with the protocol; the description says
//     whether a store is read or written, and a topic published or subscribed to.
//   - composed-of makes bounded contexts of systems, when there is more than one;
//     deployed-in makes deployments where the container bears the name of an
//     environment.
//   - Interfaces give images, ports, hosts and operations (a path with a method).
//   - A flow becomes a journey through one operation of each service on its way.
//   - Controls become constraints of kind compliance.
//
// Actors, data assets and options have no place in the model. The IDs that ashlar
// diagram writes ("service/order") are taken as they are.
package calm

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/blueprint"
	"github.com/ashlar-dev/ashlar/formats/calm"
)

// Name of the source, as it stands in the ledger.
const Name = "calm"

// Source reads architectures.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes JSON that shows CALM's keys near its head.
func (*Source) Match(h discover.Head) bool {
	return (h.Ext == ".json" || h.Path == "-") && h.Has(`"unique-id"`, "calm.finos.org/")
}

// Read puts out each architecture: it stands on its own.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if !calm.Is(d.Root) {
			continue
		}
		a, faults := calm.Read(d)
		m := &mapping{Architecture: a, doc: discover.Document{Source: Name, Path: in.Path, Doc: d, Node: d.Root, Kind: "calm architecture", Name: in.Path, Value: a, Faults: faults, Origins: in.Origins}}
		m.put(out)
	}
	return nil
}

type mapping struct {
	*calm.Architecture
	doc discover.Document
	// by ID: what stands around a node, what it holds, whether something connects
	// to it.
	inside    map[string]string
	holds     map[string]bool
	connected map[string]bool
	services  bool // some node is one
	name      map[string]string
	relation  map[string]calm.Relationship
	refs      map[string]arch.Ref
}

func (m *mapping) put(out discover.Sink) {
	m.relations()
	plan := blueprint.Plan{}
	for i, n := range m.Nodes {
		plan.Boxes = append(plan.Boxes, m.box(n, m.at("nodes", fmt.Sprint(i), "unique-id"), i))
	}
	for i, r := range m.Relationships {
		plan.Arrows = append(plan.Arrows, m.arrows(r, m.at("relationships", fmt.Sprint(i), "relationship-type"))...)
	}
	res := plan.System()
	m.refs = res.Refs
	out.Document(m.doc)
	out.System(res.System)
	for _, s := range m.more() {
		out.System(s)
	}
	out.Cover(arch.Coverage{Origin: arch.Config, Of: res.Of})
	if left := append(res.Left, m.left()...); len(left) > 0 {
		out.Skip(m.doc.Path, Name+": left out: "+strings.Join(left, "; "))
	}
}

func (m *mapping) at(path ...string) arch.Source { return m.doc.At(arch.Config, path...) }

// relations looks at what lies within what, and what is called at all.
func (m *mapping) relations() {
	m.inside, m.holds, m.connected = map[string]string{}, map[string]bool{}, map[string]bool{}
	m.name, m.relation = map[string]string{}, map[string]calm.Relationship{}
	for _, r := range m.Relationships {
		m.relation[r.ID] = r
		if c := r.Type.ComposedOf; c != nil {
			m.holds[c.Container] = true
			for _, id := range c.Nodes {
				if m.inside[id] == "" && id != c.Container {
					m.inside[id] = c.Container
				}
			}
		}
		if c := r.Type.DeployedIn; c != nil {
			m.holds[c.Container] = true
		}
		if c := r.Type.Connects; c != nil {
			m.connected[c.Source.Node], m.connected[c.Destination.Node] = true, true
		}
		if c := r.Type.Interacts; c != nil {
			m.connected[c.Actor] = true
			for _, id := range c.Nodes {
				m.connected[id] = true
			}
		}
	}
	for _, n := range m.Nodes {
		m.services = m.services || n.Type == calm.Service
		m.name[n.ID] = n.Name
	}
}

// left counts what the model has no noun for.
func (m *mapping) left() []string {
	options, patterns := 0, 0
	for _, r := range m.Relationships {
		if r.Type.Options != nil {
			options++
		}
	}
	for _, n := range m.Nodes {
		if n.Details != nil && n.Details.Architecture != "" && strings.Contains(n.Details.Architecture, "://") {
			patterns++
		}
	}
	var out []string
	if options > 0 {
		out = append(out, fmt.Sprintf("%d options: which one was chosen is not said", options))
	}
	if patterns > 0 {
		out = append(out, fmt.Sprintf("%d detailed architectures elsewhere, which are not fetched", patterns))
	}
	return out
}

// deployments are what a container that bears an environment's name holds.
func (m *mapping) deployments() (s arch.System) {
	s.Deployments = map[string]arch.Deployment{}
	places := map[arch.Fact]arch.Source{}
	for i, r := range m.Relationships {
		c := r.Type.DeployedIn
		if c == nil {
			continue
		}
		env := cmp.Or(discover.EnvironmentOf(blueprint.Slug(c.Container)), discover.EnvironmentOf(blueprint.Slug(m.name[c.Container])))
		for j, id := range c.Nodes {
			ref := m.refs[id]
			if env == "" || ref.Kind() != arch.KindService && ref.Kind() != arch.KindStore {
				continue
			}
			s.Deployments[arch.DeploymentKey(env, ref.Name())] = arch.Deployment{Of: ref}
			for _, f := range []arch.Field{"", "/of"} {
				places[arch.Fact{Of: arch.DeploymentRef(env, ref.Name()), At: f}] = m.at("relationships", fmt.Sprint(i), "relationship-type", "deployed-in", "nodes", fmt.Sprint(j))
			}
		}
	}
	s.Locate(places)
	return s
}

// more are the facts that are no boxes and arrows.
func (m *mapping) more() []arch.System {
	out := []arch.System{m.deployments(), m.constraints()}
	for i, f := range m.Flows {
		out = append(out, m.journey(f, i))
	}
	return out
}

// constraints are what the controls ask for.
func (m *mapping) constraints() (s arch.System) {
	s.Constraints = map[string]arch.Constraint{}
	places := map[arch.Fact]arch.Source{}
	add := func(controls map[string]calm.Control, of arch.Ref, about string, path ...string) {
		for _, name := range arch.Sorted(controls) {
			c := controls[name]
			key := name
			if about != "" {
				key += " of " + about
			}
			x := arch.Constraint{Kind: "compliance", Of: of, Value: name, Why: c.Description}
			if len(c.Requirements) > 0 {
				x.Value = c.Requirements[0].URL
			}
			s.Constraints[key] = x
			for _, f := range []arch.Field{"", "/kind", "/of", "/value", "/why"} {
				places[arch.Fact{Of: arch.NewRef(arch.KindConstraint, key), At: f}] = m.at(append(path, "controls", name)...)
			}
		}
	}
	add(m.Controls, "", "")
	for i, n := range m.Nodes {
		add(n.Controls, m.refs[n.ID], n.ID, "nodes", fmt.Sprint(i))
	}
	for i, r := range m.Relationships {
		var of arch.Ref
		if r.Type.Connects != nil {
			of = m.refs[r.Type.Connects.Source.Node]
		}
		add(r.Controls, of, r.ID, "relationships", fmt.Sprint(i))
	}
	s.Locate(places)
	return s
}

var _ discover.Source = (*Source)(nil)
