// Package grpccqrs makes unary gRPC methods run once per idempotency key.
package grpccqrs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

// Metadata of idempotent calls.
const (
	KeyMetadata      = "idempotency-key"
	ReplayedMetadata = "idempotency-replayed" // header "true" on a recorded answer
)

// Options of [UnaryServerInterceptor]; nil or zero is the default.
type Options struct {
	// Methods tells which need a key, by full name "/shop.Orders/Place"; others
	// pass untouched. Default: all.
	Methods func(fullMethod string) bool
	// Caller names whose keys these are. Default: a hash of the metadata "authorization".
	Caller func(ctx context.Context) string
	// Optional lets calls without a key through, unprotected; default: INVALID_ARGUMENT.
	Optional bool
}

type txKey[Tx any] struct{}

// TxFrom returns the transaction that the interceptor put into the context.
// Effects made in it and the recorded answer are committed together.
func TxFrom[Tx any](ctx context.Context) (Tx, bool) {
	tx, ok := ctx.Value(txKey[Tx]{}).(Tx)
	return tx, ok
}

// UnaryServerInterceptor runs a method in a transaction of keys and records its
// answer with it. A repeat gets the recorded answer; one that comes too early
// ABORTED; a key used with another request INVALID_ARGUMENT.
//
// Recorded, with the effects undone, are errors that say something about the
// request: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION and
// OUT_OF_RANGE. Any other error leaves nothing behind and the call may be repeated.
func UnaryServerInterceptor[Tx any](keys *cqrs.Keys[Tx], opts *Options) grpc.UnaryServerInterceptor {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Caller == nil {
		o.Caller = authorization
	}
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		key := first(ctx, KeyMetadata)
		if o.Methods != nil && !o.Methods(info.FullMethod) || key == "" && o.Optional {
			return handler(ctx, req)
		}
		fingerprint, err := digest(req)
		if err != nil {
			return nil, status.Errorf(codes.Internal, "%s: %v", info.FullMethod, err)
		}
		r := cqrs.Request{Scope: info.FullMethod + " " + o.Caller(ctx), Key: key, Fingerprint: fingerprint}
		out, replayed, err := keys.Once(ctx, r, func(ctx context.Context, tx Tx) (cqrs.Outcome, error) {
			answer, err := handler(context.WithValue(ctx, txKey[Tx]{}, tx), req)
			return outcome(answer, err)
		})
		if err != nil {
			return nil, fault(err)
		}
		if replayed {
			_ = grpc.SetHeader(ctx, metadata.Pairs(ReplayedMetadata, "true")) // only a note
		}
		return restore(out)
	}
}

func authorization(ctx context.Context) string {
	sum := sha256.Sum256([]byte(first(ctx, "authorization")))
	return hex.EncodeToString(sum[:])
}

func first(ctx context.Context, name string) string {
	if values := metadata.ValueFromIncomingContext(ctx, name); len(values) > 0 {
		return strings.Trim(values[0], `"`)
	}
	return ""
}

func digest(req any) ([]byte, error) {
	m, ok := req.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("request %T is not a protobuf message", req)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

// passing is an error that is not recorded.
type passing struct{ err error }

func (p *passing) Error() string { return p.err.Error() }

// outcome turns an answer into bytes: an Any of the message, or a Status.
func outcome(answer any, err error) (cqrs.Outcome, error) {
	if err != nil {
		st := status.Convert(err)
		switch st.Code() {
		case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.OutOfRange:
			body, merr := proto.Marshal(st.Proto())
			return cqrs.Outcome{Status: int(st.Code()), Body: body, Undo: true}, merr
		}
		return cqrs.Outcome{}, &passing{err}
	}
	m, ok := answer.(proto.Message)
	if !ok {
		return cqrs.Outcome{}, fmt.Errorf("answer %T is not a protobuf message", answer)
	}
	boxed, err := anypb.New(m)
	if err != nil {
		return cqrs.Outcome{}, err
	}
	body, err := proto.Marshal(boxed)
	return cqrs.Outcome{Body: body}, err
}

func restore(o cqrs.Outcome) (any, error) {
	if o.Status != 0 {
		var st spb.Status
		if err := proto.Unmarshal(o.Body, &st); err != nil {
			return nil, status.Errorf(codes.Internal, "recorded status: %v", err)
		}
		return nil, status.FromProto(&st).Err()
	}
	var boxed anypb.Any
	if err := proto.Unmarshal(o.Body, &boxed); err != nil {
		return nil, status.Errorf(codes.Internal, "recorded answer: %v", err)
	}
	m, err := boxed.UnmarshalNew()
	if err != nil {
		return nil, status.Errorf(codes.Internal, "recorded answer: %v", err)
	}
	return m, nil
}

func fault(err error) error {
	var p *passing
	var mismatch *cqrs.MismatchError
	var key *cqrs.KeyError
	switch {
	case errors.As(err, &p):
		return p.err
	case errors.Is(err, cqrs.ErrInFlight):
		return status.Error(codes.Aborted, err.Error())
	case errors.As(err, &mismatch), errors.As(err, &key):
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return status.Error(codes.Internal, "the call failed and nothing was changed; repeat it with the same key")
}
