package structurizr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// archetype is a kind of element or relationship that the workspace defines: what
// it is made of, and what its instances have when they say nothing else.
type archetype struct {
	base                    string // a word of the language in small letters, or "->"
	description, technology string
	tags                    []string
}

// words of elements in small letters, with the order of their texts after the
// name.
var elements = map[string]struct {
	kind  Kind
	texts []string
}{
	"person":             {Person, []string{"description", "tags"}},
	"softwaresystem":     {SoftwareSystem, []string{"description", "tags"}},
	"container":          {Container, []string{"description", "technology", "tags"}},
	"component":          {Component, []string{"description", "technology", "tags"}},
	"element":            {Custom, []string{"", "description", "tags"}},
	"group":              {Group, nil},
	"enterprise":         {Group, nil},
	"deploymentnode":     {Deployed, []string{"description", "technology", "tags", "instances"}},
	"infrastructurenode": {Deployed, []string{"description", "technology", "tags"}},
}

// element takes a line within the model: an element, or a word about the one
// around it.
func (p *parser) element(id, word string, ts []token) frame {
	f := p.top()
	a := p.archetypes[word]
	base := word
	if a.base != "" {
		base = a.base
	}
	switch base {
	case "deploymentenvironment":
		return frame{block: "environment", element: -1, group: -1, environment: arg(ts, 1), scope: p.name(id, -1), count: 1}
	case "deploymentgroup":
		p.name(id, -1)
		return frame{block: "skip"}
	case "containerinstance", "softwaresysteminstance", "instanceof":
		return p.instance(id, ts)
	}
	if what, ok := elements[base]; ok && (what.kind != Group || len(ts) > 1 || f.block == "model") {
		if what.kind == Group {
			return p.group(id, ts)
		}
		if what.kind == Deployed {
			return p.node(id, ts, what.texts)
		}
		return p.make(id, ts, what.kind, what.texts, a)
	}
	if f.element >= 0 {
		e := &p.w.Elements[f.element]
		if p.about(word, ts, &e.Description, &e.Technology, &e.Tags) {
			return frame{block: "skip"}
		}
		switch word {
		case "name":
			e.Name = arg(ts, 1)
			return frame{block: "skip"}
		case "properties":
			return frame{block: "properties", props: &e.Properties}
		}
	}
	switch word {
	case "archetypes":
		return frame{block: "archetypes"}
	case "instances":
		if n, err := strconv.Atoi(arg(ts, 1)); err == nil && n > 0 && f.count > 0 {
			f.count = times(f.count, n)
		} else {
			f.count = 0
		}
	case "properties", "perspectives", "url", "healthcheck", "description", "technology", "tags", "tag", "metadata", "name", "group", "instanceid":
	default:
		return p.unknown(ts)
	}
	return frame{block: "skip"}
}

// view words, in small letters.
var view = map[string]bool{"systemlandscape": true, "systemcontext": true, "container": true, "component": true, "dynamic": true, "deployment": true, "filtered": true, "custom": true, "image": true}

// times multiplies numbers of instances, up to more than anybody has.
func times(a, b int) int { return min(a*min(b, 1_000_000), 1_000_000) }

// name registers an identifier and returns it in full.
func (p *parser) name(id string, index int) string {
	if id == "" {
		p.counted++
		return fmt.Sprintf("#%d", p.counted)
	}
	id = strings.ToLower(id)
	if f := p.top(); p.nested && f.scope != "" {
		id = f.scope + "." + id
	}
	if len(id) > maxToken {
		id = id[:maxToken]
	}
	if old, taken := p.ids[id]; taken && old >= 0 && index >= 0 {
		p.counted++ // two of one identifier: the last one counts for arrows
		p.ids[id] = index
		return fmt.Sprintf("%s#%d", id, p.counted)
	}
	p.ids[id] = index
	return id
}

func (p *parser) full() bool {
	return len(p.w.Elements)+len(p.pending)+len(p.w.Instances) >= maxElements
}

// make adds an element of the model.
func (p *parser) make(id string, ts []token, kind Kind, texts []string, a archetype) frame {
	f := *p.top()
	if p.full() {
		return frame{block: "skip"}
	}
	index := len(p.w.Elements)
	e := Element{Kind: kind, Name: arg(ts, 1), Description: a.description, Technology: a.technology, Tags: slices.Clone(a.tags), Pos: ts[0].pos}
	for i, what := range texts {
		text := arg(ts, i+2)
		if text != "" {
			p.about(what, []token{{}, {text: text}}, &e.Description, &e.Technology, &e.Tags)
		}
	}
	if e.Name == "" {
		p.fault(ts[0].pos, "a "+string(kind)+" needs a name", "")
	}
	e.ID = p.name(id, index)
	e.Parent = p.parent(f)
	p.w.Elements = append(p.w.Elements, e)
	scope := e.ID
	return frame{block: strings.ToLower(string(kind)), element: index, group: -1, scope: scope}
}

// parent is the innermost thing around: a group, else an element.
func (p *parser) parent(f frame) string {
	switch {
	case f.group >= 0:
		return p.w.Elements[f.group].ID
	case f.element >= 0:
		return p.w.Elements[f.element].ID
	}
	return ""
}

// group adds an area; what stands in it belongs to the element around it all the
// same.
func (p *parser) group(id string, ts []token) frame {
	f := *p.top()
	if p.full() {
		return frame{block: "skip"}
	}
	index := len(p.w.Elements)
	if id != "" {
		p.name(id, -1) // views name it, arrows do not
	}
	p.counted++
	p.w.Elements = append(p.w.Elements, Element{ID: fmt.Sprintf("#%d", p.counted), Kind: Group, Name: arg(ts, 1), Parent: p.parent(f), Pos: ts[0].pos})
	f.group = index
	return f
}

// reopen goes on with an element that was made further up.
func (p *parser) reopen(i int) frame {
	return frame{block: strings.ToLower(string(p.w.Elements[i].Kind)), element: i, group: -1, scope: p.w.Elements[i].ID}
}

// node is a node of a deployment.
func (p *parser) node(id string, ts []token, texts []string) frame {
	f := *p.top()
	if f.environment == "" {
		return p.unknown(ts)
	}
	f.scope = p.name(id, -1)
	f.nodes = append(slices.Clip(f.nodes), arg(ts, 1))
	f.block = "node"
	if i := slices.Index(texts, "instances"); i >= 0 && arg(ts, i+2) != "" {
		if n, err := strconv.Atoi(arg(ts, i+2)); err == nil && n > 0 {
			f.count = times(f.count, n)
		} else {
			f.count = 0 // "1..N"
		}
	}
	return f
}

// instance places an element on a node.
func (p *parser) instance(id string, ts []token) frame {
	f := *p.top()
	scope := p.name(id, -1)
	i := p.find(arg(ts, 1), p.scopes())
	switch {
	case f.environment == "":
		return p.unknown(ts)
	case i < 0:
		p.missing(ts[0].pos, arg(ts, 1))
	case !p.full():
		p.w.Instances = append(p.w.Instances, Instance{Of: p.w.Elements[i].ID, Environment: f.environment, Nodes: f.nodes, Count: f.count, Pos: ts[0].pos})
	}
	return frame{block: "instance", element: -1, group: -1, scope: scope, environment: f.environment}
}

var relationArchetype = regexp.MustCompile(`^--([A-Za-z0-9_.-]+)->$`)

// kindOf tells whether a token is an arrow, and of which archetype.
func (p *parser) kindOf(t token) (a archetype, ok bool) {
	if t.quoted {
		return a, false
	}
	if t.text == "->" {
		return p.archetypes["->"], true
	}
	if m := relationArchetype.FindStringSubmatch(t.text); m != nil {
		return p.archetypes[strings.ToLower(m[1])], true
	}
	return a, false
}

// relationship takes "a -> b" and, within an element, "-> b".
func (p *parser) relationship(ts []token) (frame, bool) {
	f := p.top()
	if len(ts) >= 3 && ts[1].text == "-/>" && !ts[1].quoted {
		return frame{block: "skip"}, true // how one deployment differs
	}
	arr := &arrow{element: f.element, scopes: p.scopes(), deployed: f.environment != ""}
	kind, implicit := p.kindOf(ts[0])
	switch {
	case implicit && len(ts) >= 2:
		arr.to, ts = ts[1].text, ts[2:]
	case len(ts) >= 3:
		var ok bool
		if kind, ok = p.kindOf(ts[1]); !ok {
			return frame{}, false
		}
		arr.from, arr.to, ts = ts[0].text, ts[2].text, ts[3:]
	default:
		return frame{}, false
	}
	if arr.element < 0 && !arr.deployed && (implicit || strings.EqualFold(arr.from, "this") || strings.EqualFold(arr.to, "this")) {
		p.fault(p.linePos, "an arrow without two ends stands in an element", "")
		return frame{block: "skip"}, true
	}
	r := &arr.rel
	r.Description, r.Technology, r.Tags = kind.description, kind.technology, slices.Clone(kind.tags)
	for i, what := range []string{"description", "technology", "tags"} {
		if text := arg(ts, i); text != "" {
			p.about(what, []token{{}, {text: text}}, &r.Description, &r.Technology, &r.Tags)
		}
	}
	r.Pos = p.linePos
	r.Async = slices.ContainsFunc(r.Tags, func(t string) bool { return strings.EqualFold(t, Asynchronous) })
	if !p.full() {
		p.pending = append(p.pending, arr)
	}
	return frame{block: "relationship", rel: r, element: -1, group: -1}, true
}

// archetype takes a line within archetypes: a new one, defaults of a word, or what
// its instances have.
func (p *parser) archetype(ts []token) frame {
	f := p.top()
	if f.block == "archetype" {
		a := p.archetypes[f.archetype]
		p.about(strings.ToLower(ts[0].text), ts, &a.description, &a.technology, &a.tags)
		p.archetypes[f.archetype] = a
		return frame{block: "skip"}
	}
	name, base := strings.ToLower(ts[0].text), strings.ToLower(ts[0].text)
	if len(ts) >= 3 && ts[1].text == "=" {
		base = strings.ToLower(ts[2].text)
	}
	a, known := p.archetypes[base]
	if m := relationArchetype.FindStringSubmatch(base); m != nil {
		a, known = p.archetypes[m[1]]
	}
	if !known {
		a = archetype{base: base}
	}
	a.tags = slices.Clone(a.tags)
	p.archetypes[name] = a
	return frame{block: "archetype", archetype: name}
}
