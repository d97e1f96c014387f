// Package structurizr discovers services, stores, who calls whom and what runs
// where from C4 workspaces: Structurizr's DSL and its JSON. They are drawn by
// people and say what is meant; which calls happen, manifests and traces know
// better.
//
// # What maps
//
//   - Containers become services, stores and topics, by their tags, technology and
//     the last word of their name. Arrows of components are those of their
//     container.
//   - A software system with containers is a bounded context, when there are
//     several, and so is a group. One without containers is an external system
//     beside those with, and a service where no system has any.
//   - Relationships become calls, with the protocol of their technology; the
//     description says whether a store is read or written, and a topic published
//     or subscribed to.
//   - Deployment environments become deployments, with the number of instances.
//
// People, custom elements and infrastructure nodes have no place in the model, and
// views are not read. Nothing is fetched, and no script or plugin is run: what the
// workspace asks for beyond the files below the folder that was named is listed.
// Properties "ashlar.ref", "ashlar.context" and "ashlar.team", which ashlar diagram
// writes, say what an element is.
package structurizr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/structurizr"
)

// Name of the source, as it stands in the ledger.
const Name = "structurizr"

// maxBytes bounds one file.
const maxBytes = 16 << 20

// Source reads workspaces.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes DSL files, and JSON that is called like a workspace or shows one.
func (*Source) Match(h discover.Head) bool {
	switch h.Ext {
	case ".dsl":
		return true
	case ".json":
		return h.Base == "workspace.json" || h.Has(`"softwareSystems"`) || h.Has("structurizr")
	}
	return h.Path == "-" && (h.Has("workspace") && h.Has("softwareSystem"))
}

// Read puts out a workspace; a file of the DSL that is only a part of one is read
// with the one that includes it.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	if in.Ext == ".json" {
		return readJSON(in, out)
	}
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	if !structurizr.IsDSL(src) {
		if in.Path == "-" {
			return readJSON(in, out)
		}
		return nil
	}
	w, faults := structurizr.ReadDSL(in.Path, src, &structurizr.Options{Open: opener(in)})
	out.Document(discover.Document{Kind: "structurizr workspace", Name: in.Path, Value: w, Faults: faults})
	return nil
}

func readJSON(in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	for _, d := range f.Docs {
		if structurizr.IsJSON(d.Root) {
			out.Document(discover.Document{Kind: "structurizr workspace", Name: in.Path, Doc: d, Node: d.Root, Value: structurizr.ReadJSON(d)})
		}
	}
	return nil
}

var errOutside = errors.New("it lies outside the folder that was read")

// opener gives the files below the folder that was named, and none that a link
// leads to.
func opener(in *discover.Input) func(string) ([]byte, []string, error) {
	if in.Root == nil {
		return nil
	}
	base := strings.TrimSuffix(in.Path, in.Rel)
	return func(p string) ([]byte, []string, error) {
		rel, inside := strings.CutPrefix(p, base)
		if rel == "" {
			rel = "."
		}
		if !inside || !fs.ValidPath(rel) {
			return nil, nil, errOutside
		}
		for at := rel; at != "."; at = path.Dir(at) {
			fi, err := fs.Lstat(in.Root, at)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil, nil, errors.New("there is no such file")
			case err != nil:
				return nil, nil, err
			case fi.Mode()&fs.ModeSymlink != 0:
				return nil, nil, errOutside
			case at == rel && fi.Size() > maxBytes:
				return nil, nil, fmt.Errorf("it is larger than %d MiB", maxBytes>>20)
			case at == rel && !fi.IsDir() && !fi.Mode().IsRegular():
				return nil, nil, errors.New("it is no file")
			}
		}
		if es, err := fs.ReadDir(in.Root, rel); err == nil {
			names := []string{}
			for _, e := range es {
				names = append(names, e.Name())
			}
			return nil, names, nil
		}
		b, err := fs.ReadFile(in.Root, rel)
		return b, nil, err
	}
}

// Relate makes each workspace facts: a system that one workspace shows from
// outside, another may show from inside.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*structurizr.Workspace](ev.Documents)
	open := map[string]bool{}
	for _, d := range docs {
		newMapping(d.V, nil).opened(open)
	}
	for _, d := range docs {
		put(d, newMapping(d.V, open), out)
	}
	return nil
}

func put(d discover.Typed[*structurizr.Workspace], m *mapping, out discover.Sink) {
	res := m.plan().System()
	out.System(res.System)
	out.System(m.deployments(res.Refs))
	out.Cover(arch.Coverage{Origin: arch.Config, Of: res.Of})
	left := res.Left
	if d.V.Views > 0 {
		left = append(left, fmt.Sprintf("%d views, which say how to draw", d.V.Views))
	}
	if len(left) > 0 {
		out.Skip(d.Path, Name+": left out: "+strings.Join(left, "; "))
	}
	for _, l := range d.V.Left {
		out.Skip(l.Pos.File, fmt.Sprintf("%s: line %d: %s", Name, l.Pos.Line, doc.Redact(l.What)))
	}
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
