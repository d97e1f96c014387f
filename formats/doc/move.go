package doc

// Move says where the file's text really comes from: a template that it was
// rendered from, a document that holds it. Every node, and every fault found so
// far, moves to the place that at gives for its own; faults found later frame the
// lines of src. It is for freshly read files: positions move once. As with a
// document inside another ([Document.Embedded]), no edit of the file finds it.
func (f *File) Move(path string, src []byte, at func(line, col int) (int, int)) {
	seen := map[*Node]bool{}
	var move func(n *Node)
	move = func(n *Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		n.Line, n.Col = at(n.Line, n.Col)
		for _, e := range n.Entries {
			move(e.Key)
			move(e.Value)
		}
		for _, it := range n.Items {
			move(it)
		}
	}
	for _, d := range f.Docs {
		move(d.Root)
	}
	for _, x := range f.Faults {
		x.Pos.File = path
		if x.Pos.Line > 0 {
			x.Pos.Line, x.Pos.Col = at(x.Pos.Line, x.Pos.Col)
		}
	}
	f.Path, f.Source, f.Inside, f.moved = path, src, true, true
}
