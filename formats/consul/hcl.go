package consul

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// maxDepth bounds nesting, as for other formats.
const maxDepth = 100

// ReadHCL reads a file of HCL as Consul takes it: keys with values, blocks with or
// without labels, lists, objects, texts, here-documents, numbers, true and false,
// comments. A block that stands there several times is a list. Expressions and
// templates are not HCL as Consul knows it: they are faults.
func ReadHCL(path string, src []byte) *doc.File {
	f := &doc.File{Path: path, Source: src}
	p := &parser{src: string(src), file: f, line: 1, col: 1}
	if !utf8.Valid(src) {
		p.fail("the file is no UTF-8")
		return f
	}
	root := &doc.Node{Kind: doc.Map, Line: 1, Col: 1}
	p.body(root, false, 0)
	if len(f.Faults) == 0 && len(root.Entries) > 0 {
		f.Docs = []*doc.Document{{File: f, Root: root}}
	}
	return f
}

type parser struct {
	src       string
	at        int
	line, col int
	file      *doc.File
}

// fail reports the first fault; what comes after it is guesswork.
func (p *parser) fail(what string) bool {
	if len(p.file.Faults) == 0 {
		p.file.Faults = append(p.file.Faults, p.file.FaultAt(&doc.Node{Line: p.line, Col: p.col}, doc.Syntax, what, ""))
	}
	return false
}

func (p *parser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) next() {
	if p.at >= len(p.src) {
		return
	}
	if p.src[p.at] == '\n' {
		p.line, p.col = p.line+1, 0
	}
	p.at++
	if p.at >= len(p.src) || utf8.RuneStart(p.src[p.at]) {
		p.col++
	}
}

// space skips blanks and comments, and line ends where they mean nothing.
func (p *parser) space(lines bool) {
	for p.at < len(p.src) {
		switch ch := p.peek(); {
		case ch == ' ' || ch == '\t' || ch == '\r' || lines && ch == '\n':
			p.next()
		case ch == '#' || strings.HasPrefix(p.src[p.at:], "//"):
			for p.at < len(p.src) && p.peek() != '\n' {
				p.next()
			}
		case strings.HasPrefix(p.src[p.at:], "/*"):
			end := strings.Index(p.src[p.at+2:], "*/")
			for n := end + 4; end >= 0 && n > 0; n-- {
				p.next()
			}
			if end < 0 {
				p.fail("a comment without an end")
				p.at = len(p.src)
			}
		default:
			return
		}
	}
}

// body reads keys until its end: a closing brace, or that of the file.
func (p *parser) body(into *doc.Node, braced bool, depth int) bool {
	if depth > maxDepth {
		return p.fail(fmt.Sprintf("nested more than %d deep", maxDepth))
	}
	for {
		p.space(true)
		switch {
		case p.peek() == 0 && p.at >= len(p.src):
			return !braced || p.fail("a block without its closing brace")
		case p.peek() == '}' && braced:
			p.next()
			return true
		case p.peek() == ',': // between the keys of an object
			p.next()
			continue
		}
		if !p.entry(into, depth) {
			return false
		}
	}
}

// entry reads a key with its value, or a block.
func (p *parser) entry(into *doc.Node, depth int) bool {
	key, ok := p.name()
	if !ok {
		return p.fail("want a key")
	}
	var labels []*doc.Node
	for {
		p.space(false)
		switch ch := p.peek(); {
		case ch == '=' || ch == ':':
			if len(labels) > 0 {
				return p.fail("a block with labels takes no value")
			}
			p.next()
			v := p.value(depth + 1)
			if v == nil {
				return false
			}
			add(into, key, v, false)
			return true
		case ch == '{':
			v := &doc.Node{Kind: doc.Map, Line: p.line, Col: p.col}
			p.next()
			if !p.body(v, true, depth+1) {
				return false
			}
			for i := len(labels) - 1; i >= 0; i-- {
				v = &doc.Node{Kind: doc.Map, Line: labels[i].Line, Col: labels[i].Col, Entries: []doc.Entry{{Key: labels[i], Value: v}}}
			}
			add(into, key, v, true)
			return true
		case ch == '"':
			l, ok := p.name()
			if !ok {
				return false
			}
			if labels = append(labels, l); len(labels) > 8 {
				return p.fail("too many labels")
			}
		default:
			return p.fail("want = or a block after " + strconv.Quote(key.Text))
		}
	}
}

// add puts a value under a key; a second block makes a list of both.
func add(into, key, v *doc.Node, block bool) {
	old := into.Get(key.Text)
	switch {
	case old == nil:
		into.Entries = append(into.Entries, doc.Entry{Key: key, Value: v})
	case old.Kind == doc.List:
		old.Items = append(old.Items, v)
	case block:
		into.Set(key.Text, &doc.Node{Kind: doc.List, Line: old.Line, Col: old.Col, Items: []*doc.Node{old, v}})
	default:
		into.Set(key.Text, v) // the last one counts
	}
}

// name reads a key: a word, or a text.
func (p *parser) name() (*doc.Node, bool) {
	n := &doc.Node{Kind: doc.String, Line: p.line, Col: p.col}
	if p.peek() == '"' {
		text, ok := p.text()
		n.Text, n.Style = text, doc.Quoted
		return n, ok
	}
	start := p.at
	for ch := p.peek(); ch == '_' || ch == '-' || ch == '.' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z'; ch = p.peek() {
		p.next()
	}
	n.Text = p.src[start:p.at]
	return n, n.Text != ""
}

func (p *parser) value(depth int) *doc.Node {
	p.space(true)
	n := &doc.Node{Line: p.line, Col: p.col}
	switch ch := p.peek(); {
	case depth > maxDepth:
		p.fail(fmt.Sprintf("nested more than %d deep", maxDepth))
		return nil
	case ch == '{':
		p.next()
		n.Kind, n.Style = doc.Map, doc.Flow
		if !p.body(n, true, depth) {
			return nil
		}
		return n
	case ch == '[':
		p.next()
		n.Kind, n.Style = doc.List, doc.Flow
		return p.list(n, depth)
	case ch == '"':
		text, ok := p.text()
		if !ok {
			return nil
		}
		n.Kind, n.Style, n.Text = doc.String, doc.Quoted, text
		return n
	case strings.HasPrefix(p.src[p.at:], "<<"):
		return p.heredoc(n)
	}
	word, ok := p.word()
	if !ok {
		p.fail("want a value")
		return nil
	}
	n.Text = word
	switch {
	case word == "true" || word == "false":
		n.Kind = doc.Bool
	case word == "null":
		n.Kind = doc.Null
	default:
		if _, err := strconv.ParseInt(word, 0, 64); err == nil {
			n.Kind = doc.Int
		} else if _, err := strconv.ParseFloat(word, 64); err == nil {
			n.Kind = doc.Float
		} else {
			p.fail(strconv.Quote(word) + " is no value; a text needs its quotes")
			return nil
		}
	}
	return n
}

func (p *parser) word() (string, bool) {
	start := p.at
	for ch := p.peek(); ch == '+' || ch == '-' || ch == '.' || ch == '_' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z'; ch = p.peek() {
		p.next()
	}
	return p.src[start:p.at], p.at > start
}

func (p *parser) list(n *doc.Node, depth int) *doc.Node {
	for {
		p.space(true)
		switch {
		case p.peek() == ']':
			p.next()
			return n
		case p.peek() == ',' && len(n.Items) > 0:
			p.next()
			continue
		case p.at >= len(p.src):
			p.fail("a list without its closing bracket")
			return nil
		}
		v := p.value(depth + 1)
		if v == nil {
			return nil
		}
		n.Items = append(n.Items, v)
	}
}

// text reads a text in quotes; ${...} stays as it is, quotes inside it included.
func (p *parser) text() (string, bool) {
	var b strings.Builder
	p.next()
	for braces := 0; p.at < len(p.src); {
		ch := p.peek()
		switch {
		case ch == '"' && braces == 0:
			p.next()
			return b.String(), true
		case ch == '\n':
			return "", p.fail("a text ends on its line")
		case ch == '$' && strings.HasPrefix(p.src[p.at:], "${"):
			braces++
			b.WriteString("${")
			p.next()
			p.next()
			continue
		case ch == '}' && braces > 0:
			braces--
		case ch == '\\' && braces == 0:
			value, _, rest, err := strconv.UnquoteChar(p.src[p.at:], '"')
			if err != nil {
				return "", p.fail("an escape that there is not")
			}
			b.WriteRune(value)
			for n := len(p.src) - p.at - len(rest); n > 0; n-- {
				p.next()
			}
			continue
		}
		b.WriteByte(ch)
		p.next()
	}
	return "", p.fail("a text without its closing quote")
}

// heredoc reads <<WORD and <<-WORD; the latter loses the indentation of its lines.
func (p *parser) heredoc(n *doc.Node) *doc.Node {
	n.Kind, n.Style = doc.String, doc.Block
	first, rest, ok := strings.Cut(p.src[p.at+2:], "\n")
	marker := strings.TrimSpace(strings.TrimPrefix(first, "-"))
	if !ok || marker == "" {
		p.fail("a here-document needs its word")
		return nil
	}
	var lines []string
	for line := range strings.SplitAfterSeq(rest, "\n") {
		if strings.TrimSpace(line) == marker {
			for n := 2 + len(first) + 1 + len(strings.Join(lines, "")) + len(strings.TrimRight(line, "\r\n")); n > 0; n-- {
				p.next()
			}
			for i := range lines {
				if strings.HasPrefix(first, "-") {
					lines[i] = strings.TrimLeft(lines[i], " \t")
				}
			}
			n.Text = strings.Join(lines, "")
			return n
		}
		lines = append(lines, line)
	}
	p.fail("a here-document without its end " + marker)
	return nil
}
