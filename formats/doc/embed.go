package doc

import (
	"bytes"
	"strings"
)

// Embedded reads the document that a block of text holds: the configuration file
// in a ConfigMap, the old form of a resource whose `config` is one long text. Its
// nodes have the places that they have in the file around it. A text whose lines
// are no lines of the file (quoted, folded, rendered from a template) has the place
// of its node for all of them; nil when n is no text.
//
// The documents stand in a [File] of their own; an edit of the file around them
// does not find them.
func (d *Document) Embedded(n *Node, limits *Limits) *File {
	if n == nil || n.Kind != String {
		return nil
	}
	if n.Style == Block && !d.File.moved {
		if src, ok := d.File.block(n); ok {
			f := Read(d.File.Path, src, limits)
			f.Inside = true
			return f
		}
	}
	f := Read(d.File.Path, []byte(n.Text), limits)
	for _, x := range f.Docs {
		x.Root.stand(n.Line, n.Col)
	}
	for _, x := range f.Faults {
		x.Pos.Line, x.Pos.Col = n.Line, n.Col
	}
	f.Inside = true
	return f
}

// block is the file's source with nothing in it but the lines of a block of text,
// at their places. A mark between documents has to stand in the first column, so
// it moves there. ok is false where these lines are not the text: it is folded, or
// the file was rendered and its source is a template.
func (f *File) block(n *Node) (src []byte, ok bool) {
	lines := bytes.SplitAfter(f.Source, []byte("\n"))
	var out, bare []byte
	indent := -1
	for i, l := range lines {
		text := bytes.TrimLeft(l, " ")
		own := len(l) - len(text)
		blank := len(bytes.TrimSpace(text)) == 0
		if i < n.Line { // before it, and the line of the indicator
			out = append(out, '\n')
			continue
		}
		if indent < 0 && !blank {
			indent = own
		}
		if !blank && (own < indent || indent == 0 && isMark(l)) {
			break
		}
		bare = append(bare, l[min(max(indent, 0), own):]...)
		if isMark(text) && own == indent {
			l = text
		}
		out = append(out, l...)
	}
	return out, strings.TrimSpace(strings.ReplaceAll(string(bare), "\r\n", "\n")) == strings.TrimSpace(n.Text)
}

// stand gives all nodes one place. Nodes that aliases share are met again, at the
// place that they have by then.
func (n *Node) stand(line, col int) {
	if n.Line == line && n.Col == col && len(n.Entries)+len(n.Items) == 0 {
		return
	}
	n.Line, n.Col = line, col
	for _, e := range n.Entries {
		e.Key.stand(line, col)
		e.Value.stand(line, col)
	}
	for _, it := range n.Items {
		it.stand(line, col)
	}
}
