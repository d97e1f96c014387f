package layout

import (
	"math"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

const (
	labelLine  = 16. // height of a line of a label
	detailLine = 14.
	rowHeight  = 22.  // of a compartment
	rowIcon    = 20.  // left of a compartment's text
	maxLabel   = 170. // where a label breaks, if it has a place to
	maxWord    = 240. // where it breaks although it has none
	minWidth   = 84.
)

// BadgeSize is the width and height that a badge on an edge takes.
const BadgeSize = 24.

// Around a text, by the shape that is drawn: slanted and round sides take room.
func padding(m view.Mark) (x, top, bottom float64) {
	switch {
	case m.Node == view.Store:
		return 12, 16, 8
	case m.Node == view.Topic:
		return 20, 8, 8
	case m.Node == view.Gateway, m.Node == view.Event:
		return 22, 8, 8
	case m.Role == arch.RoleUI:
		return 14, 17, 8
	case m.Role == arch.RoleLoadgen:
		return 22, 8, 8
	case m.Role == arch.RoleJob:
		return 16, 8, 8
	case m.Node == view.Person:
		return 14, 30, 6
	case m.Node == view.External:
		return 18, 9, 9
	}
	return 14, 9, 9
}

// measure gives every node its size, with what lies inside it; the position
// stays zero save for compartments, whose place is relative to their node.
func measure(g view.Graph) []Box {
	boxes := make([]Box, len(g.Nodes))
	index := map[arch.Ref]int{}
	for i, n := range g.Nodes {
		index[n.Ref] = i
		if n.Inside == "" {
			boxes[i] = single(n)
		}
	}
	for i, n := range g.Nodes {
		if n.Inside == "" {
			continue
		}
		around := &boxes[index[n.Inside]]
		row := Box{Row: true, Rect: Rect{Y: around.H, H: rowHeight}}
		row.Lines = []string{SmallFont.Cut(n.Label, maxLabel)}
		row.W = 10 + rowIcon + SmallFont.Width(row.Lines[0]) + 10
		if n.Detail != "" {
			row.Detail = SmallFont.Cut(n.Detail, 90)
			row.W += SmallFont.Width(row.Detail) + 8
		}
		row.W = math.Ceil(row.W)
		around.W = max(around.W, row.W)
		around.H += rowHeight
		boxes[i] = row
	}
	widenForPills(g, index, boxes)
	for i, n := range g.Nodes {
		if n.Inside != "" {
			boxes[i].W = boxes[index[n.Inside]].W
		}
	}
	return boxes
}

func single(n view.Node) Box {
	px, top, bottom := padding(n.Sign())
	b := Box{Lines: LabelFont.Wrap(n.Label, maxLabel, maxWord, 3)}
	for _, l := range b.Lines {
		b.W = max(b.W, LabelFont.Width(l))
	}
	b.H = top + bottom + labelLine*float64(len(b.Lines))
	if n.Detail != "" {
		b.Detail = DetailFont.Cut(n.Detail, max(maxLabel, b.W))
		b.W = max(b.W, DetailFont.Width(b.Detail))
		b.H += detailLine
	}
	b.W = math.Ceil(max(minWidth, b.W+2*px))
	b.Head = b.H
	return b
}

// Pill is the text of the sign that stands for a stub at the end away from its
// hub.
func Pill(g view.Graph, e view.Edge) string {
	hub, _ := g.Node(g.Hub(e))
	name := PillFont.Cut(hub.Label, 100)
	if e.From == hub.Ref {
		return name + " →"
	}
	return "→ " + name
}

// widenForPills makes room for at least one sign.
func widenForPills(g view.Graph, index map[arch.Ref]int, boxes []Box) {
	for _, e := range g.Edges {
		if !e.Stub {
			continue
		}
		w := PillFont.Width(Pill(g, e)) + 10 + 16
		for _, r := range []arch.Ref{e.From, e.To} {
			if b := &boxes[index[r]]; r != g.Hub(e) && b.W < w {
				b.W = math.Ceil(w)
			}
		}
	}
}
