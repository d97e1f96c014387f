// Package aspire reads the deployment manifest that .NET Aspire writes
// (aspire-manifest.json): resources, how they run, and which of them each refers to.
//
// It only reads.
package aspire

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Resource is one of a manifest.
type Resource struct {
	Name     string
	Type     string // project.v0, container.v1, value.v0, ...
	Path     string // of a project or a Dockerfile
	Image    string
	Bindings map[string]string // name -> scheme
	Uses     []Use             // in their order, one a resource
	Node     *doc.Node
}

// Use is a reference to another resource.
type Use struct {
	To   string
	Via  string    // the variable that holds it
	Node *doc.Node // its value
}

// Runs reports whether the resource is something that runs, and not a text.
func (r Resource) Runs() bool {
	kind, _, _ := strings.Cut(r.Type, ".")
	return kind == "project" || kind == "container" || kind == "dockerfile" || kind == "executable"
}

// Is reports whether a document is a manifest.
func Is(n *doc.Node) bool {
	rs := n.Get("resources")
	if rs == nil || rs.Kind != doc.Map {
		return false
	}
	if strings.Contains(n.Str("$schema"), "aspire") {
		return true
	}
	return slices.ContainsFunc(rs.Entries, func(e doc.Entry) bool {
		t := e.Value.Str("type")
		return strings.HasPrefix(t, "project.v") || strings.HasPrefix(t, "container.v")
	})
}

var reference = regexp.MustCompile(`\{([A-Za-z][A-Za-z0-9_-]*)\.`)

// Read lists the resources of a manifest in their order. What a text resource
// (a connection string) refers to, who refers to it refers to.
func Read(d *doc.Document) []Resource {
	var out []Resource
	rs := d.Root.Get("resources")
	if rs == nil {
		return nil
	}
	for _, e := range rs.Entries {
		n := e.Value
		r := Resource{Name: e.Key.Text, Type: n.Str("type"), Path: n.Str("path"), Image: n.Str("image"), Bindings: map[string]string{}, Node: n}
		if b := n.Get("build"); b != nil && r.Path == "" {
			r.Path = b.Str("context")
		}
		if bs := n.Get("bindings"); bs != nil {
			for _, b := range bs.Entries {
				r.Bindings[b.Key.Text] = b.Value.Str("scheme")
			}
		}
		if env := n.Get("env"); env != nil {
			for _, v := range env.Entries {
				r.refer(v.Key.Text, v.Value)
			}
		}
		if c := n.Get("connectionString"); c != nil {
			r.refer("connectionString", c)
		}
		out = append(out, r)
	}
	return out
}

func (r *Resource) refer(via string, v *doc.Node) {
	for _, m := range reference.FindAllStringSubmatch(v.Text, -1) {
		if m[1] != r.Name && !slices.ContainsFunc(r.Uses, func(u Use) bool { return u.To == m[1] }) {
			r.Uses = append(r.Uses, Use{m[1], via, v})
		}
	}
}
