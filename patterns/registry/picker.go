package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Balance returns a maker of pickers for [TransportOptions] that choose with
// package balance: latency, zone preference, outlier ejection, as configured.
// The error is the configuration's.
func Balance(c balance.Config) (func(Query) Picker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return func(Query) Picker { return newBalanced(c) }, nil
}

// balanced gives a balance.Balancer its clock and its random numbers.
type balanced struct {
	b    *balance.Balancer
	zero time.Time
	list atomic.Pointer[map[string]Instance] // by endpoint ID
}

func newBalanced(c balance.Config) *balanced {
	b, err := balance.New(c, nil)
	if err != nil {
		panic(err) // the configuration was validated, and nobody has no faults
	}
	p := &balanced{b: b, zero: time.Now()}
	p.list.Store(&map[string]Instance{})
	return p
}

func (p *balanced) now() int64 { return int64(time.Since(p.zero)) }

func (p *balanced) Update(instances []Instance) {
	byID := make(map[string]Instance, len(instances))
	var endpoints []balance.Endpoint
	for _, in := range instances {
		address := net.JoinHostPort(in.Address, strconv.Itoa(in.Port))
		// A registry's IDs may be unique on one of its nodes only.
		e := balance.Endpoint{ID: in.ID + "@" + address, Address: address, Zone: in.Zone, Weight: min(max(in.Weight, 1), 1<<20)}
		if _, twice := byID[e.ID]; twice {
			continue
		}
		byID[e.ID] = in
		endpoints = append(endpoints, e)
	}
	// The new ones first: what the balancer picks must be found. Those that go
	// are picked no more once Update returns, so a pick between the two that
	// misses is asked again.
	old := *p.list.Load()
	both := make(map[string]Instance, len(byID)+len(old))
	for id, in := range old {
		both[id] = in
	}
	for id, in := range byID {
		both[id] = in
	}
	p.list.Store(&both)
	if err := p.b.Update(p.now(), endpoints); err != nil {
		return // more than 65,535 endpoints: the earlier ones stay
	}
	p.list.Store(&byID)
}

func (p *balanced) Pick(context.Context) (Instance, func(error), bool) {
	for range 3 {
		pick, err := p.b.Pick(p.now(), rand.Uint64(), balance.Request{}) //nolint:gosec // a choice, no secret
		if err != nil {
			return Instance{}, nil, false
		}
		if in, ok := (*p.list.Load())[pick.Endpoint().ID]; ok {
			return in, func(err error) { p.b.Done(pick, p.now(), outcome(err)) }, true
		}
		p.b.Done(pick, p.now(), balance.Ignored)
	}
	return Instance{}, nil, false
}

func outcome(err error) balance.Outcome {
	switch {
	case err == nil:
		return balance.Answered
	case errors.Is(err, context.Canceled):
		return balance.Ignored
	}
	return balance.Failed
}
