// Package syntax holds syntax trees of source files as flat data: nodes in the
// order in which they open, each with the index behind its last descendant. A
// parser in another process sends one as bytes ([Tree.Append], [Decode]); who
// reads it needs neither that parser nor cgo.
//
// Only what carries meaning is kept: named nodes, keywords, and tokens that stand
// in a field of the grammar, such as operators.
package syntax

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
)

// Tree is the syntax tree of one file.
type Tree struct {
	Src    []byte   // UTF-8
	Kinds  []string // of nodes, by index
	Fields []string // of the grammar, by index; [0] is ""
	Nodes  []Raw    // in preorder; [0] is the root
}

// Raw is a node as it is stored.
type Raw struct {
	Kind       uint16 // index in Kinds
	Field      uint8  // index in Fields
	Broken     bool   // an error, or missing from the source
	Start, End uint32 // bytes of Src
	Line       uint32 // of Start, from 1
	Next       uint32 // index behind the last descendant
}

// Node is a place in a tree; the zero Node is no node, and every method of it
// answers with nothing.
type Node struct {
	t *Tree
	i uint32
}

// Root of the tree.
func (t *Tree) Root() Node {
	if t == nil || len(t.Nodes) == 0 {
		return Node{}
	}
	return Node{t, 0}
}

// Broken counts the places where the source is not what the grammar knows.
func (t *Tree) Broken() int {
	n := 0
	for i := range t.Nodes {
		if t.Nodes[i].Broken {
			n++
		}
	}
	return n
}

// Ok reports whether n is a node.
func (n Node) Ok() bool { return n.t != nil }

// Kind as the grammar calls it, "" for no node.
func (n Node) Kind() string {
	if n.t == nil {
		return ""
	}
	return n.t.Kinds[n.t.Nodes[n.i].Kind]
}

// Text is the source of the node. It shares no memory with the tree.
func (n Node) Text() string {
	if n.t == nil {
		return ""
	}
	r := n.t.Nodes[n.i]
	return string(n.t.Src[r.Start:r.End])
}

// Line of the first byte, from 1; 0 for no node.
func (n Node) Line() int {
	if n.t == nil {
		return 0
	}
	return int(n.t.Nodes[n.i].Line)
}

// Col of the first byte, in bytes from 1; 0 for no node.
func (n Node) Col() int {
	if n.t == nil {
		return 0
	}
	at := n.t.Nodes[n.i].Start
	col := 1
	for at > 0 && n.t.Src[at-1] != '\n' {
		at--
		col++
	}
	return col
}

// Lines that the node covers, at least 1.
func (n Node) Lines() int {
	if n.t == nil {
		return 0
	}
	r := n.t.Nodes[n.i]
	lines := 1
	for _, b := range n.t.Src[r.Start:r.End] {
		if b == '\n' {
			lines++
		}
	}
	return lines
}

// Broken reports whether the node is an error or missing from the source.
func (n Node) Broken() bool { return n.t != nil && n.t.Nodes[n.i].Broken }

// Children of the node in order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.t == nil {
			return
		}
		for i := n.i + 1; i < n.t.Nodes[n.i].Next; i = n.t.Nodes[i].Next {
			if !yield(Node{n.t, i}) {
				return
			}
		}
	}
}

// Field is the first child that stands in the field of this name.
func (n Node) Field(name string) Node {
	if n.t == nil {
		return Node{}
	}
	for i := n.i + 1; i < n.t.Nodes[n.i].Next; i = n.t.Nodes[i].Next {
		if f := n.t.Nodes[i].Field; f != 0 && n.t.Fields[f] == name {
			return Node{n.t, i}
		}
	}
	return Node{}
}

// In reports the field that the node stands in, or "".
func (n Node) In() string {
	if n.t == nil {
		return ""
	}
	return n.t.Fields[n.t.Nodes[n.i].Field]
}

// Child is the first child of one of these kinds.
func (n Node) Child(kinds ...string) Node {
	for c := range n.Children() {
		k := c.Kind()
		for _, want := range kinds {
			if k == want {
				return c
			}
		}
	}
	return Node{}
}

// First is the first child, if there is any.
func (n Node) First() Node {
	for c := range n.Children() {
		return c
	}
	return Node{}
}

// nodeSize is what a node takes on the wire.
const nodeSize = 20

// Append appends the tree without its source to b.
func (t *Tree) Append(b []byte) []byte {
	b = appendStrings(b, t.Kinds)
	b = appendStrings(b, t.Fields)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Nodes))) //nolint:gosec // the source is shorter than 4 GiB, and so is the list
	for _, n := range t.Nodes {
		broken := byte(0)
		if n.Broken {
			broken = 1
		}
		b = binary.LittleEndian.AppendUint16(b, n.Kind)
		b = append(b, n.Field, broken)
		b = binary.LittleEndian.AppendUint32(b, n.Start)
		b = binary.LittleEndian.AppendUint32(b, n.End)
		b = binary.LittleEndian.AppendUint32(b, n.Line)
		b = binary.LittleEndian.AppendUint32(b, n.Next)
	}
	return b
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(min(len(list), math.MaxUint16))) //nolint:gosec // bounded
	for _, s := range list {
		s = s[:min(len(s), math.MaxUint8)]
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	return b
}

var errShort = errors.New("a syntax tree that ends early")

// Decode reads what [Tree.Append] wrote. A tree that it returns is whole: every
// index is in range and every node lies within its parent, whatever the bytes
// are.
func Decode(b, src []byte) (*Tree, error) {
	t := &Tree{Src: src}
	var err error
	if t.Kinds, b, err = readStrings(b); err != nil {
		return nil, err
	}
	if t.Fields, b, err = readStrings(b); err != nil {
		return nil, err
	}
	if len(b) < 4 {
		return nil, errShort
	}
	n := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(len(b)) != uint64(n)*nodeSize {
		return nil, errShort
	}
	t.Nodes = make([]Raw, n)
	for i := range t.Nodes {
		p := b[i*nodeSize:]
		t.Nodes[i] = Raw{
			Kind: binary.LittleEndian.Uint16(p), Field: p[2], Broken: p[3] != 0,
			Start: binary.LittleEndian.Uint32(p[4:]), End: binary.LittleEndian.Uint32(p[8:]),
			Line: binary.LittleEndian.Uint32(p[12:]), Next: binary.LittleEndian.Uint32(p[16:]),
		}
	}
	return t, t.check()
}

func (t *Tree) check() error {
	var open []uint32 // ends of the nodes that i lies in
	for i, r := range t.Nodes {
		for len(open) > 0 && open[len(open)-1] == uint32(i) { //nolint:gosec // bounded by the list's length on the wire
			open = open[:len(open)-1]
		}
		outer := uint32(len(t.Nodes)) //nolint:gosec // as above
		if len(open) > 0 {
			outer = open[len(open)-1]
		}
		if int(r.Kind) >= len(t.Kinds) || int(r.Field) >= len(t.Fields) || r.Start > r.End || int64(r.End) > int64(len(t.Src)) || int(r.Next) <= i || r.Next > outer || i > 0 && len(open) == 0 {
			return fmt.Errorf("a syntax tree whose node %d leads nowhere", i)
		}
		open = append(open, r.Next)
	}
	return nil
}

func readStrings(b []byte) (list []string, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errShort
	}
	n := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	for range n {
		if len(b) < 1 || len(b) < 1+int(b[0]) {
			return nil, nil, errShort
		}
		list = append(list, string(b[1:1+int(b[0])]))
		b = b[1+int(b[0]):]
	}
	return list, b, nil
}
