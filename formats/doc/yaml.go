package doc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readYAML splits the file at its document marks, so that a fault in one
// document does not hide the others; within a document a mark in column 1 ends
// everything, block text included (YAML 1.2, 9.1.2).
func readYAML(f *File, b *budget) {
	if n := roughNodes(f.Source); n > 4*b.limits.Nodes {
		f.fault(1, 1, Limit, fmt.Sprintf("the file has far more than %d values", b.limits.Nodes), "is it a configuration file at all?")
		return
	}
	for _, part := range splitYAML(f.Source) {
		readPart(f, part, b)
		if b.spent {
			return
		}
	}
}

type part struct {
	src  []byte
	line int // of its first line, from 0
}

func splitYAML(src []byte) []part {
	var parts []part
	start, startLine := 0, 0
	for i, line := 0, 0; i < len(src); line++ {
		end := bytes.IndexByte(src[i:], '\n')
		next := len(src)
		if end >= 0 {
			next = i + end + 1
		}
		if i > start && isMark(src[i:next]) {
			parts = append(parts, part{src[start:i], startLine})
			start, startLine = i, line
		}
		i = next
	}
	if start < len(src) {
		parts = append(parts, part{src[start:], startLine})
	}
	return parts
}

// isMark: "---" or "..." at the start of a line, followed by space or its end.
func isMark(line []byte) bool {
	if len(line) < 3 || string(line[:3]) != "---" && string(line[:3]) != "..." {
		return false
	}
	return len(line) == 3 || line[3] == '\n' || line[3] == '\r' || line[3] == ' ' || line[3] == '\t'
}

func readPart(f *File, p part, b *budget) {
	if bytes.HasPrefix(p.src, []byte("...")) { // an end mark alone opens nothing
		if i := bytes.IndexByte(p.src, '\n'); i >= 0 {
			p.src, p.line = p.src[i+1:], p.line+1
		} else {
			return
		}
	}
	if line, col, deep := tooDeep(p.src, b.limits.Depth); deep {
		f.fault(line+p.line, col, Limit, fmt.Sprintf("brackets are nested more than %d deep", b.limits.Depth), "")
		return
	}
	var y yaml.Node
	if err := yaml.Unmarshal(p.src, &y); err != nil {
		line, col, what := 1, 1, err.Error()
		var le *yaml.LoadError
		if errors.As(err, &le) {
			line, col, what = le.Mark.Line, le.Mark.Column, le.Message
			if le.ContextMsg != "" {
				what = le.ContextMsg + ": " + what
			}
		}
		f.fault(max(1, line)+p.line, max(1, col), Syntax, what, syntaxHint(p.src, line, what))
		return
	}
	if y.Kind == 0 || len(y.Content) == 0 {
		return
	}
	c := &converter{file: f, budget: b, line: p.line, done: map[*yaml.Node]*Node{}, cost: map[*yaml.Node]int{}}
	root := c.convert(y.Content[0], 0)
	if root == nil || b.spent || root.Kind == Null && root.Text == "" {
		return
	}
	f.Docs = append(f.Docs, &Document{File: f, Index: len(f.Docs), Root: root})
}

// tooDeep guards the parser: flow brackets outside of quotes and comments.
func tooDeep(src []byte, limit int) (line, col int, deep bool) {
	depth, line, col := 0, 1, 0
	var quote byte
	for i := 0; i < len(src); i++ {
		ch := src[i]
		col++
		switch {
		case ch == '\n':
			line, col = line+1, 0
		case quote == '"' && ch == '\\':
			i++
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case (ch == '"' || ch == '\'') && depth > 0: // outside of brackets an apostrophe is mostly just one
			quote = ch
		case ch == '[' || ch == '{':
			if depth++; depth > limit {
				return line, col, true
			}
		case (ch == ']' || ch == '}') && depth > 0:
			depth--
		}
	}
	return 0, 0, false
}

// roughNodes is an upper estimate that costs no memory.
func roughNodes(src []byte) int {
	n := 0
	for _, ch := range src {
		switch ch {
		case ':', ',', '[', '{', '\n':
			n++
		}
	}
	return n
}

func syntaxHint(src []byte, line int, what string) string {
	lines := bytes.SplitN(src, []byte("\n"), line+1)
	if line < 1 || line > len(lines) {
		return ""
	}
	l := string(lines[line-1])
	switch {
	case strings.HasPrefix(strings.TrimLeft(l, " "), "\t"):
		return "indent with spaces; YAML takes no tabs"
	case strings.Contains(l, "{{"):
		return "this looks like a template; render it first"
	case strings.Contains(what, "mapping values are not allowed"):
		return "is the line above indented alike, and is a text with a colon quoted?"
	}
	return ""
}

// converter turns yaml nodes into ours. Aliases share nodes; their expanded
// size is counted, so that a few lines cannot stand for a billion values.
type converter struct {
	file   *File
	budget *budget
	line   int
	done   map[*yaml.Node]*Node
	cost   map[*yaml.Node]int // nodes below, for aliases
	open   []*yaml.Node       // anchors being converted: an alias to one is a loop
}

func (c *converter) spend(n int, y *yaml.Node) bool {
	if c.budget.left -= n; c.budget.left < 0 && !c.budget.spent {
		c.budget.spent = true
		c.file.fault(y.Line+c.line, y.Column, Limit, fmt.Sprintf("the file stands for more than %d values", c.budget.limits.Nodes), "do aliases multiply?")
	}
	return !c.budget.spent
}

func (c *converter) convert(y *yaml.Node, depth int) *Node {
	n := &Node{Line: y.Line + c.line, Col: y.Column}
	if depth > c.budget.limits.Depth {
		if !c.budget.spent {
			c.budget.spent = true
			c.file.fault(n.Line, n.Col, Limit, fmt.Sprintf("nested more than %d deep", c.budget.limits.Depth), "")
		}
		return n
	}
	if y.Kind == yaml.AliasNode {
		return c.alias(y)
	}
	if !c.spend(1, y) {
		return n
	}
	before := c.budget.left
	if y.Anchor != "" {
		c.open = append(c.open, y)
		defer func() {
			c.open = c.open[:len(c.open)-1]
			c.done[y], c.cost[y] = n, before-c.budget.left+1
		}()
	}
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") {
		n.Tag = y.Tag
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Map
		c.mapping(n, y, depth)
	case yaml.SequenceNode:
		n.Kind = List
		for _, it := range y.Content {
			n.Items = append(n.Items, c.convert(it, depth+1))
		}
	default:
		c.scalar(n, y)
	}
	if y.Style&yaml.FlowStyle != 0 {
		n.Style = Flow
	}
	return n
}

func (c *converter) alias(y *yaml.Node) *Node {
	for _, o := range c.open {
		if o == y.Alias {
			c.file.fault(y.Line+c.line, y.Column, Value, fmt.Sprintf("*%s stands inside &%s itself", y.Value, y.Value), "")
			return &Node{Line: y.Line + c.line, Col: y.Column}
		}
	}
	if !c.spend(c.cost[y.Alias], y) {
		return &Node{Line: y.Line + c.line, Col: y.Column}
	}
	if n := c.done[y.Alias]; n != nil {
		return n
	}
	return &Node{Line: y.Line + c.line, Col: y.Column}
}

func (c *converter) mapping(n *Node, y *yaml.Node, depth int) {
	seen := make(map[string]*Node, len(y.Content)/2)
	var merges []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		if k.Tag == "!!merge" || k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style == 0 {
			merges = append(merges, c.convert(y.Content[i+1], depth+1))
			continue
		}
		key, val := c.convert(k, depth+1), c.convert(y.Content[i+1], depth+1)
		if first := seen[key.Text]; first != nil {
			c.file.fault(key.Line, key.Col, Duplicate, fmt.Sprintf("key %q stands here for the second time, first in line %d", key.Text, first.Line), "which of them counts differs by reader; keep one")
			continue
		}
		seen[key.Text] = key
		n.Entries = append(n.Entries, Entry{Key: key, Value: val})
	}
	for _, m := range merges { // own keys win, then earlier merges
		from := m.Items
		if m.Kind == Map {
			from = []*Node{m}
		}
		for _, src := range from {
			for _, e := range src.Entries {
				if seen[e.Key.Text] == nil {
					seen[e.Key.Text] = e.Key
					e.Merge = true
					n.Entries = append(n.Entries, e)
				}
			}
		}
	}
}

func (c *converter) scalar(n *Node, y *yaml.Node) {
	n.Text = y.Value
	switch {
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n.Kind, n.Style = String, Quoted
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.Kind, n.Style = String, Block
	default:
		switch y.ShortTag() {
		case "!!null":
			n.Kind = Null
		case "!!bool":
			n.Kind = Bool
			n.Text = strings.ToLower(y.Value)
		case "!!int":
			n.Kind = Int
		case "!!float":
			n.Kind = Float
		default:
			n.Kind = String
		}
	}
}
