package layout

import (
	"cmp"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/design/view"
)

// loose puts nodes that no line reaches into a grid below the rest, kind by
// kind: as layers of their own they would make one endless column.
func (l *layering) loose(p *Placed) {
	byKind := map[view.NodeKind][]int{}
	var kinds []view.NodeKind
	for i, n := range l.g.Nodes {
		if n.Inside != "" || l.nodes[i] != nil {
			continue
		}
		if byKind[n.Kind] == nil {
			kinds = append(kinds, n.Kind)
		}
		byKind[n.Kind] = append(byKind[n.Kind], i)
	}
	if len(kinds) == 0 {
		return
	}
	order := []view.NodeKind{view.Context, view.Gateway, view.Service, view.Topic, view.Event, view.Store, view.Table, view.External}
	slices.SortFunc(kinds, func(a, b view.NodeKind) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	if len(l.nodes) == 0 {
		p.Width, p.Height = 0, 0
	}
	area := 0.
	for _, is := range byKind {
		for _, i := range is {
			area += (p.NodeBoxes[i].W + 22) * (p.NodeBoxes[i].H + 22)
		}
	}
	limit := max(p.Width, 900, 1.8*math.Sqrt(area)) // about as wide as a screen is
	for _, k := range kinds {
		l.grid(p, byKind[k], limit)
	}
}

// grid places nodes in columns of one width, below what there is.
func (l *layering) grid(p *Placed, nodes []int, limit float64) {
	const edge, gap = 8., 22.
	column := 0.
	for _, i := range nodes {
		column = math.Max(column, p.NodeBoxes[i].W)
	}
	columns := max(1, int((limit-2*edge+gap)/(column+gap)))
	y, tallest := p.Height+edge, 0.
	for k, i := range nodes {
		if k > 0 && k%columns == 0 {
			y, tallest = y+tallest+gap, 0
		}
		b := &p.NodeBoxes[i]
		b.X, b.Y = edge+float64(k%columns)*(column+gap), y
		for j, m := range l.g.Nodes {
			if m.Inside == l.g.Nodes[i].Ref {
				p.NodeBoxes[j].X += b.X
				p.NodeBoxes[j].Y += b.Y
			}
		}
		tallest = math.Max(tallest, b.H)
		p.Width = math.Max(p.Width, b.X+b.W+edge)
	}
	p.Height = y + tallest + edge
}
