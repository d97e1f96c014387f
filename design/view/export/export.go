// Package export writes graphs in the languages of other tools. Each is a pure
// function of the graph; a shape that a language lacks becomes its nearest, and
// nothing that the graph says is invented or reversed.
package export

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
	"github.com/ashlar-dev/ashlar/design/view/svg"
)

// Format is one target.
type Format struct {
	Name string      // as users type it
	Ext  string      // of a file, with the dot
	For  string      // what reads it
	Only []view.Kind // views that it can say; nil: all
	Text func(view.Graph) ([]byte, error)
}

// Formats is the catalogue.
func Formats() []Format {
	static := []view.Kind{view.KindServices, view.KindContexts, view.KindData, view.KindEvents, view.KindDeployment, view.KindDiff}
	model := []view.Kind{view.KindServices, view.KindEvents, view.KindDiff}
	return []Format{
		{Name: "svg", Ext: ".svg", For: "browsers and office programs", Text: SVG},
		{Name: "mermaid", Ext: ".mmd", For: "Markdown on GitHub and GitLab", Text: plain(Mermaid)},
		{Name: "d2", Ext: ".d2", For: "D2", Text: plain(D2)},
		{Name: "dot", Ext: ".dot", For: "Graphviz", Only: static, Text: plain(DOT)},
		{Name: "structurizr", Ext: ".dsl", For: "Structurizr (C4)", Only: model, Text: plain(Structurizr)},
		{Name: "calm", Ext: ".calm.json", For: "FINOS Architecture as Code", Only: model, Text: CALM},
	}
}

// ByName finds a format; the error names those there are.
func ByName(name string) (Format, error) {
	fs := Formats()
	if i := slices.IndexFunc(fs, func(f Format) bool { return f.Name == name }); i >= 0 {
		return fs[i], nil
	}
	var names []string
	for _, f := range fs {
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("unknown diagram format %q; there are %s", name, strings.Join(names, ", "))
}

// Write renders a graph, or says which views the format can say.
func (f Format) Write(g view.Graph) ([]byte, error) {
	if f.Only != nil && !slices.Contains(f.Only, g.Kind) {
		var names []string
		for _, k := range f.Only {
			names = append(names, string(k))
		}
		return nil, fmt.Errorf("%s cannot say a %s view; it can say %s", f.Name, g.Kind, strings.Join(names, ", "))
	}
	return f.Text(g)
}

func plain(f func(view.Graph) string) func(view.Graph) ([]byte, error) {
	return func(g view.Graph) ([]byte, error) { return []byte(f(g)), nil }
}

// SVG lays a graph out and paints it with the defaults.
func SVG(g view.Graph) ([]byte, error) {
	p, err := layout.Place(g, nil)
	if err != nil {
		return nil, err
	}
	return svg.Render(p, nil), nil
}

// ids gives every node and group a short name that is a word in any language,
// unique and the same every time.
type ids struct {
	of   map[string]string
	used map[string]bool
}

func newIDs(reserved ...string) *ids {
	n := &ids{map[string]string{}, map[string]bool{}}
	for _, r := range reserved {
		n.used[r] = true
	}
	return n
}

func (n *ids) id(key string) string {
	if id, ok := n.of[key]; ok {
		return id
	}
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
	id := base
	for i := 2; n.used[strings.ToLower(id)]; i++ {
		id = base + "_" + strconv.Itoa(i)
	}
	n.used[strings.ToLower(id)] = true
	n.of[key] = id
	return id
}

func (n *ids) node(r arch.Ref) string { return n.id(string(r)) }

// groupTree writes groups with the nodes in them, nested; open and close frame a
// group.
func groupTree(g view.Graph, open func(view.Group, int), node func(view.Node, int), shut func(view.Group, int)) {
	known := map[string]bool{}
	for _, gr := range g.Groups {
		known[gr.ID] = true
	}
	var walk func(id string, depth int)
	walk = func(id string, depth int) {
		for _, gr := range g.Groups {
			if gr.Parent == id {
				open(gr, depth)
				walk(gr.ID, depth+1)
				shut(gr, depth)
			}
		}
		for _, n := range g.Nodes {
			if n.Group == id || id == "" && !known[n.Group] {
				node(n, depth)
			}
		}
	}
	walk("", 0)
}

func indent(n int) string { return strings.Repeat("  ", n) }

// oneLine makes a text fit where a line break would end it.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " ")
}

// marked adds findings and change to a label, where no badge can be drawn.
func marked(label string, badges []view.Badge, ch view.Change) string {
	if ch != view.Same {
		label = strings.TrimSpace(label + " (" + string(ch) + ")")
	}
	if len(badges) > 0 {
		word := "findings"
		if len(badges) == 1 {
			word = "finding"
		}
		label = strings.TrimSpace(fmt.Sprintf("%s [%d %s: %s]", label, len(badges), word, view.Worst(badges)))
	}
	return label
}

// says is what an arrow says besides that it is there.
func says(e view.Edge) string {
	if e.Label != "" {
		return e.Label
	}
	switch e.Kind {
	case view.Read:
		return "reads"
	case view.Write:
		return "writes"
	case view.Use:
		return "uses"
	case view.Publish:
		return "publishes"
	case view.Subscribe:
		return "is read by"
	case view.DeadLetter:
		return "dead letters"
	case view.Reference:
		return "refers to"
	}
	return ""
}

// dashed: nobody waits at the other end.
func dashed(k view.EdgeKind) bool {
	switch k {
	case view.Async, view.Publish, view.Subscribe, view.DeadLetter, view.Return:
		return true
	}
	return false
}
