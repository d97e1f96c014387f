// Package backstage discovers services, teams, stores and who provides and
// consumes which API from a Backstage catalogue. A catalogue is written by people
// and says what is meant; which calls happen, manifests and traces know better.
package backstage

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/backstage"
)

// Name of the source, as it stands in the ledger.
const Name = "backstage"

// Source reads catalogue files.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes YAML that names the API group; templates of new components are not
// the catalogue.
func (*Source) Match(h discover.Head) bool {
	return h.YAML() && h.Has("backstage.io/") && !strings.Contains(h.Path, "/skeleton/") && !strings.Contains(h.Path, "/__fixtures__/")
}

// Read puts out every entity.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if backstage.Is(d.Root) {
			e := backstage.Read(d.Root)
			out.Document(discover.Document{Doc: d, Node: d.Root, Kind: "backstage " + e.Kind, Name: e.Kind + " " + e.Name, Value: e})
		}
	}
	return nil
}

type entity = discover.Typed[*backstage.Entity]

type relation struct {
	s       arch.System
	places  map[arch.Fact]arch.Source
	refs    map[backstage.Ref]arch.Ref // components and resources
	domains map[backstage.Ref]string   // of systems
	apis    map[backstage.Ref]string   // contract's name
	by      map[backstage.Ref]arch.Ref // API -> provider
}

// Relate makes the catalogue a System.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*backstage.Entity](ev.Documents)
	if len(docs) == 0 {
		return nil
	}
	r := &relation{places: map[arch.Fact]arch.Source{}, refs: map[backstage.Ref]arch.Ref{}, domains: map[backstage.Ref]string{}, apis: map[backstage.Ref]string{}, by: map[backstage.Ref]arch.Ref{}}
	r.s = arch.System{Services: map[string]arch.Service{}, Stores: map[string]arch.Store{}, Topics: map[string]arch.Topic{}, Teams: map[string]arch.Team{}, Contexts: map[string]arch.Context{}, Contracts: map[string]arch.Contract{}}
	for _, d := range docs {
		r.declare(d)
	}
	for _, d := range docs {
		if to := r.refs[d.V.Self()]; to.Kind() == arch.KindService {
			for _, api := range d.V.Provides {
				r.by[api] = to
			}
		}
	}
	var of []arch.Ref
	for _, d := range docs {
		if ref := r.refs[d.V.Self()]; ref.Kind() == arch.KindService {
			r.component(d, ref)
			of = append(of, ref)
		}
		r.api(d, docs)
	}
	r.s.Locate(r.places)
	r.s.Attest(arch.Source{Origin: arch.Config, By: Name})
	out.System(r.s)
	slices.Sort(of)
	out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	return nil
}

func (r *relation) at(d entity, ref arch.Ref, field arch.Field, way ...string) {
	r.places[arch.Fact{Of: ref, At: field}] = d.At(arch.Config, way...)
}

func (r *relation) declare(d entity) {
	e := d.V
	switch e.Kind {
	case "Component":
		if e.Type == "library" || e.Type == "documentation" || e.Type == "plugin" {
			return
		}
		ref := arch.NewRef(arch.KindService, e.Name)
		r.refs[e.Self()] = ref
		svc := arch.Service{}
		if e.Type == "website" {
			svc.Role = arch.RoleUI
			r.at(d, ref, "/role", "spec", "type")
		}
		r.s.Services[e.Name] = svc
		r.at(d, ref, "", "metadata", "name")
	case "Resource":
		r.resource(d)
	case "Group":
		if e.Type == "" || e.Type == "team" || e.Type == "squad" {
			r.s.Teams[e.Name] = arch.Team{}
			r.at(d, arch.NewRef(arch.KindTeam, e.Name), "", "metadata", "name")
		}
	case "System":
		r.domains[e.Self()] = e.Domain.Name
		if e.Domain.Name == "" {
			r.domains[e.Self()] = e.Name
		}
	case "API":
		r.apis[e.Self()] = e.Name
	}
}

// resource: databases and the like are stores, topics are topics; of the rest the
// model has no noun.
func (r *relation) resource(d entity) {
	e := d.V
	t := strings.ToLower(e.Type)
	switch {
	case strings.Contains(t, "topic") || strings.Contains(t, "queue"):
		ref := arch.NewRef(arch.KindTopic, e.Name)
		r.s.Topics[e.Name] = arch.Topic{}
		r.refs[e.Self()] = ref
		r.at(d, ref, "", "metadata", "name")
	case slices.ContainsFunc([]string{"database", "db", "postgres", "mysql", "mongo", "redis", "cache", "bucket", "s3", "store", "storage"}, func(w string) bool { return strings.Contains(t, w) }):
		ref := arch.NewRef(arch.KindStore, e.Name)
		kind := discover.Classify("", e.Name).Store
		if kind == "" && t != "database" {
			kind = t
		}
		r.s.Stores[e.Name] = arch.Store{Kind: kind}
		r.refs[e.Self()] = ref
		r.at(d, ref, "", "metadata", "name")
		r.at(d, ref, "/kind", "spec", "type")
	}
}

func (r *relation) component(d entity, ref arch.Ref) {
	e := d.V
	svc := r.s.Services[e.Name]
	if e.Owner.Kind == "group" {
		svc.Owner = e.Owner.Name
		r.at(d, ref, "/owner", "spec", "owner")
		if _, ok := r.s.Teams[svc.Owner]; !ok {
			r.s.Teams[svc.Owner] = arch.Team{}
			r.at(d, arch.NewRef(arch.KindTeam, svc.Owner), "", "spec", "owner")
		}
	}
	if c := r.domains[e.System]; c != "" {
		svc.Context = c
		r.at(d, ref, "/context", "spec", "system")
		r.s.Contexts[c] = arch.Context{}
		r.at(d, arch.NewRef(arch.KindContext, c), "", "spec", "system")
	}
	use := func(to arch.Ref, why string, way ...string) {
		id := arch.CallID(to, 1)
		if _, ok := svc.Uses[id]; ok || to == "" || to == ref {
			return
		}
		if svc.Uses == nil {
			svc.Uses = map[string]arch.Call{}
		}
		svc.Uses[id] = arch.Call{To: to, Why: why}
		for _, f := range []arch.Field{"", "/to", "/why"} {
			r.at(d, ref, arch.Field("").Join("uses", id)+f, way...)
		}
	}
	for _, api := range e.Consumes {
		to := r.by[api]
		if api.Kind != "api" { // a catalogue may name the component itself
			to = r.refs[api]
		}
		use(to, "consumes "+api.Name, "spec", "consumesApis")
	}
	for _, x := range e.DependsOn {
		use(r.refs[x], "depends on "+x.Name, "spec", "dependsOn")
	}
	r.s.Services[e.Name] = svc
}

var kinds = map[string]string{"openapi": "openapi", "asyncapi": "asyncapi", "grpc": "proto", "graphql": "graphql"}

func (r *relation) api(d entity, docs []entity) {
	e := d.V
	if e.Kind != "API" {
		return
	}
	c := arch.Contract{Kind: kinds[strings.ToLower(e.Type)], Provider: r.by[e.Self()]}
	if e.Definition != "" && !strings.Contains(e.Definition, "://") {
		c.File = path.Join(path.Dir(d.Path), e.Definition)
	}
	for _, x := range docs {
		if ref := r.refs[x.V.Self()]; ref.Kind() == arch.KindService && slices.Contains(x.V.Consumes, e.Self()) {
			c.Consumers = append(c.Consumers, ref)
		}
	}
	slices.Sort(c.Consumers)
	r.s.Contracts[e.Name] = c
	ref := arch.NewRef(arch.KindContract, e.Name)
	for _, f := range []arch.Field{"", "/kind", "/file", "/provider", "/consumers"} {
		r.at(d, ref, f, "spec")
	}
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
