// Package grpcreg makes gRPC clients find services through package registry.
//
//	conn, err := grpc.NewClient("registry:///payments?tag=v2&meta.tier=gold",
//		grpcreg.Dial(reg)...,
//	)
//
// Every passing instance becomes one endpoint; calls go round robin unless the
// program chooses another balancer. While the registry is away the last known
// instances stay.
package grpcreg

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/resolver"

	"github.com/ashlar-dev/ashlar/patterns/registry"
)

// Scheme of targets.
const Scheme = "registry"

// roundRobin spreads calls over all instances; gRPC's own default would send
// everything to the first.
const roundRobin = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// Dial returns the options that a client needs: the resolver and round robin.
func Dial(reg *registry.Registry) []grpc.DialOption {
	return []grpc.DialOption{grpc.WithResolvers(NewBuilder(reg)), grpc.WithDefaultServiceConfig(roundRobin)}
}

// NewBuilder makes the resolver alone, for clients with a service config of
// their own.
func NewBuilder(reg *registry.Registry) resolver.Builder { return builder{reg} }

type builder struct{ reg *registry.Registry }

func (builder) Scheme() string { return Scheme }

func (b builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	q, err := ParseTarget(target.URL)
	if err != nil {
		return nil, err
	}
	w, err := b.reg.Watch(q)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &following{watch: w, stop: stop, done: make(chan struct{})}
	go r.run(ctx, cc)
	return r, nil
}

// ParseTarget reads registry:///SERVICE?tag=T&meta.K=V. Parameters that it does
// not know are an error: a filter that is not applied would be worse.
func ParseTarget(u url.URL) (registry.Query, error) {
	q := registry.Query{Service: strings.TrimPrefix(u.Path, "/")}
	if u.Host != "" {
		return q, fmt.Errorf("registry: target %q: want registry:///SERVICE, with three slashes", u.String())
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return q, fmt.Errorf("registry: target %q: %w", u.String(), err)
	}
	for k, vs := range params {
		if name, ok := strings.CutPrefix(k, "meta."); ok && name != "" && len(vs) == 1 {
			if q.Meta == nil {
				q.Meta = map[string]string{}
			}
			q.Meta[name] = vs[0]
		} else if k == "tag" {
			q.Tags = append(q.Tags, vs...)
		} else {
			return q, fmt.Errorf("registry: target %q: parameter %q; want tag=TAG or meta.KEY=VALUE, a key once", u.String(), k)
		}
	}
	return q, q.Validate()
}

// following is the resolver of one target.
type following struct {
	watch *registry.Watch
	stop  context.CancelFunc
	done  chan struct{}
}

func (r *following) run(ctx context.Context, cc resolver.ClientConn) {
	defer close(r.done)
	for {
		list, err := r.watch.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			cc.ReportError(err)
			return // only closing ends Next for good
		}
		// An empty list is handed over too: an error in its place would leave the
		// instances in use that are gone.
		state := resolver.State{}
		for _, in := range list {
			addr := resolver.Address{Addr: net.JoinHostPort(in.Address, strconv.Itoa(in.Port))}
			state.Endpoints = append(state.Endpoints, resolver.Endpoint{
				Addresses: []resolver.Address{addr}, Attributes: attributes.New(instanceKey{}, &instance{in}),
			})
		}
		_ = cc.UpdateState(state) // what the balancer refuses it also reports
	}
}

// ResolveNow has nothing to hurry: the registry tells changes by itself.
func (r *following) ResolveNow(resolver.ResolveNowOptions) {}

func (r *following) Close() {
	r.stop()
	r.watch.Close()
	<-r.done
}

type instanceKey struct{}

// instance is compared by gRPC to see whether an endpoint changed.
type instance struct{ registry.Instance }

func (i *instance) Equal(o any) bool {
	other, ok := o.(*instance)
	return ok && i.ID == other.ID && i.Weight == other.Weight && i.Zone == other.Zone
}

// InstanceOf returns the instance behind an endpoint, for balancers that look
// at its zone, weight or meta.
func InstanceOf(e resolver.Endpoint) (registry.Instance, bool) {
	i, ok := e.Attributes.Value(instanceKey{}).(*instance)
	if !ok {
		return registry.Instance{}, false
	}
	return i.Instance, true
}
