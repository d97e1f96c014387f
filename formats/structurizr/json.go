package structurizr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Asynchronous is the tag that people give relationships nobody waits for.
const Asynchronous = "Asynchronous"

// IsJSON reports whether a document is a workspace: a model with software systems,
// people or deployment nodes.
func IsJSON(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map {
		return false
	}
	m := n.Get("model")
	if m == nil || m.Kind != doc.Map {
		return false
	}
	for _, key := range []string{"softwareSystems", "people", "deploymentNodes"} {
		if l := m.Get(key); l != nil && l.Kind == doc.List && (len(l.Items) == 0 || l.Items[0].Get("name") != nil) {
			return n.Get("views") != nil || n.Get("configuration") != nil || key == "softwareSystems" && len(l.Items) > 0
		}
	}
	return false
}

// ReadJSON reads a workspace of the JSON. Relationships that others imply are left
// out, as the DSL does not write them.
func ReadJSON(d *doc.Document) *Workspace {
	r := &jsonReader{d: d, w: &Workspace{Name: d.Root.Str("name"), Description: d.Root.Str("description")}, groups: map[string]string{}, seen: map[string]bool{}}
	m := d.Root.Get("model")
	r.separator = "\x00"
	for _, props := range []*doc.Node{m.Get("properties"), d.Root.Find("configuration", "properties")} {
		if props != nil && props.Str("structurizr.groupSeparator") != "" {
			r.separator = props.Str("structurizr.groupSeparator")
		}
	}
	for _, list := range []struct {
		key  string
		kind Kind
	}{{"people", Person}, {"softwareSystems", SoftwareSystem}, {"customElements", Custom}} {
		r.elements(m.Get(list.key), list.kind, "", 0)
	}
	for _, n := range items(m.Get("deploymentNodes")) {
		r.node(n, nil, 1, 0)
	}
	slices.SortStableFunc(r.w.Relationships, func(a, b Relationship) int { return a.Pos.Line - b.Pos.Line })
	if v := d.Root.Get("views"); v != nil {
		for _, e := range v.Entries {
			if strings.HasSuffix(e.Key.Text, "Views") {
				r.w.Views += len(items(e.Value))
			}
		}
	}
	return r.w
}

type jsonReader struct {
	d         *doc.Document
	w         *Workspace
	separator string
	groups    map[string]string // parent and name -> ID
	seen      map[string]bool
}

func items(n *doc.Node) []*doc.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// inside of elements, by kind.
var inside = map[Kind]struct {
	key  string
	kind Kind
}{SoftwareSystem: {"containers", Container}, Container: {"components", Component}}

func (r *jsonReader) elements(list *doc.Node, kind Kind, parent string, depth int) {
	for _, n := range items(list) {
		id := n.Str("id")
		if id == "" || r.seen[id] || len(r.w.Elements) >= maxElements {
			continue
		}
		r.seen[id] = true
		e := Element{ID: id, Kind: kind, Name: n.Str("name"), Description: n.Str("description"), Technology: n.Str("technology"), Tags: tagsOf(n, kind), Properties: properties(n), Pos: r.d.Pos(n.Get("name"))}
		e.Parent = r.group(n.Str("group"), parent, e.Pos)
		r.w.Elements = append(r.w.Elements, e)
		r.relationships(n, id)
		if in, ok := inside[kind]; ok && depth < maxDepth {
			r.elements(n.Get(in.key), in.kind, id, depth+1)
		}
	}
}

// own are the tags that elements have by themselves.
var own = map[string]bool{"Element": true, "Person": true, "Software System": true, "Container": true, "Component": true, "Relationship": true}

func tagsOf(n *doc.Node, kind Kind) []string {
	tags := addTags(nil, n.Str("tags"))
	tags = slices.DeleteFunc(tags, func(t string) bool { return own[t] })
	if (kind == SoftwareSystem || kind == Person) && n.Str("location") == "External" && !slices.Contains(tags, "External") {
		tags = append(tags, "External")
	}
	return slices.Clip(tags)
}

func properties(n *doc.Node) map[string]string {
	m := n.Get("properties")
	if m == nil || m.Kind != doc.Map || len(m.Entries) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, e := range m.Entries {
		out[e.Key.Text] = e.Value.Text
	}
	return out
}

// group is the ID of a group's element, which is made when it is first named. Names
// of nested groups hold those around them.
func (r *jsonReader) group(name, parent string, pos doc.Pos) string {
	if name == "" {
		return parent
	}
	for part := range strings.SplitSeq(name, r.separator) {
		key := parent + "\x00" + part
		id, ok := r.groups[key]
		if !ok {
			id = "group " + strconv.Itoa(len(r.groups)+1)
			r.groups[key] = id
			r.w.Elements = append(r.w.Elements, Element{ID: id, Kind: Group, Name: part, Parent: parent, Pos: pos})
		}
		parent = id
	}
	return parent
}

func (r *jsonReader) relationships(n *doc.Node, from string) {
	for _, x := range items(n.Get("relationships")) {
		if x.Str("linkedRelationshipId") != "" || x.Str("destinationId") == "" || len(r.w.Relationships) >= maxElements {
			continue
		}
		tags := tagsOf(x, "")
		r.w.Relationships = append(r.w.Relationships, Relationship{From: from, To: x.Str("destinationId"), Description: x.Str("description"), Technology: x.Str("technology"), Tags: tags, Properties: properties(x),
			Async: x.Str("interactionStyle") == Asynchronous, Pos: r.d.Pos(x)})
	}
}

func (r *jsonReader) node(n *doc.Node, around []string, count, depth int) {
	if depth > maxDepth {
		return
	}
	around = append(slices.Clip(around), n.Str("name"))
	if k, err := strconv.Atoi(n.Str("instances")); err == nil && k > 0 {
		count = times(count, k)
	} else if n.Get("instances") != nil {
		count = 0
	}
	for _, of := range []struct{ list, key string }{{"containerInstances", "containerId"}, {"softwareSystemInstances", "softwareSystemId"}} {
		for _, x := range items(n.Get(of.list)) {
			if len(r.w.Instances) < maxElements && r.seen[x.Str(of.key)] {
				r.w.Instances = append(r.w.Instances, Instance{Of: x.Str(of.key), Environment: n.Str("environment"), Nodes: around, Count: count, Pos: r.d.Pos(x)})
			}
		}
	}
	for _, c := range items(n.Get("children")) {
		r.node(c, around, count, depth+1)
	}
}
