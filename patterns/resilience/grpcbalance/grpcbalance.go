// Package grpcbalance lets a gRPC client choose by package balance.
//
//	grpcbalance.Register("shop", balance.Config{Zone: "eu-1a"})
//	conn, err := grpc.NewClient("dns:///inventory:8080",
//		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"shop":{}}]}`))
package grpcbalance

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Register offers a choice to gRPC's service configurations under a name. gRPC
// keeps one global list: call it from main, before any client is made.
func Register(name string, c balance.Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	balancer.Register(&builder{name, c})
	return nil
}

type builder struct {
	name string
	cfg  balance.Config
}

func (b *builder) Name() string { return b.name }

// Build gives every client connection a balancer of its own.
func (b *builder) Build(cc balancer.ClientConn, o balancer.BuildOptions) balancer.Balancer {
	choice, err := balance.New(b.cfg, nil)
	if err != nil {
		panic(err) // Register has checked it
	}
	ps := &pickers{b: choice, epoch: time.Now()}
	return base.NewBalancerBuilder(b.name, ps, base.Config{HealthCheck: true}).Build(cc, o)
}

// pickers makes a picker whenever the set of ready connections changes; what
// was learnt about the endpoints stays in its balancer.
type pickers struct {
	b     *balance.Balancer
	epoch time.Time
}

func (ps *pickers) Build(info base.PickerBuildInfo) balancer.Picker {
	if len(info.ReadySCs) == 0 {
		return base.NewErrPicker(balancer.ErrNoSubConnAvailable)
	}
	p := &picker{pickers: ps, conns: make(map[string]balancer.SubConn, len(info.ReadySCs))}
	es := make([]balance.Endpoint, 0, len(info.ReadySCs))
	for sc, i := range info.ReadySCs {
		e := describe(i.Address)
		if _, twice := p.conns[e.ID]; !twice {
			es = append(es, e)
		}
		p.conns[e.ID] = sc
	}
	if err := ps.b.Update(int64(time.Since(ps.epoch)), es); err != nil {
		return base.NewErrPicker(status.Error(codes.Internal, err.Error()))
	}
	return p
}

type picker struct {
	*pickers
	conns map[string]balancer.SubConn
}

func (p *picker) now() int64 { return int64(time.Since(p.epoch)) }

func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	var r balance.Request
	if k, ok := info.Ctx.Value(keyOf{}).(string); ok {
		r.Key = balance.Key(k)
	}
	pick, err := p.b.Pick(p.now(), rand.Uint64(), r)
	if err != nil {
		return balancer.PickResult{}, balancer.ErrNoSubConnAvailable
	}
	sc, ok := p.conns[pick.Endpoint().ID]
	if !ok { // another picker has taken over meanwhile: gRPC asks that one
		p.b.Done(pick, p.now(), balance.Ignored)
		return balancer.PickResult{}, balancer.ErrNoSubConnAvailable
	}
	return balancer.PickResult{SubConn: sc, Done: func(d balancer.DoneInfo) {
		p.b.Done(pick, p.now(), outcome(d.Err))
	}}, nil
}

// outcome follows HTTP's 5xx, as package grpcresilience does.
func outcome(err error) balance.Outcome {
	switch status.Code(err) {
	case codes.Unknown, codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss:
		return balance.Failed
	case codes.Canceled:
		return balance.Ignored
	}
	return balance.Answered
}

type keyOf struct{}

// WithKey gives calls under the context a key for balance.Hash.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOf{}, key)
}

type placeOf struct{}

type place struct {
	zone   string
	weight int
}

// Equal is how gRPC compares attributes.
func (p place) Equal(o any) bool { return p == o }

// Describe is for resolvers: it puts zone and weight (0: 1) on an address.
func Describe(a resolver.Address, zone string, weight int) resolver.Address {
	a.Attributes = a.Attributes.WithValue(placeOf{}, place{zone, weight})
	return a
}

func describe(a resolver.Address) balance.Endpoint {
	e := balance.Endpoint{ID: a.Addr, Address: a.Addr}
	if p, ok := a.Attributes.Value(placeOf{}).(place); ok {
		e.Zone, e.Weight = p.zone, p.weight
	}
	return e
}
