package layout

import (
	"math"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
)

const (
	rowStep   = 34. // from one message to the next
	selfStep  = 44. // after a message to oneself
	frameHead = 26.
	frameFoot = 10.
	cutHead   = 22.
	columnGap = 24.
)

// sequence places participants in columns, wide enough for what is written
// between them, and messages in rows.
func sequence(g view.Graph) Placed {
	p := Placed{Graph: g, NodeBoxes: make([]Box, len(g.Nodes)), Routes: make([]Path, len(g.Edges)), FrameBoxes: make([]Rect, len(g.Frames))}
	s := sequencing{p: &p, index: map[arch.Ref]int{}}
	top := 0.
	for i, n := range g.Nodes {
		p.NodeBoxes[i] = single(n)
		s.index[n.Ref] = i
		top = math.Max(top, p.NodeBoxes[i].H)
	}
	s.columns()
	for i := range p.NodeBoxes {
		b := &p.NodeBoxes[i]
		b.X, b.Y = s.x[i]-b.W/2, top-b.H
	}
	end := s.rows(top + 14)
	for i := range p.NodeBoxes {
		p.NodeBoxes[i].Line = end
		p.Width = math.Max(p.Width, p.NodeBoxes[i].X+p.NodeBoxes[i].W)
	}
	s.frames()
	p.Height = end
	return p
}

type sequencing struct {
	p     *Placed
	index map[arch.Ref]int
	x     []float64 // middle of each column
	tops  []float64 // of each frame
	ends  []float64
	cuts  [][]float64
}

func (s *sequencing) ends2(e view.Edge) (from, to int) { return s.index[e.From], s.index[e.To] }

// columns spreads the participants so that no label is wider than the way it
// stands on: for each column the widest label that ends there decides.
func (s *sequencing) columns() {
	boxes := s.p.NodeBoxes
	s.x = make([]float64, len(boxes))
	for i := range boxes {
		x := boxes[i].W / 2
		if i > 0 {
			x = s.x[i-1] + boxes[i-1].W/2 + columnGap + boxes[i].W/2
		} else {
			x += s.depth() * 8
		}
		for k, e := range s.p.Edges {
			from, to := s.ends2(e)
			need := s.text(k) + 26
			switch {
			case from == to && from == i-1:
				x = math.Max(x, s.x[i-1]+need+30)
			case max(from, to) == i && from != to:
				x = math.Max(x, s.x[min(from, to)]+need)
			}
		}
		s.x[i] = x
	}
	for k, e := range s.p.Edges { // past the last column
		if from, to := s.ends2(e); from == to && from == len(s.x)-1 {
			s.p.Width = math.Max(s.p.Width, s.x[from]+s.text(k)+60)
		}
	}
}

// depth is how many frames lie within each other.
func (s *sequencing) depth() float64 {
	deepest := 0
	for i, f := range s.p.Frames {
		d := 1
		for _, g := range s.p.Frames[:i] {
			if g.First <= f.First && f.Last <= g.Last {
				d++
			}
		}
		deepest = max(deepest, d)
	}
	return float64(deepest)
}

func (s *sequencing) text(k int) float64 {
	e := s.p.Edges[k]
	if e.Label == "" {
		return 0
	}
	return SmallFont.Width(SmallFont.Cut(e.Label, 260)) + 6
}

// rows gives each message its height and opens and closes frames between them.
func (s *sequencing) rows(y float64) float64 {
	p := s.p
	s.tops, s.ends, s.cuts = make([]float64, len(p.Frames)), make([]float64, len(p.Frames)), make([][]float64, len(p.Frames))
	for k, e := range p.Edges {
		for i, f := range p.Frames {
			if f.First == k {
				s.tops[i] = y + 8
				y += frameHead
			}
			for _, c := range f.Cuts {
				if c.Before == k {
					s.cuts[i] = append(s.cuts[i], y+rowStep/2-4)
					y += cutHead
				}
			}
		}
		y += rowStep
		s.message(k, e, y)
		if from, to := s.ends2(e); from == to {
			y += selfStep - rowStep
		}
		for i := len(p.Frames) - 1; i >= 0; i-- {
			if p.Frames[i].Last == k {
				y += frameFoot
				s.ends[i] = y
			}
		}
	}
	return y + 22
}

func (s *sequencing) message(k int, e view.Edge, y float64) {
	from, to := s.ends2(e)
	text := SmallFont.Cut(e.Label, 260)
	w := s.text(k)
	a, b := s.x[from], s.x[to]
	r := &s.p.Routes[k]
	if text != "" {
		r.Text = text
		r.Label = Rect{(a+b)/2 - w/2, y - 17, w, detailLine}
	}
	if from == to {
		r.Points = []Point{{a, y}, {a + 26, y}, {a + 26, y + 14}, {a, y + 14}}
		r.Label.X, r.Label.Y = a+30, y
		return
	}
	r.Points = []Point{{a, y}, {b, y}}
}

// frames puts each box around its messages, the outer ones wider.
func (s *sequencing) frames() {
	p := s.p
	for i, f := range p.Frames {
		left, right := math.Inf(1), math.Inf(-1)
		for k := f.First; k <= f.Last; k++ {
			for _, q := range p.Routes[k].Points {
				left, right = math.Min(left, q.X), math.Max(right, q.X)
			}
			if r := p.Routes[k].Label; r.W > 0 {
				left, right = math.Min(left, r.X), math.Max(right, r.X+r.W)
			}
		}
		inner := 0.
		for _, g := range p.Frames[i+1:] {
			if f.First <= g.First && g.Last <= f.Last {
				inner++
			}
		}
		pad := 16 + 8*inner
		p.FrameBoxes[i] = Rect{left - pad, s.tops[i], right - left + 2*pad, s.ends[i] - s.tops[i]}
		head := GroupFont.Width(f.Kind) + SmallFont.Width(f.Label) + 44
		p.FrameBoxes[i].W = math.Max(p.FrameBoxes[i].W, head)
		p.Width = math.Max(p.Width, p.FrameBoxes[i].X+p.FrameBoxes[i].W+4)
		p.CutLines = append(p.CutLines, s.cuts[i])
	}
}
