// Package grpcauth carries identities over gRPC: servers verify tokens or open
// sealed identities, clients send them.
package grpcauth

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

// Authenticator finds out who calls from the metadata of a call.
type Authenticator func(context.Context, metadata.MD) (context.Context, error)

// Tokens verifies bearer tokens.
func Tokens(v *auth.Verifier) Authenticator {
	return func(ctx context.Context, md metadata.MD) (context.Context, error) {
		headers := md.Get("authorization")
		if len(headers) > 1 {
			return ctx, &auth.TokenError{Kind: auth.ErrMalformed, Detail: fmt.Sprintf("%d authorization headers", len(headers))}
		}
		token := ""
		if len(headers) == 1 {
			token = auth.Bearer(headers[0])
		}
		id, err := v.Verify(ctx, token)
		if err != nil {
			return ctx, err
		}
		return auth.With(ctx, id), nil
	}
}

// Sealed opens sealed identities.
func Sealed(s *auth.Sealer) Authenticator {
	return func(ctx context.Context, md metadata.MD) (context.Context, error) { return s.Extract(ctx, carrier(md)) }
}

// Server returns interceptors that let only authenticated calls through. Others
// end with UNAUTHENTICATED, or UNAVAILABLE when the issuer's keys cannot be had.
// Methods in open ("/grpc.health.v1.Health/Check") need nobody.
func Server(a Authenticator, open ...string) []grpc.ServerOption {
	free := map[string]bool{}
	for _, m := range open {
		free[m] = true
	}
	admit := func(ctx context.Context, method string) (context.Context, error) {
		if free[method] {
			return ctx, nil
		}
		md, _ := metadata.FromIncomingContext(ctx) // none is an empty one
		ctx, err := a(ctx, md)
		if err != nil {
			return nil, refusal(err)
		}
		return ctx, nil
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			ctx, err := admit(ctx, info.FullMethod)
			if err != nil {
				return nil, err
			}
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			ctx, err := admit(ss.Context(), info.FullMethod)
			if err != nil {
				return err
			}
			return next(srv, &stream{ss, ctx})
		}),
	}
}

// refusal tells the caller the kind and no more.
func refusal(err error) error {
	var t *auth.TokenError
	switch {
	case errors.Is(err, auth.ErrKeysUnavailable):
		return status.Error(codes.Unavailable, auth.ErrKeysUnavailable.Error())
	case errors.As(err, &t):
		return status.Error(codes.Unauthenticated, t.Kind.Error())
	}
	return status.Error(codes.Unauthenticated, "not authenticated")
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *stream) Context() context.Context { return s.ctx }

// Seal returns interceptors that send the context's identity sealed.
func Seal(s *auth.Sealer) []grpc.DialOption {
	inject := func(ctx context.Context) (context.Context, error) {
		md, _ := metadata.FromOutgoingContext(ctx) // a copy
		if md == nil {
			md = metadata.MD{}
		}
		md.Delete(auth.Header) // what we did not seal we do not pass on
		if err := s.Inject(ctx, carrier(md)); err != nil {
			return nil, err
		}
		return metadata.NewOutgoingContext(ctx, md), nil
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			ctx, err := inject(ctx)
			if err != nil {
				return err
			}
			return next(ctx, method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			ctx, err := inject(ctx)
			if err != nil {
				return nil, err
			}
			return next(ctx, desc, cc, method, opts...)
		}),
	}
}

// Credentials sends the service's own token with every call. gRPC refuses to
// send it without TLS, and so it should.
func Credentials(s *auth.TokenSource) credentials.PerRPCCredentials { return perCall{s} }

type perCall struct{ s *auth.TokenSource }

func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := p.s.Token(ctx)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (perCall) RequireTransportSecurity() bool { return true }

// ServerTLS makes a server's transport credentials of a mutual TLS helper.
func ServerTLS(m *auth.MutualTLS) credentials.TransportCredentials {
	return credentials.NewTLS(m.Server())
}

// ClientTLS makes a client's, for a server of a name; "" for the helper's peers.
func ClientTLS(m *auth.MutualTLS, serverName string) (credentials.TransportCredentials, error) {
	cfg, err := m.Client(serverName)
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(cfg), nil
}

// carrier is metadata as an auth.Carrier.
type carrier metadata.MD

func (c carrier) Get(name string) string {
	if v := metadata.MD(c).Get(name); len(v) == 1 {
		return v[0]
	}
	return "" // two would be one of ours and one of a stranger's
}

func (c carrier) Set(name, value string) { metadata.MD(c).Set(name, value) }
