// Package backstage reads the entities of a Backstage software catalogue
// (catalog-info.yaml): Component, API, System, Domain, Resource, Group.
//
// It only reads.
package backstage

import (
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Entity is one descriptor.
type Entity struct {
	Kind, Name, Namespace, Title string
	Type                         string // spec.type
	Owner                        Ref
	System, Domain               Ref
	DependsOn                    []Ref
	Provides, Consumes           []Ref
	// Definition is the file that an API's definition is taken from ($text, $json,
	// $yaml); "" where it stands in the entity.
	Definition string
}

// Ref names an entity: kind:namespace/name, small letters.
type Ref struct{ Kind, Namespace, Name string }

// Is reports whether a node is an entity of a catalogue.
func Is(n *doc.Node) bool {
	return n != nil && n.Kind == doc.Map && strings.HasPrefix(n.Str("apiVersion"), "backstage.io/") && n.Str("metadata", "name") != ""
}

// Read reads an entity.
func Read(n *doc.Node) *Entity {
	e := &Entity{Kind: n.Str("kind"), Name: n.Str("metadata", "name"), Namespace: n.Str("metadata", "namespace"), Title: n.Str("metadata", "title"), Type: n.Str("spec", "type")}
	if e.Namespace == "" {
		e.Namespace = "default"
	}
	ref := func(kind string, path ...string) Ref { return e.ref(n.Str(path...), kind) }
	e.Owner = ref("group", "spec", "owner")
	e.System = ref("system", "spec", "system")
	e.Domain = ref("domain", "spec", "domain")
	e.DependsOn = e.refs(n.Find("spec", "dependsOn"), "component")
	e.Provides = e.refs(n.Find("spec", "providesApis"), "api")
	e.Consumes = e.refs(n.Find("spec", "consumesApis"), "api")
	for _, k := range []string{"$text", "$json", "$yaml"} {
		if f := n.Str("spec", "definition", k); f != "" {
			e.Definition = f
		}
	}
	return e
}

func (e *Entity) refs(n *doc.Node, kind string) []Ref {
	if n == nil {
		return nil
	}
	var out []Ref
	for _, it := range n.Items {
		if r := e.ref(it.Text, kind); r.Name != "" {
			out = append(out, r)
		}
	}
	return out
}

// ref reads [kind:][namespace/]name; what is left out is the field's kind and the
// entity's own namespace.
func (e *Entity) ref(s, kind string) Ref {
	if s == "" {
		return Ref{}
	}
	r := Ref{kind, e.Namespace, s}
	if k, rest, ok := strings.Cut(s, ":"); ok {
		r.Kind, r.Name = strings.ToLower(k), rest
	}
	if ns, rest, ok := strings.Cut(r.Name, "/"); ok {
		r.Namespace, r.Name = ns, rest
	}
	return r
}

// Self is the reference to the entity.
func (e *Entity) Self() Ref { return Ref{strings.ToLower(e.Kind), e.Namespace, e.Name} }
