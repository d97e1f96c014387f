// Package grpcresilience puts the policies of package resilience around gRPC
// calls, on both sides.
//
//	conn, err := grpc.NewClient(address,
//		grpc.WithUnaryInterceptor(grpcresilience.UnaryClient(inventory, &grpcresilience.Options{
//			Idempotent: []string{"/shop.Inventory/Stock"},
//		})),
//		grpc.WithStreamInterceptor(grpcresilience.StreamClient(inventory, nil)))
//
// gRPC carries the deadline itself; the priority travels as metadata.
package grpcresilience

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

// Metadata keys.
const (
	keyPriority = "x-request-priority"
	// keyPushback is gRPC's own: a server's word on when to retry, in
	// milliseconds; negative: not at all.
	keyPushback = "grpc-retry-pushback-ms"
)

// Options of the client interceptors; nil or the zero value is the default.
type Options struct {
	// Failures are codes that count as the callee's failure; nil: Unknown,
	// DeadlineExceeded, Internal, Unavailable, DataLoss, which are what HTTP's 5xx
	// map to. ResourceExhausted is gRPC's 429 and does not count.
	Failures []codes.Code
	// Retry are codes after which another try may help; nil: Unavailable and
	// ResourceExhausted.
	Retry []codes.Code
	// Idempotent are full method names that may be repeated; nil: none. "*": all.
	Idempotent []string
}

func (o *Options) filled() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Failures == nil {
		c.Failures = []codes.Code{codes.Unknown, codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss}
	}
	if c.Retry == nil {
		c.Retry = []codes.Code{codes.Unavailable, codes.ResourceExhausted}
	}
	return c
}

func (o *Options) op(method string) resilience.Op {
	return resilience.Op{
		Name: method, Classify: o.classify,
		Idempotent: slices.Contains(o.Idempotent, method) || slices.Contains(o.Idempotent, "*"),
	}
}

// pushed is a call's error with its server's pushback.
type pushed struct {
	error
	after time.Duration // negative: do not retry
}

func (p *pushed) Unwrap() error { return p.error }

func (o *Options) classify(err error) (resilience.Class, bool) {
	var refused *resilience.Error
	if errors.As(err, &refused) {
		return resilience.Class{}, false
	}
	st, ok := status.FromError(err)
	if !ok {
		return resilience.Class{}, false
	}
	c := resilience.Class{Retriable: slices.Contains(o.Retry, st.Code())}
	switch {
	case st.Code() == codes.Canceled:
		c.Outcome = policy.Ignored
	case slices.Contains(o.Failures, st.Code()):
		c.Outcome = policy.Failure
	}
	var p *pushed
	if errors.As(err, &p) {
		c.RetryAfter = max(p.after, 0)
		c.Retriable = c.Retriable && p.after >= 0
	}
	return c, true
}

// UnaryClient runs unary calls under the target's policies. Its errors keep
// their gRPC status; what a policy refused is an error that wraps a
// *resilience.Error and has the status Unavailable, DeadlineExceeded or
// ResourceExhausted.
func UnaryClient(t *resilience.Target, o *Options) grpc.UnaryClientInterceptor {
	opts := o.filled()
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, callOpts ...grpc.CallOption) error {
		ctx = outgoing(ctx)
		_, err := resilience.Do(ctx, t, opts.op(method), func(ctx context.Context) (struct{}, error) {
			var trailer metadata.MD
			err := invoke(ctx, method, req, reply, cc, append(slices.Clip(callOpts), grpc.Trailer(&trailer))...)
			return struct{}{}, withPushback(err, trailer)
		})
		return withStatus(err)
	}
}

// StreamClient admits streams under the target's policies, except retry and
// hedge. A stream holds its places until it ends: by an error or io.EOF of
// RecvMsg, or by the end of its context. The target's own deadlines do not
// apply to it.
func StreamClient(t *resilience.Target, o *Options) grpc.StreamClientInterceptor {
	opts := o.filled()
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, callOpts ...grpc.CallOption) (grpc.ClientStream, error) {
		op := opts.op(method)
		op.Stream = true
		started, err := t.Start(ctx, op)
		if err != nil {
			return nil, withStatus(err)
		}
		// gRPC calls this once however the stream ends, its context included.
		callOpts = append(slices.Clip(callOpts), grpc.OnFinish(func(err error) { _ = started.End(err) }))
		s, err := streamer(outgoing(started.Context()), desc, cc, method, callOpts...)
		if err != nil {
			return nil, withStatus(started.End(err))
		}
		return s, nil
	}
}

func outgoing(ctx context.Context) context.Context {
	if p := resilience.PriorityOf(ctx); p != policy.Normal {
		return metadata.AppendToOutgoingContext(ctx, keyPriority, p.String())
	}
	return ctx
}

func withPushback(err error, trailer metadata.MD) error {
	v := trailer.Get(keyPushback)
	if err == nil || len(v) == 0 {
		return err
	}
	ms, perr := strconv.ParseInt(v[0], 10, 32)
	if perr != nil {
		ms = -1 // gRPC: what cannot be read means no retry
	}
	return &pushed{err, time.Duration(ms) * time.Millisecond}
}

// statusError gives an error of a policy a gRPC status.
type statusError struct {
	error
	code codes.Code
}

func (e *statusError) Unwrap() error              { return e.error }
func (e *statusError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

func withStatus(err error) error {
	var e *resilience.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Reason {
	case policy.RateExceeded:
		return &statusError{err, codes.ResourceExhausted}
	case policy.TooLate, policy.TimedOut:
		if e.Stage != resilience.StageRetry {
			return &statusError{err, codes.DeadlineExceeded}
		}
	case policy.Exhausted, policy.NoBudget:
	default:
		return &statusError{err, codes.Unavailable}
	}
	if st, ok := status.FromError(e.Err); ok && e.Err != nil {
		return &statusError{err, st.Code()}
	}
	return &statusError{err, codes.Unavailable}
}
