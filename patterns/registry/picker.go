package registry

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
)

// NewPicker makes the default picker: of two random instances it takes the one
// with fewer calls under way in proportion to its weight.
func NewPicker() Picker {
	p := &twoChoices{}
	p.slots.Store(&[]*slot{})
	return p
}

type twoChoices struct {
	slots atomic.Pointer[[]*slot]
}

type slot struct {
	in       Instance
	inflight *atomic.Int64 // outlives the slot when only tags or meta change
	done     func(error)   // made once, so that a pick does not allocate
}

// Update keeps the counters of instances that stay.
func (p *twoChoices) Update(instances []Instance) {
	old := map[string]*slot{}
	for _, s := range *p.slots.Load() {
		old[s.in.ID] = s
	}
	next := make([]*slot, len(instances))
	for i, in := range instances {
		s := &slot{in: in, inflight: new(atomic.Int64)}
		if o := old[in.ID]; o != nil && o.in.Address == in.Address && o.in.Port == in.Port {
			s.inflight = o.inflight
		}
		s.done = func(error) { s.inflight.Add(-1) }
		next[i] = s
	}
	p.slots.Store(&next)
}

func (p *twoChoices) Pick(context.Context) (Instance, func(error), bool) {
	slots := *p.slots.Load()
	var s *slot
	switch n := len(slots); n {
	case 0:
		return Instance{}, nil, false
	case 1:
		s = slots[0]
	default:
		i := rand.IntN(n)     //nolint:gosec // a choice, no secret
		j := rand.IntN(n - 1) //nolint:gosec // as above
		if j >= i {
			j++
		}
		s = slots[i]
		// inflight/weight compared without dividing; one more for the call itself.
		if o := slots[j]; (s.inflight.Load()+1)*weight(o.in) > (o.inflight.Load()+1)*weight(s.in) {
			s = o
		}
	}
	s.inflight.Add(1)
	return s.in, s.done, true
}

func weight(in Instance) int64 { return int64(max(in.Weight, 1)) }
