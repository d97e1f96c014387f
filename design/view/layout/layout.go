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
	case "right", "down":
		return layered(g, o.Direction)
	case "":
	default:
		return Placed{}, fmt.Errorf("unknown direction %q: want right or down", o.Direction)
	}
	right, err := layered(g, "right")
	if err != nil {
		return Placed{}, err
	}
	if right.fit() >= 1 {
		return right, nil
	}
	down, err := layered(g, "down")
	if err != nil || down.fit() <= right.fit()*1.1 {
		return right, nil //nolint:nilerr // one good picture is enough
	}
	return down, nil
}

// fit is by how much a picture can grow until it fills a screen of 1500 x 900.
func (p Placed) fit() float64 { return math.Min(1500/p.Width, 900/p.Height) }
