package grpccqrs_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/ashlar-dev/ashlar/patterns/cqrs"
	"github.com/ashlar-dev/ashlar/patterns/cqrs/grpccqrs"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve runs one method "/shop.Orders/Place" that takes and returns a StringValue.
func serve(t *testing.T, interceptor grpc.UnaryServerInterceptor, place func(ctx context.Context, item string) (string, error)) *grpc.ClientConn {
	t.Helper()
	srv := grpc.NewServer(grpc.UnaryInterceptor(interceptor))
	srv.RegisterService(&grpc.ServiceDesc{ServiceName: "shop.Orders", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Place",
		Handler: func(_ any, ctx context.Context, dec func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
			var in wrapperspb.StringValue
			if err := dec(&in); err != nil {
				return nil, err
			}
			return i(ctx, &in, &grpc.UnaryServerInfo{FullMethod: "/shop.Orders/Place"}, func(ctx context.Context, req any) (any, error) {
				out, err := place(ctx, req.(*wrapperspb.StringValue).GetValue())
				return wrapperspb.String(out), err
			})
		},
	}}}, nil)
	ln := bufconn.Listen(1 << 16)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	conn, err := grpc.NewClient("passthrough:///test", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return ln.Dial() }))
	must(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		srv.Stop()
		<-done
	})
	return conn
}

func TestInterceptor(t *testing.T) {
	t.Parallel()
	db := cqrs.SQL(testdb.SQLite(t), cqrs.DialectSQLite)
	keys, err := cqrs.NewKeys(db, nil)
	must(t, err)
	must(t, keys.Migrate(t.Context(), cqrs.Latest))
	must(t, db.Do(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := db.Exec(ctx, tx, `CREATE TABLE orders (item text)`)
		return err
	}))
	inside, leave := make(chan struct{}), make(chan struct{})
	conn := serve(t, grpccqrs.UnaryServerInterceptor(keys, nil), func(ctx context.Context, item string) (string, error) {
		tx, ok := grpccqrs.TxFrom[*sql.Tx](ctx)
		if !ok {
			return "", status.Error(codes.Internal, "no transaction")
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES (?)`, item); err != nil {
			return "", err
		}
		switch item {
		case "unicorn":
			return "", status.Error(codes.FailedPrecondition, "sold out")
		case "busy":
			return "", status.Error(codes.Unavailable, "try later")
		case "slow":
			close(inside)
			<-leave
		}
		return "o-" + item, nil
	})
	call := func(key, caller, item string) (string, bool, error) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", caller)
		if key != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, grpccqrs.KeyMetadata, key)
		}
		var out wrapperspb.StringValue
		var header metadata.MD
		err := conn.Invoke(ctx, "/shop.Orders/Place", wrapperspb.String(item), &out, grpc.Header(&header))
		return out.GetValue(), len(header.Get(grpccqrs.ReplayedMetadata)) > 0, err
	}
	for _, s := range []struct {
		key, caller, item, want string
		replayed                bool
		code                    codes.Code
		orders                  int
	}{
		{"", "ann", "cup", "", false, codes.InvalidArgument, 0},
		{"k", "ann", "cup", "o-cup", false, codes.OK, 1},
		{"k", "ann", "cup", "o-cup", true, codes.OK, 1},
		{"k", "ann", "pot", "", false, codes.InvalidArgument, 1},
		{"k", "bob", "cup", "o-cup", false, codes.OK, 2},
		{"u", "ann", "unicorn", "", false, codes.FailedPrecondition, 2},
		{"u", "ann", "unicorn", "", true, codes.FailedPrecondition, 2},
		{"b", "ann", "busy", "", false, codes.Unavailable, 2},
		{"b", "ann", "busy", "", false, codes.Unavailable, 2},
	} {
		got, replayed, err := call(s.key, s.caller, s.item)
		if got != s.want || replayed != s.replayed || status.Code(err) != s.code {
			t.Errorf("%+v: got %q %v %v", s, got, replayed, err)
		}
		var orders int
		must(t, db.Do(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&orders)
		}))
		if orders != s.orders {
			t.Errorf("%+v: %d orders", s, orders)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := call("s", "ann", "slow")
		done <- err
	}()
	<-inside
	if _, _, err := call("s", "ann", "slow"); status.Code(err) != codes.Aborted {
		t.Errorf("while it is under way: %v", err)
	}
	close(leave)
	must(t, <-done)
}

func Example() {
	var db *sql.DB // the service's own
	keys, err := cqrs.NewKeys(cqrs.SQL(db, cqrs.DialectPostgreSQL), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(grpccqrs.UnaryServerInterceptor(keys, &grpccqrs.Options{
		Methods: func(method string) bool { return method == "/shop.Orders/Place" },
	})))
	fmt.Println(len(server.GetServiceInfo()), "services so far")
	// A method does its work in grpccqrs.TxFrom[*sql.Tx](ctx).
	// Output: 0 services so far
}
