package review

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// EditKind is what an edit does.
type EditKind string

const (
	Rename EditKind = "rename" // the key at the place gets the name Value
	Set    EditKind = "set"    // the scalar at the place gets the text Value
)

// Edit is a change of one place of a YAML file that cures a finding.
type Edit struct {
	File  string   `json:"file"`
	Line  int      `json:"line"` // from 1
	Col   int      `json:"col"`  // from 1
	Kind  EditKind `json:"kind"`
	Value string   `json:"value"`
}

// EditAt makes an edit of the place of an evidence.
func EditAt(s arch.Source, k EditKind, value string) []Edit {
	if s.Via != "" {
		return nil // what was rendered is mended in its template, by a person
	}
	if s.File == "" || s.Line == 0 || s.Col == 0 {
		return nil
	}
	return []Edit{{s.File, s.Line, s.Col, k, value}}
}

// Fix applies edits to a file and returns its new bytes: comments, order and
// style of everything else stay. Edits that cannot be made (the place holds
// something else by now, a style that the editor leaves to people) are joined in
// the error; the others are made all the same.
func Fix(path string, src []byte, edits []Edit) ([]byte, error) {
	ed, err := doc.NewEditor(path, src)
	if err != nil {
		return src, err
	}
	edits = slices.Clone(edits)
	// From the end to the beginning, so that places before an edit stay right.
	slices.SortFunc(edits, func(a, b Edit) int {
		if a.Line != b.Line {
			return b.Line - a.Line
		}
		return b.Col - a.Col
	})
	var faults []error
	for _, e := range slices.Compact(edits) {
		if err := apply(ed, e); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d:%d: %w", path, e.Line, e.Col, err))
		}
	}
	return ed.Bytes(), errors.Join(faults...)
}

func apply(ed *doc.Editor, e Edit) error {
	for i := 0; ed.Doc(i) != nil; i++ {
		p, key := find(ed.Doc(i).Root, e)
		switch {
		case p == nil:
			continue
		case e.Kind == Rename && key:
			return ed.Rename(i, e.Value, p...)
		case e.Kind == Set && !key:
			return ed.Set(i, doc.Quote(e.Value), p...)
		}
	}
	return errors.New("nothing stands there that the fix fits")
}

// find returns the path of the key or value that stands at the edit's place.
func find(n *doc.Node, e Edit) (path []string, key bool) {
	here := func(x *doc.Node) bool { return x.Line == e.Line && x.Col == e.Col }
	for _, x := range n.Entries {
		if x.Merge {
			continue
		}
		if e.Kind == Rename && here(x.Key) {
			return []string{x.Key.Text}, true
		}
		if e.Kind == Set && here(x.Value) && x.Value.Kind != doc.Map && x.Value.Kind != doc.List {
			return []string{x.Key.Text}, false
		}
		if p, k := find(x.Value, e); p != nil {
			return append([]string{x.Key.Text}, p...), k
		}
	}
	for i, x := range n.Items {
		if e.Kind == Set && here(x) && x.Kind != doc.Map && x.Kind != doc.List {
			return []string{fmt.Sprint(i)}, false
		}
		if p, k := find(x, e); p != nil {
			return append([]string{fmt.Sprint(i)}, p...), k
		}
	}
	return nil, false
}
