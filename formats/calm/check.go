package calm

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// check finds what no type tells: keys that must be there, IDs, names.
func (r *reader) check(a *Architecture) {
	c := &checker{reader: r, nodes: map[string]bool{}, relations: map[string]bool{}, ids: map[string]bool{}}
	for _, n := range a.Nodes {
		c.nodes[n.ID] = true
	}
	for _, x := range a.Relationships {
		c.relations[x.ID] = true
	}
	for i, n := range a.Nodes {
		at := []string{"nodes", strconv.Itoa(i)}
		c.id(n.ID, at)
		c.needs(at, map[string]bool{"node-type": n.Type != "", "name": n.Name != "", "description": true})
	}
	for i, x := range a.Relationships {
		c.relation(x, []string{"relationships", strconv.Itoa(i)})
	}
	for i, f := range a.Flows {
		at := []string{"flows", strconv.Itoa(i)}
		c.needs(at, map[string]bool{"unique-id": f.ID != "", "name": f.Name != "", "transitions": len(f.Transitions) > 0})
		for j, t := range f.Transitions {
			c.known(t.Relationship, c.relations, "relationship", append(slices.Clip(at), "transitions", strconv.Itoa(j), "relationship-unique-id"))
		}
	}
}

// maxCompared bounds the search for a name that was meant.
const maxCompared = 1000

type checker struct {
	*reader
	nodes, relations, ids map[string]bool
}

func (c *checker) at(at []string) *doc.Node {
	n := c.d.Root
	for _, p := range at {
		next := n.Find(p)
		if next == nil {
			break
		}
		n = next
	}
	return n
}

func (c *checker) id(id string, at []string) {
	switch {
	case id == "":
		c.fault(c.at(at), doc.Value, at, "a unique-id is missing", "")
	case c.ids[id]:
		at = append(slices.Clip(at), "unique-id")
		c.fault(c.at(at), doc.Duplicate, at, "the unique-id "+strconv.Quote(id)+" is taken", "")
	}
	c.ids[id] = true
}

// needs reports the keys that are not there, in the order of the alphabet.
func (c *checker) needs(at []string, there map[string]bool) {
	var missing []string
	for k, ok := range there {
		if !ok {
			missing = append(missing, k)
		}
	}
	if slices.Sort(missing); missing != nil {
		c.fault(c.at(at), doc.Value, at, strings.Join(missing, ", ")+" must be there", "")
	}
}

func (c *checker) known(id string, ids map[string]bool, what string, at []string) {
	if ids[id] {
		return
	}
	var near string
	if len(ids) <= maxCompared {
		near = doc.Nearest(id, slices.Sorted(maps.Keys(ids)))
	}
	c.fault(c.at(at), doc.Value, at, "there is no "+what+" "+strconv.Quote(id), hint(near))
}

func (c *checker) relation(x Relationship, at []string) {
	c.id(x.ID, at)
	kinds := 0
	for _, there := range []bool{x.Type.Interacts != nil, x.Type.Connects != nil, x.Type.DeployedIn != nil, x.Type.ComposedOf != nil, x.Type.Options != nil} {
		if there {
			kinds++
		}
	}
	at = slices.Clip(at)
	if kinds != 1 {
		c.fault(c.at(append(at, "relationship-type")), doc.Value, append(at, "relationship-type"), "a relationship is of exactly one type: interacts, connects, deployed-in, composed-of or options", "")
	}
	if x.Protocol != "" && !slices.Contains(Protocols(), x.Protocol) {
		c.fault(c.at(append(at, "protocol")), doc.Value, append(at, "protocol"), "CALM has no protocol "+strconv.Quote(x.Protocol), cmp.Or(hint(doc.Nearest(x.Protocol, Protocols())), "it has "+strings.Join(Protocols(), ", ")))
	}
	node := func(id string, way ...string) {
		c.known(id, c.nodes, "node", append(append(at, "relationship-type"), way...))
	}
	if t := x.Type.Connects; t != nil {
		node(t.Source.Node, "connects", "source", "node")
		node(t.Destination.Node, "connects", "destination", "node")
	}
	if t := x.Type.Interacts; t != nil {
		node(t.Actor, "interacts", "actor")
		for i, id := range t.Nodes {
			node(id, "interacts", "nodes", strconv.Itoa(i))
		}
	}
	container := func(t *Container, way string) {
		if t == nil {
			return
		}
		node(t.Container, way, "container")
		for i, id := range t.Nodes {
			node(id, way, "nodes", strconv.Itoa(i))
		}
	}
	container(x.Type.DeployedIn, "deployed-in")
	container(x.Type.ComposedOf, "composed-of")
}

func hint(near string) string {
	if near == "" {
		return ""
	}
	return "did you mean " + strconv.Quote(near) + "?"
}
