// Package grpctelemetry measures and traces gRPC calls, servers' and clients'.
//
//	grpc.NewServer(grpctelemetry.Server(tel)...)
//	grpc.NewClient(target, grpctelemetry.Dial(tel)...)
//
// Metrics are rpc.server.call.duration and rpc.client.call.duration in seconds,
// by method and status; a server's failures are the codes that speak of the
// server (UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE,
// DATA_LOSS), a client's every code but OK.
package grpctelemetry

import (
	"context"
	"io"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// Server returns the interceptors of a server.
func Server(t *telemetry.Telemetry) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, call := t.RPC(info.FullMethod, telemetry.Server).Start(extract(ctx, t))
			resp, err := next(ctx, req)
			call.End(failure(err, serverFault))
			return resp, err
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			ctx, call := t.RPC(info.FullMethod, telemetry.Server).Start(extract(ss.Context(), t))
			err := next(srv, &serverStream{ss, ctx})
			call.End(failure(err, serverFault))
			return err
		}),
	}
}

// Dial returns the interceptors of a client.
func Dial(t *telemetry.Telemetry) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			ctx, call := t.RPC(method, telemetry.Client).Start(ctx)
			err := next(inject(ctx, t), method, req, reply, cc, opts...)
			call.End(failure(err, anyFault))
			return err
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			ctx, call := t.RPC(method, telemetry.Client).Start(ctx)
			cs, err := next(inject(ctx, t), desc, cc, method, opts...)
			if err != nil {
				call.End(failure(err, anyFault))
				return nil, err
			}
			s := &clientStream{ClientStream: cs, call: call, single: !desc.ServerStreams}
			// A stream that its caller leaves ends with its context.
			s.stop = context.AfterFunc(ctx, func() { s.end(ctx.Err()) })
			return s, nil
		}),
	}
}

func anyFault(c codes.Code) bool { return c != codes.OK }

func serverFault(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// coded names a failure by its code.
type coded struct {
	error
	code codes.Code
}

func (c coded) ErrorType() string { return c.code.String() }
func (c coded) Unwrap() error     { return c.error }

func failure(err error, counts func(codes.Code) bool) error {
	if err == nil {
		return nil
	}
	code := status.Code(err)
	if code == codes.Unknown { // an error that is no status may be the context's
		code = status.FromContextError(err).Code()
	}
	if !counts(code) {
		return nil
	}
	return coded{err, code}
}

// carrier is metadata as a telemetry.Carrier; its names are in small letters.
type carrier metadata.MD

func (c carrier) Get(name string) string {
	if v := metadata.MD(c).Get(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (c carrier) Set(name, value string) { metadata.MD(c).Set(name, value) }

func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for k := range c {
		if !strings.HasSuffix(k, "-bin") {
			keys = append(keys, k)
		}
	}
	return keys
}

func extract(ctx context.Context, t *telemetry.Telemetry) context.Context {
	md, _ := metadata.FromIncomingContext(ctx) // none is an empty one
	return t.Extract(ctx, carrier(md))
}

func inject(ctx context.Context, t *telemetry.Telemetry) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	if md == nil {
		md = metadata.MD{}
	}
	t.Inject(ctx, carrier(md))
	return metadata.NewOutgoingContext(ctx, md)
}

type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *serverStream) Context() context.Context { return s.ctx }

// clientStream ends its call with the stream: at io.EOF, an error, or the only
// answer of a call that has one.
type clientStream struct {
	grpc.ClientStream
	single bool
	once   sync.Once
	call   telemetry.Call
	stop   func() bool // the wait for the context's end
}

func (s *clientStream) end(err error) {
	s.once.Do(func() {
		if err == io.EOF { //nolint:errorlint // gRPC documents the bare value
			err = nil
		}
		s.call.End(failure(err, anyFault))
	})
}

func (s *clientStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || s.single {
		s.end(err)
		s.stop()
	}
	return err
}
