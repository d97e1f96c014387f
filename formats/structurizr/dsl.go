package structurizr

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// IsDSL reports whether a text is a workspace, and no part that one includes.
func IsDSL(src []byte) bool {
	for _, l := range split("", string(src)) {
		switch word := strings.ToLower(l.tokens[0].text); {
		case word == "workspace":
			last := l.tokens[len(l.tokens)-1]
			return !last.quoted && last.text == "{"
		case !strings.HasPrefix(word, "!"): // constants may stand ahead of it
			return false
		}
	}
	return false
}

// ReadDSL reads a workspace of the DSL and what is wrong with it. The rest of the
// workspace counts.
func ReadDSL(file string, src []byte, opts *Options) (*Workspace, []*doc.Fault) {
	p := &parser{w: &Workspace{}, ids: map[string]int{}, vars: map[string]string{}, archetypes: map[string]archetype{}}
	if opts != nil {
		p.o = *opts
	}
	p.read(file, string(src), frame{block: "file"})
	p.resolve()
	return p.w, p.faults
}

type parser struct {
	w      *Workspace
	o      Options
	faults []*doc.Fault
	// ids: identifiers in small letters, to the index of the element; -1 for what is
	// no element.
	ids        map[string]int
	nested     bool // identifiers are hierarchical
	vars       map[string]string
	archetypes map[string]archetype
	pending    []*arrow
	linePos    doc.Pos
	stack      []frame
	files      []string // that are being read, outermost first
	count      int      // of files
	bytes      int
	counted    int // elements made, for IDs of those without
	partial    bool
}

// frame is an open block.
type frame struct {
	block       string // what it is: "model", "views", "container", "skip", ...
	element     int    // index of the element that it is about, or -1
	group       int    // index of the group that it lies in, or -1
	scope       string // identifier of the element that it is about, for those within
	environment string
	nodes       []string
	count       int
	props       *map[string]string
	rel         *Relationship
	archetype   string
}

// arrow is a relationship whose ends are looked up at the end: they may be written
// further down.
type arrow struct {
	rel      Relationship
	from, to string // identifiers; "" for the element in scope
	element  int
	scopes   []string
	deployed bool
}

func (p *parser) fault(pos doc.Pos, what, hint string) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, &doc.Fault{Kind: doc.Syntax, Pos: pos, What: what, Hint: hint})
	}
}

func (p *parser) left(pos doc.Pos, what string) {
	p.partial = true
	if len(p.w.Left) < maxFaults {
		p.w.Left = append(p.w.Left, Left{what, pos})
	}
}

// read reads a file within a block.
func (p *parser) read(file, src string, within frame) {
	p.count++
	if p.bytes += len(src); p.bytes > maxBytes || p.count > maxFiles || len(p.files) > maxDepth {
		p.left(doc.Pos{File: file, Line: 1, Col: 1}, "the workspace is larger than is read: what stands here is left out")
		return
	}
	p.files = append(p.files, file)
	outer := p.stack
	if within.block == "file" {
		within.element, within.group = -1, -1
	}
	p.stack = append(slices.Clip(outer), within)
	base := len(p.stack)
	for _, l := range split(file, src) {
		p.line(l, base)
	}
	if len(p.stack) > base {
		p.fault(doc.Pos{File: file, Line: 1, Col: 1}, fmt.Sprintf("%d blocks are not closed", len(p.stack)-base), "each { needs a } on a line of its own")
	}
	p.stack = outer
	p.files = p.files[:len(p.files)-1]
}

func (p *parser) top() *frame { return &p.stack[len(p.stack)-1] }

// line takes one line: a block that ends, a directive, a relationship, an element,
// or a word about the element around it.
func (p *parser) line(l line, base int) {
	if t := l.tokens[0]; t.text == "}" && !t.quoted {
		if len(p.stack) == base {
			p.fault(t.pos, "there is no block to close", "")
			return
		}
		p.stack = p.stack[:len(p.stack)-1]
		return
	}
	open := false
	if last := l.tokens[len(l.tokens)-1]; last.text == "{" && !last.quoted {
		open, l.tokens = true, l.tokens[:len(l.tokens)-1]
	}
	if b := p.top().block; b == "skip" || len(l.tokens) == 0 {
		if open {
			p.push(frame{block: "skip"}, l.pos)
		}
		return
	}
	for i := range l.tokens {
		l.tokens[i].text = p.substitute(l.tokens[i].text)
	}
	p.linePos = l.pos
	next := p.statement(l.tokens)
	if open {
		p.push(next, l.pos)
	}
}

func (p *parser) push(f frame, pos doc.Pos) {
	if len(p.stack) >= maxDepth {
		p.fault(pos, "blocks are nested too deeply", "")
		f = frame{block: "skip"}
	}
	if f.block == "" {
		f.block = "skip"
	}
	p.stack = append(p.stack, f)
}

var variable = regexp.MustCompile(`\$\{([A-Za-z0-9_.-]+)\}`)

// substitute puts in constants and variables of the workspace. Those of the
// machine stay as they are.
func (p *parser) substitute(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := p.vars[m[2:len(m)-1]]; ok {
			return v
		}
		return m
	})
	if len(out) > maxToken {
		return s
	}
	return out
}

// statement returns the frame of the block that the line opens, if it opens one.
func (p *parser) statement(ts []token) frame {
	f := *p.top()
	word := strings.ToLower(ts[0].text)
	switch {
	case f.block == "views":
		if view[word] {
			p.w.Views++
		}
		return frame{block: "skip"}
	case strings.HasPrefix(word, "!") && !ts[0].quoted:
		return p.directive(word, ts)
	case f.props != nil:
		p.property(ts)
		return frame{block: "skip"}
	case f.block == "archetypes" || f.block == "archetype":
		return p.archetype(ts)
	}
	id := ""
	if len(ts) >= 3 && ts[1].text == "=" && !ts[1].quoted {
		id, ts = ts[0].text, ts[2:]
		word = strings.ToLower(ts[0].text)
	}
	switch f.block {
	case "file":
		if word == "workspace" {
			p.workspace(ts)
			return frame{block: "workspace", element: -1, group: -1}
		}
		return p.unknown(ts)
	case "workspace":
		return p.section(word, ts)
	case "relationship":
		p.about(word, ts, &f.rel.Description, &f.rel.Technology, &f.rel.Tags)
		return p.inner(word, &f.rel.Properties)
	}
	if next, ok := p.relationship(ts); ok {
		return next
	}
	if f.block == "instance" {
		return frame{block: "skip"}
	}
	return p.element(id, word, ts)
}

// section is a part of the workspace.
func (p *parser) section(word string, ts []token) frame {
	switch word {
	case "model":
		return frame{block: "model", element: -1, group: -1}
	case "views":
		return frame{block: "views"}
	case "name":
		p.w.Name = arg(ts, 1)
	case "description":
		p.w.Description = arg(ts, 1)
	case "properties", "configuration", "documentation":
	default:
		return p.unknown(ts)
	}
	return frame{block: "skip"}
}

func (p *parser) unknown(ts []token) frame {
	what := ts[0].text
	if len(what) > 40 {
		what = what[:40] + "…"
	}
	p.fault(ts[0].pos, fmt.Sprintf("%q is no word of the language here", what), "")
	return frame{block: "skip"}
}

func arg(ts []token, i int) string {
	if i < len(ts) {
		return ts[i].text
	}
	return ""
}

// workspace may extend another one.
func (p *parser) workspace(ts []token) {
	if strings.EqualFold(arg(ts, 1), "extends") && len(ts) > 2 && !ts[1].quoted {
		p.extends(ts[2])
		return
	}
	p.w.Name, p.w.Description = cmp.Or(arg(ts, 1), p.w.Name), cmp.Or(arg(ts, 2), p.w.Description)
}

func (p *parser) extends(t token) {
	text, _, file, ok := p.open(t)
	if !ok {
		return
	}
	if strings.HasSuffix(strings.ToLower(file), ".json") {
		p.base(t, file, text)
		return
	}
	p.read(file, string(text), frame{block: "file"})
}

// base is a workspace in JSON; its elements keep the identifiers that they had in
// a DSL.
func (p *parser) base(t token, file string, text []byte) {
	f := doc.Read(file, text, nil)
	if len(f.Docs) == 0 || !IsJSON(f.Docs[0].Root) {
		p.left(t.pos, t.text+" is no workspace")
		return
	}
	w := ReadJSON(f.Docs[0])
	for i, e := range w.Elements {
		if id := e.Properties["structurizr.dsl.identifier"]; id != "" {
			p.ids[strings.ToLower(id)] = i
		}
	}
	p.w = w
}

// directive is a line that begins with an exclamation mark.
func (p *parser) directive(word string, ts []token) frame {
	f := *p.top()
	switch word {
	case "!include":
		if len(ts) > 1 {
			p.include(ts[1], f)
		}
	case "!const", "!constant", "!var":
		if name := arg(ts, 1); name != "" {
			p.vars[name] = arg(ts, 2)
		}
	case "!identifiers":
		p.nested = strings.EqualFold(arg(ts, 1), "hierarchical")
	case "!element", "!extend", "!ref":
		id := arg(ts, 1)
		if i := p.find(id, p.scopes()); i >= 0 {
			return p.reopen(i)
		}
		switch {
		case strings.Contains(id, "://"):
			p.left(ts[0].pos, "elements are not looked up by "+id)
		case !p.has(id, p.scopes()):
			p.missing(ts[0].pos, id)
		}
	case "!script", "!plugin", "!components":
		p.left(ts[0].pos, word+" is not run")
	case "!elements", "!relationships", "!relationship":
		p.left(ts[0].pos, word+" is not applied")
	case "!impliedrelationships", "!docs", "!adrs", "!decisions":
	default:
		p.left(ts[0].pos, word+" is not known")
	}
	return frame{block: "skip"}
}

// open finds a file beside the one that is read, or says why not.
func (p *parser) open(t token) (text []byte, names []string, file string, ok bool) {
	switch {
	case strings.Contains(t.text, "://"):
		p.left(t.pos, doc.Redact(t.text)+" is not fetched")
	case p.o.Open == nil:
		p.left(t.pos, t.text+" is not read: only files beside the workspace are")
	default:
		file = path.Join(path.Dir(p.files[len(p.files)-1]), t.text)
		var err error
		if text, names, err = p.o.Open(file); err == nil {
			return text, names, file, true
		}
		p.left(t.pos, t.text+" could not be read: "+err.Error())
	}
	return nil, nil, "", false
}

// include reads a file, or all files of a folder, as if they stood here.
func (p *parser) include(t token, f frame) {
	text, names, file, ok := p.open(t)
	if !ok {
		return
	}
	if slices.Contains(p.files, file) {
		p.fault(t.pos, t.text+" includes itself", "")
		return
	}
	if names == nil {
		p.read(file, string(text), f)
		return
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if p.count < maxFiles && !strings.HasPrefix(name, ".") {
			p.include(token{text: path.Join(t.text, name), pos: t.pos}, f)
		}
	}
}

func (p *parser) property(ts []token) {
	f := p.top()
	if *f.props == nil {
		*f.props = map[string]string{}
	}
	(*f.props)[ts[0].text] = arg(ts, 1)
}

// about takes a word about what the block is about.
func (p *parser) about(word string, ts []token, description, technology *string, tags *[]string) bool {
	switch word {
	case "description":
		*description = arg(ts, 1)
	case "technology":
		*technology = arg(ts, 1)
	case "tags", "tag":
		for _, t := range ts[1:] {
			*tags = addTags(*tags, t.text)
		}
	default:
		return false
	}
	return true
}

// inner is a block within that of an element or a relationship.
func (p *parser) inner(word string, props *map[string]string) frame {
	if word == "properties" {
		return frame{block: "properties", props: props}
	}
	return frame{block: "skip"}
}

func addTags(tags []string, text string) []string {
	for t := range strings.SplitSeq(text, ",") {
		if t = strings.TrimSpace(clean(t)); t != "" && !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// scopes are the identifiers of the elements around, innermost first.
func (p *parser) scopes() []string {
	var out []string
	for i := len(p.stack) - 1; i >= 0; i-- {
		if s := p.stack[i].scope; s != "" && (len(out) == 0 || out[len(out)-1] != s) {
			out = append(out, s)
		}
	}
	return out
}

// find looks an element up by its identifier, from the innermost scope outward; -1
// when there is none.
func (p *parser) find(id string, scopes []string) int {
	id = strings.ToLower(id)
	for _, s := range scopes {
		if i, ok := p.ids[s+"."+id]; ok && i >= 0 {
			return i
		}
	}
	if i, ok := p.ids[id]; ok {
		return i
	}
	return -1
}

// has reports whether an identifier names anything.
func (p *parser) has(id string, scopes []string) bool {
	id = strings.ToLower(id)
	_, ok := p.ids[id]
	for _, s := range scopes {
		if _, there := p.ids[s+"."+id]; there {
			ok = true
		}
	}
	return ok
}

// resolve looks up the ends of relationships, when everything is known.
func (p *parser) resolve() {
	for _, a := range p.pending {
		ends := [2]int{a.element, a.element}
		bad := false
		for i, id := range []string{a.from, a.to} {
			if id == "" || strings.EqualFold(id, "this") {
				continue
			}
			if ends[i] = p.find(id, a.scopes); ends[i] < 0 {
				if !p.has(id, a.scopes) {
					p.missing(a.rel.Pos, id)
				}
				bad = true
			}
		}
		if bad || a.deployed || ends[0] < 0 || ends[1] < 0 || len(p.w.Relationships) >= maxElements {
			continue
		}
		a.rel.From, a.rel.To = p.w.Elements[ends[0]].ID, p.w.Elements[ends[1]].ID
		p.w.Relationships = append(p.w.Relationships, a.rel)
	}
}

// missing reports an identifier that nothing bears, unless that may be since a
// part of the workspace was not read.
func (p *parser) missing(pos doc.Pos, id string) {
	if p.partial {
		return
	}
	hint := ""
	if len(p.ids) <= 1000 {
		if n := doc.Nearest(strings.ToLower(id), slices.Sorted(maps.Keys(p.ids))); n != "" {
			hint = "did you mean " + strconv.Quote(n) + "?"
		}
	}
	p.fault(pos, "there is no element "+strconv.Quote(id), hint)
}
