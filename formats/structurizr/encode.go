package structurizr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// DSL writes the workspace with flat identifiers. What the language cannot say in
// a text is replaced: a backslash by a slash, control characters by blanks, and
// "${" is parted.
func (w *Workspace) DSL() []byte {
	e := &encoder{w: w, ids: map[string]string{}, used: map[string]bool{}, children: map[string][]int{}}
	for _, r := range []string{"workspace", "model", "views", "system", "element", "relationship", "group", "person", "container", "component", "this", "softwaresystem"} {
		e.used[r] = true
	}
	known := map[string]bool{}
	for _, x := range w.Elements {
		known[x.ID] = true
	}
	for i, x := range w.Elements {
		parent := x.Parent
		if !known[parent] || parent == x.ID {
			parent = ""
		}
		e.children[parent] = append(e.children[parent], i)
	}
	e.open(0, "workspace", w.Name, w.Description)
	e.line(1, "!identifiers flat")
	e.line(1, "model {")
	e.elements("", 2)
	e.relationships()
	e.deployments()
	e.line(1, "}")
	e.b.WriteString(w.Appendix)
	e.line(0, "}")
	return []byte(e.b.String())
}

type encoder struct {
	b        strings.Builder
	w        *Workspace
	ids      map[string]string
	used     map[string]bool
	children map[string][]int
}

func (e *encoder) line(depth int, text string) {
	e.b.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// open writes a line that opens a block, with texts of which empty ones at the end
// are left out.
func (e *encoder) open(depth int, head string, texts ...string) {
	e.line(depth, head+quoted(texts...)+" {")
}

func quoted(texts ...string) string {
	for len(texts) > 0 && texts[len(texts)-1] == "" {
		texts = texts[:len(texts)-1]
	}
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(" " + Quote(t))
	}
	return b.String()
}

// clean replaces what no text of the language can hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (r < ' ' || r == 0x7f || r == 0xfeff || r == 0xfffd) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}

// Quote writes a text of the language; see [Workspace.DSL].
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `/`, `"`, `\"`, "\n", `\n`, "${", "$ {").Replace(clean(s)) + `"`
}

var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// id is a word of the language that names an element, unique in small letters.
func (e *encoder) id(key string) string {
	if id, ok := e.ids[key]; ok {
		return id
	}
	id := key
	if !identifier.MatchString(id) {
		id = "e" + strconv.Itoa(len(e.ids)+1)
	}
	for base, n := id, 2; e.used[strings.ToLower(id)]; n++ {
		id = base + "_" + strconv.Itoa(n)
	}
	e.used[strings.ToLower(id)] = true
	e.ids[key] = id
	return id
}

func (e *encoder) elements(parent string, depth int) {
	if depth > maxDepth-8 {
		return
	}
	for _, i := range e.children[parent] {
		x := &e.w.Elements[i]
		head := e.id(x.ID) + " = " + string(x.Kind)
		texts := []string{x.Name}
		tags := strings.Join(x.Tags, ",")
		switch x.Kind {
		case Group:
			head = "group"
		case Container, Component:
			texts = append(texts, x.Description, x.Technology, tags)
		case Custom:
			texts = append(texts, "", x.Description, tags)
		default:
			texts = append(texts, x.Description, tags)
		}
		inside := len(e.children[x.ID]) > 0 || len(x.Properties) > 0 || x.Kind == Group || x.Technology != "" && x.Kind != Container && x.Kind != Component
		if !inside {
			e.line(depth, head+quoted(texts...))
			continue
		}
		e.open(depth, head, texts...)
		if x.Technology != "" && x.Kind != Container && x.Kind != Component && x.Kind != Group {
			e.line(depth+1, "technology "+Quote(x.Technology))
		}
		e.properties(depth+1, x.Properties)
		e.elements(x.ID, depth+1)
		e.line(depth, "}")
	}
}

func (e *encoder) properties(depth int, props map[string]string) {
	if len(props) == 0 {
		return
	}
	keys := make([]string, 0, len(props))
	for k := range props {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e.line(depth, "properties {")
	said := map[string]bool{}
	for _, k := range keys {
		if key := Quote(k); !said[key] { // two that differ in what no text can hold
			said[key] = true
			e.line(depth+1, key+" "+Quote(props[k]))
		}
	}
	e.line(depth, "}")
}

func (e *encoder) relationships() {
	for _, r := range e.w.Relationships {
		if e.ids[r.From] == "" || e.ids[r.To] == "" {
			continue
		}
		tags := r.Tags
		if r.Async && !slices.Contains(tags, Asynchronous) {
			tags = append(slices.Clip(tags), Asynchronous)
		}
		head := e.ids[r.From] + " -> " + e.ids[r.To] + quoted(r.Description, r.Technology, strings.Join(tags, ","))
		if len(r.Properties) == 0 {
			e.line(2, head)
			continue
		}
		e.line(2, head+" {")
		e.properties(3, r.Properties)
		e.line(2, "}")
	}
}

// site is a node of a deployment with what runs on it.
type site struct {
	name      string
	count     int // of instances for one of the node around it; 0 unknown
	instances []string
	nodes     []*site
}

func (e *encoder) deployments() {
	var environments []*site
	at := func(in *[]*site, name string) *site {
		for _, s := range *in {
			if s.name == name {
				return s
			}
		}
		s := &site{name: name, count: 1}
		*in = append(*in, s)
		return s
	}
	for _, i := range e.w.Instances {
		if e.ids[i.Of] == "" {
			continue
		}
		s, around := at(&environments, i.Environment), 1
		for _, n := range i.Nodes {
			around *= max(s.count, 1)
			s = at(&s.nodes, n)
		}
		switch {
		case len(i.Nodes) == 0:
		case i.Count == 0:
			s.count = 0
		case i.Count%max(around, 1) == 0:
			s.count = i.Count / max(around, 1)
		}
		s.instances = append(s.instances, e.ids[i.Of])
	}
	for _, s := range environments {
		e.site(s, "deploymentEnvironment", 2)
	}
}

func (e *encoder) site(s *site, word string, depth int) {
	if depth > maxDepth-8 {
		return
	}
	e.open(depth, word, s.name)
	switch {
	case s.count == 0:
		e.line(depth+1, `instances "1..N"`)
	case s.count > 1:
		e.line(depth+1, fmt.Sprintf(`instances "%d"`, s.count))
	}
	for _, id := range s.instances {
		e.line(depth+1, "instanceOf "+id)
	}
	for _, n := range s.nodes {
		e.site(n, "deploymentNode", depth+1)
	}
	e.line(depth, "}")
}
