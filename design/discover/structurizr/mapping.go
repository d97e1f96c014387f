package structurizr

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/blueprint"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/structurizr"
)

// Properties that ashlar diagram writes.
const (
	propRef     = "ashlar.ref"
	propContext = "ashlar.context"
	propTeam    = "ashlar.team"
)

type mapping struct {
	w *structurizr.Workspace
	// by ID
	element map[string]*structurizr.Element
	holds   map[string]bool // software systems with containers
	// open are the names of all software systems with containers, also those of other
	// workspaces.
	open map[string]bool
}

func newMapping(w *structurizr.Workspace, open map[string]bool) *mapping {
	m := &mapping{w: w, element: map[string]*structurizr.Element{}, holds: map[string]bool{}, open: open}
	for i := range w.Elements {
		e := &w.Elements[i]
		if _, taken := m.element[e.ID]; !taken {
			m.element[e.ID] = e
		}
	}
	for _, e := range w.Elements {
		if e.Kind == structurizr.Container {
			for id, n := e.Parent, 0; id != "" && n < maxDepth; n++ {
				m.holds[id] = true
				id = m.parent(id)
			}
		}
	}
	return m
}

// opened adds the names of the software systems with containers.
func (m *mapping) opened(open map[string]bool) {
	for _, e := range m.w.Elements {
		if e.Kind == structurizr.SoftwareSystem && m.holds[e.ID] {
			open[blueprint.Slug(e.Name)] = true
		}
	}
}

// maxDepth bounds a walk outward, were elements to lie in each other.
const maxDepth = 200

func (m *mapping) parent(id string) string {
	if e := m.element[id]; e != nil {
		return e.Parent
	}
	return ""
}

// stands is the element that stands for another: a container for its components.
func (m *mapping) stands(id string) string {
	for at, n := id, 0; at != "" && n < maxDepth; n++ {
		if e := m.element[at]; e != nil && e.Kind == structurizr.Container {
			return at
		}
		at = m.parent(at)
	}
	return id
}

func (m *mapping) plan() *blueprint.Plan {
	p := &blueprint.Plan{}
	for i := range m.w.Elements {
		e := &m.w.Elements[i]
		if e.Kind == structurizr.Component || m.stands(e.ID) != e.ID {
			continue // and groups of components
		}
		p.Boxes = append(p.Boxes, m.box(e))
	}
	for _, r := range m.w.Relationships {
		p.Arrows = append(p.Arrows, m.arrow(r))
	}
	return p
}

func at(p doc.Pos) arch.Source {
	return arch.Source{Origin: arch.Config, By: Name, File: p.File, Line: p.Line, Col: p.Col}
}

func (m *mapping) box(e *structurizr.Element) blueprint.Box {
	x := blueprint.Box{ID: e.ID, Name: e.Name, Inside: e.Parent, Words: append(slices.Clone(e.Tags), e.Technology), At: at(e.Pos), Kind: m.kind(e), Owner: e.Properties[propTeam], Context: e.Properties[propContext]}
	ref, err := arch.ParseRef(e.Properties[propRef])
	if err != nil {
		return x
	}
	switch ref.Kind() {
	case arch.KindService, arch.KindStore, arch.KindTopic, arch.KindGateway, arch.KindExternal:
	default:
		return x
	}
	x.Ref = ref
	x.Named = slices.Contains(e.Tags, "missing")
	if x.Words = nil; ref.Kind() == arch.KindService {
		x.Role, x.Lang = detail(e.Technology)
	} else {
		x.Product = e.Technology
	}
	return x
}

// detail parts what ashlar diagram writes as the technology of a service: its role,
// its language, or both.
func detail(technology string) (role, lang string) {
	for part := range strings.SplitSeq(technology, " · ") {
		switch part {
		case "load generator":
			role = arch.RoleLoadgen
		case arch.RoleUI, arch.RoleJob, arch.RoleGateway, arch.RoleBroker, arch.RoleRegistry, arch.RoleConfig, arch.RoleTelemetry, arch.RoleIdentity:
			role = part
		default:
			lang = part
		}
	}
	return role, lang
}

// kind is what an element means here.
func (m *mapping) kind(e *structurizr.Element) blueprint.Kind {
	switch e.Kind {
	case structurizr.Group:
		return blueprint.Area
	case structurizr.Container:
		return containerKind(e)
	case structurizr.SoftwareSystem:
	default:
		return blueprint.Other
	}
	if m.holds[e.ID] || m.open[blueprint.Slug(e.Name)] {
		return blueprint.Area
	}
	for _, t := range e.Tags {
		if strings.Contains(strings.ToLower(t), "external") || t == "Existing System" {
			return blueprint.External
		}
	}
	if len(m.open) > 0 {
		return blueprint.External
	}
	return containerKind(e)
}

func containerKind(e *structurizr.Element) blueprint.Kind {
	if k, ok := blueprint.KindOf(e.Tags...); ok {
		return k
	}
	if blueprint.Lang(e.Technology) != "" { // a program that may name what it stores into
		return blueprint.Service
	}
	if k, ok := blueprint.KindOf(e.Technology); ok {
		return k
	}
	if k, ok := blueprint.KindOfName(e.Name); ok {
		return k
	}
	return blueprint.Service
}

// ways are the tags that ashlar diagram gives relationships.
var ways = map[string]string{"read": arch.AccessRead, "write": arch.AccessWrite, "publish": arch.AccessPublish, "subscribe": arch.AccessSubscribe, "sync": arch.AccessCall, "async": "", "use": "", "route": "", "dead-letter": ""}

func (m *mapping) arrow(r structurizr.Relationship) blueprint.Arrow {
	a := blueprint.Arrow{ID: r.From + " " + r.To + " " + r.Description, From: m.stands(r.From), To: m.stands(r.To), Protocol: blueprint.Protocol(r.Technology), Text: r.Description, Async: r.Async, At: at(r.Pos)}
	if a.Protocol == "" && !strings.ContainsAny(r.Technology, " ,/") {
		a.Protocol = strings.ToLower(r.Technology)
	}
	e := m.element[r.From]
	if e == nil || e.Properties[propRef] == "" || len(r.Tags) == 0 {
		return a
	}
	way, ours := ways[r.Tags[0]]
	if !ours {
		return a
	}
	a.Way, a.Stated, a.Async, a.Text = way, true, r.Tags[0] == "async", ""
	if r.Tags[0] == "dead-letter" {
		a.Text = "dead letters"
	}
	return a
}

// deployments say in which environment an element runs, and how often.
func (m *mapping) deployments(refs map[string]arch.Ref) (s arch.System) {
	s.Deployments = map[string]arch.Deployment{}
	places := map[arch.Fact]arch.Source{}
	for _, i := range m.w.Instances {
		ref, env := refs[i.Of], blueprint.Slug(i.Environment)
		if ref.Kind() != arch.KindService && ref.Kind() != arch.KindStore || env == "" {
			continue
		}
		key := arch.DeploymentKey(env, ref.Name())
		d, seen := s.Deployments[key]
		n, known := d.Replicas.Get()
		d.Of = ref
		if d.Replicas = (arch.Opt[int]{}); i.Count > 0 && (known || !seen) {
			d.Replicas = arch.Some(n + i.Count)
		}
		s.Deployments[key] = d
		for _, f := range []arch.Field{"", "/of", "/replicas"} {
			if fact := (arch.Fact{Of: arch.DeploymentRef(env, ref.Name()), At: f}); places[fact] == (arch.Source{}) {
				places[fact] = at(i.Pos)
			}
		}
	}
	s.Locate(places)
	return s
}
