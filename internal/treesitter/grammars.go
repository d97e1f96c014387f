//go:build cgo

package treesitter

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	sitter "github.com/tree-sitter/go-tree-sitter"
	csharp "github.com/tree-sitter/tree-sitter-c-sharp/bindings/go"
	java "github.com/tree-sitter/tree-sitter-java/bindings/go"
	javascript "github.com/tree-sitter/tree-sitter-javascript/bindings/go"
	python "github.com/tree-sitter/tree-sitter-python/bindings/go"
	typescript "github.com/tree-sitter/tree-sitter-typescript/bindings/go"

	"github.com/ashlar-dev/ashlar/formats/syntax"
)

func grammar(lang string) unsafe.Pointer {
	switch lang {
	case "java":
		return java.Language()
	case "python":
		return python.Language()
	case "javascript": // with JSX
		return javascript.Language()
	case "typescript":
		return typescript.LanguageTypescript()
	case "tsx":
		return typescript.LanguageTSX()
	case "csharp":
		return csharp.Language()
	}
	return nil
}

// Languages that this build has grammars for, sorted.
func Languages() []string {
	return []string{"csharp", "java", "javascript", "python", "tsx", "typescript"}
}

func parse(lang string, src []byte) (*syntax.Tree, error) {
	g := grammar(lang)
	if g == nil {
		return nil, fmt.Errorf("no grammar for %q", lang)
	}
	p := sitter.NewParser()
	defer p.Close()
	l := sitter.NewLanguage(g)
	if err := p.SetLanguage(l); err != nil {
		return nil, err
	}
	t := p.Parse(src, nil)
	if t == nil {
		return nil, errors.New("the parser gave up")
	}
	defer t.Close()
	f := flattener{t: &syntax.Tree{Fields: []string{""}}, l: l, kinds: map[uint16]uint16{}, fields: map[uint16]uint8{}}
	return f.tree(t)
}

// flattener makes a flat tree of tree-sitter's.
type flattener struct {
	t      *syntax.Tree
	l      *sitter.Language
	kinds  map[uint16]uint16 // of the grammar -> of the tree
	fields map[uint16]uint8
	keep   map[uint16]bool // kinds without a name that are kept
	depth  []uint32        // open nodes, by index in the list
}

func (f *flattener) tree(t *sitter.Tree) (*syntax.Tree, error) {
	f.keep = map[uint16]bool{}
	for id := range uint16(min(f.l.NodeKindCount(), math.MaxUint16)) { //nolint:gosec // bounded
		k := f.l.NodeKindForId(id)
		f.keep[id] = k != "" && (k[0] >= 'a' && k[0] <= 'z')
	}
	c := t.Walk()
	defer c.Close()
	for {
		kept := f.enter(c)
		if kept && c.GotoFirstChild() {
			continue
		}
		if kept {
			f.leave()
		}
		for !c.GotoNextSibling() {
			if !c.GotoParent() {
				return f.t, nil
			}
			f.leave()
		}
	}
}

// enter adds the node that the cursor is at, unless it says nothing.
func (f *flattener) enter(c *sitter.TreeCursor) bool {
	n := c.Node()
	kind, field := n.KindId(), c.FieldId()
	if !n.IsNamed() && field == 0 && !f.keep[kind] && !n.IsMissing() || n.IsExtra() && !n.IsError() {
		return false
	}
	k, ok := f.kinds[kind]
	if !ok {
		k = uint16(len(f.t.Kinds)) //nolint:gosec // as many as the grammar has
		f.kinds[kind] = k
		f.t.Kinds = append(f.t.Kinds, n.Kind())
	}
	r := syntax.Raw{Kind: k, Broken: n.IsError() || n.IsMissing(), Start: uint32(n.StartByte()), End: uint32(n.EndByte()), Line: uint32(n.StartPosition().Row) + 1} //nolint:gosec // sources are far below 4 GiB
	if field != 0 {
		x, ok := f.fields[field]
		if !ok && len(f.t.Fields) <= math.MaxUint8 {
			x = uint8(len(f.t.Fields)) //nolint:gosec // just looked
			f.fields[field] = x
			f.t.Fields = append(f.t.Fields, f.l.FieldNameForId(field))
		}
		r.Field = x
	}
	f.depth = append(f.depth, uint32(len(f.t.Nodes))) //nolint:gosec // as above
	f.t.Nodes = append(f.t.Nodes, r)
	return true
}

func (f *flattener) leave() {
	last := len(f.depth) - 1
	f.t.Nodes[f.depth[last]].Next = uint32(len(f.t.Nodes)) //nolint:gosec // as above
	f.depth = f.depth[:last]
}
