// Package layout places a graph on a plane: how large each node must be for its
// text, where it lies, and which way each edge takes. Coordinates are pixels
// from the top left corner.
//
// Most views are layered graphs with right-angled edges, laid out by a port of
// the Eclipse Layout Kernel; a sequence has columns and rows.
package layout

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/view"
)

// Placed is a graph with a place for everything: Nodes, Edges, Groups and Frames
// run parallel to those of the graph.
type Placed struct {
	view.Graph
	Width, Height float64
	NodeBoxes     []Box
	GroupBoxes    []Rect
	Routes        []Path
	FrameBoxes    []Rect
	CutLines      [][]float64 // of each frame, the height of each of its cuts
	// Flat: the areas of groups would have torn the picture apart, so there are
	// none; nodes say their group instead, and the legend lists the groups.
	Flat bool
}

// Point is a place.
type Point struct{ X, Y float64 }

// Rect is an area.
type Rect struct{ X, Y, W, H float64 }

// Box is where a node is and how its text breaks.
type Box struct {
	Rect
	Lines  []string // of the label
	Detail string
	// Head is the height of the part above the compartments: all of H when the
	// node has none.
	Head float64
	// Row: the node is a compartment of another.
	Row bool
	// Line is, in a sequence, where the lifeline ends; else 0.
	Line float64
}

// Path is the way of an edge. It has no points when the edge is not drawn
// because one end lies inside the other.
type Path struct {
	Points []Point
	Joins  []Point // where edges that share a piece part
	Label  Rect    // zero without a label
	Text   string
}

// Options of a layout; nil and the zero value are the defaults.
type Options struct {
	// Direction: "right", "down", or "" for whichever fills a screen better.
	Direction string
	// KeepGroups draws groups as areas even where that makes the picture much
	// larger.
	KeepGroups bool
}

// Place lays out a graph. The error says which part the engine could not place.
func Place(g view.Graph, o *Options) (Placed, error) {
	if o == nil {
		o = &Options{}
	}
	if g.Kind == view.KindSequence {
		return sequence(g), nil
	}
	switch o.Direction {
	case "", "right", "down":
	default:
		return Placed{}, fmt.Errorf("unknown direction %q: want right or down", o.Direction)
	}
	p, err := best(g, o.Direction)
	if err != nil || len(g.Groups) == 0 || o.KeepGroups || p.fit() >= .75 { // text of 13 pixels stays readable at 10
		return p, err
	}
	flat, err := best(flatten(g), o.Direction)
	if err != nil || flat.fit() < p.fit()*1.25 {
		return p, nil //nolint:nilerr // one good picture is enough
	}
	flat.Flat = true
	return flat, nil
}

// best tries the directions that are allowed.
func best(g view.Graph, direction string) (Placed, error) {
	if direction != "" {
		return layered(g, direction)
	}
	right, err := layered(g, "right")
	if err != nil || right.fit() >= 1 {
		return right, err
	}
	down, err := layered(g, "down")
	if err != nil || down.fit() < right.fit()*1.15 {
		return right, nil //nolint:nilerr // one good picture is enough
	}
	return down, nil
}

// fit is by how much a picture can grow until it fills a screen of 1500 x 900.
func (p Placed) fit() float64 { return math.Min(1500/p.Width, 900/p.Height) }

// flatten writes groups on their nodes instead of drawing them as areas.
func flatten(g view.Graph) view.Graph {
	names := map[string]string{}
	for _, gr := range g.Groups {
		names[gr.ID] = gr.Label
		g.Legend = append(g.Legend[:len(g.Legend):len(g.Legend)], view.Mark{Group: gr.ID, Text: gr.Label})
	}
	g.Nodes = slices.Clone(g.Nodes)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Group == "" || n.Inside != "" {
			continue
		}
		n.Detail = strings.TrimSuffix(names[n.Group]+" · "+n.Detail, " · ")
	}
	g.Groups = nil
	return g
}
