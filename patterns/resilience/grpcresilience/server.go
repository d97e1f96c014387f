package grpcresilience

import (
	"context"
	"errors"
	"math"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

// UnaryServer guards a server's handlers as Target.Handler does over HTTP: what
// the limits cannot take is refused before any work is done, with Unavailable or
// ResourceExhausted and a pushback that tells clients when to come again.
func UnaryServer(t *resilience.Target) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (_ any, err error) {
		s, err := t.Start(incoming(ctx), resilience.Op{Name: info.FullMethod, Classify: capacity})
		if err != nil {
			_ = grpc.SetTrailer(ctx, pushback(err))
			return nil, refusal(err)
		}
		ended := false
		defer func() {
			if !ended { // a panic, on its way to whoever recovers it
				_ = s.End(errPanic)
			}
		}()
		reply, err := handle(s.Context(), req)
		ended = true
		_ = s.End(err)
		return reply, err
	}
}

// StreamServer guards a server's streams; each holds its place until its
// handler returns.
func StreamServer(t *resilience.Target) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		s, err := t.Start(incoming(ss.Context()), resilience.Op{Name: info.FullMethod, Stream: true, Classify: capacity})
		if err != nil {
			ss.SetTrailer(pushback(err))
			return refusal(err)
		}
		ended := false
		defer func() {
			if !ended {
				_ = s.End(errPanic)
			}
		}()
		err = handle(srv, &serverStream{ss, s.Context()})
		ended = true
		_ = s.End(err)
		return err
	}
}

var errPanic = status.Error(codes.Internal, "handler panicked")

type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }

// capacity is what a server learns from its own answers: only a want of
// capacity is a failure, whatever else went wrong was served.
func capacity(err error) (resilience.Class, bool) {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		return resilience.Class{Outcome: policy.Failure}, true
	case codes.Canceled:
		return resilience.Class{Outcome: policy.Ignored}, true
	}
	return resilience.Class{Outcome: policy.Success}, true
}

func incoming(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	if v := md.Get(keyPriority); len(v) > 0 {
		if p, ok := policy.ParsePriority(v[0]); ok {
			return resilience.WithPriority(ctx, p)
		}
	}
	return ctx
}

func pushback(err error) metadata.MD {
	var e *resilience.Error
	if !errors.As(err, &e) || e.RetryAfter <= 0 {
		return nil
	}
	return metadata.Pairs(keyPushback, strconv.FormatFloat(math.Ceil(e.RetryAfter.Seconds()*1e3), 'f', 0, 64))
}

// refusal is the status for a client: numbers of limits are not for strangers.
func refusal(err error) error {
	var e *resilience.Error
	if !errors.As(err, &e) {
		return status.FromContextError(err).Err()
	}
	switch e.Reason {
	case policy.RateExceeded:
		return status.Error(codes.ResourceExhausted, e.Reason.String())
	case policy.TooLate, policy.TimedOut:
		return status.Error(codes.DeadlineExceeded, e.Reason.String())
	}
	return status.Error(codes.Unavailable, e.Reason.String())
}
