package cli_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// stuck runs a program with one saga that is stuck at its second step.
func stuck(t *testing.T) (folder string, wait func() error) {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "journal.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(ctx, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan struct{}, 1)
	charge := &saga.Step[string, int]{Name: "charge", Pivot: true, Retry: saga.Retry{First: time.Hour, Max: time.Hour},
		Do: func(_ context.Context, c *saga.Call[string]) (int, error) {
			return 0, errors.New("bank is down")
		}}
	d, err := saga.New[string]("place-order", 1, nil, &saga.Step[string, saga.None]{
		Name: "reserve", Harmless: "reads only",
		Do: func(context.Context, *saga.Call[string]) (saga.None, error) { return saga.None{}, nil },
	}, charge)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	o, err := saga.Open(ctx, j, &saga.Options{StuckAfter: 1, Logger: log, Metrics: signal{failed}}, d)
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(dir, "run")
	srv, err := admin.Listen("shop", &admin.Options{Folder: folder}, o.Section())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(srv.Close(ctx), o.Close(ctx), j.Close(ctx)) })
	h, err := d.Start(ctx, o, "order-42", "chisel")
	if err != nil {
		t.Fatal(err)
	}
	<-failed
	return folder, func() error { return h.Wait(t.Context()) }
}

// signal is metrics that tell when a saga is stuck.
type signal struct{ stuck chan struct{} }

func (signal) Started(string)                                               {}
func (signal) Ended(string, saga.State, time.Duration)                      {}
func (signal) Attempt(string, string, saga.Direction, time.Duration, error) {}
func (s signal) Stuck(string, string, saga.Direction)                       { s.stuck <- struct{}{} }

func TestSagaVerb(t *testing.T) {
	t.Parallel()
	folder, wait := stuck(t)
	ashlar := func(args ...string) (code int, out, errs string) {
		var o, e strings.Builder
		code = cli.Do(t.Context(), append([]string{"saga", "--runtime", folder}, args...), nil, &o, &e)
		return code, o.String(), e.String()
	}
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"list", 0, "order-42  place-order v1  stuck  charge"},
		{"list --state running", 0, "SAGA"},
		{"list --json", 0, `"cause": "bank is down"`},
		{"list --state x --definition y --program nobody", 3, `no running program "nobody"`},
		{"show order-42", 0, "cause    bank is down"},
		{"show order-42 --mermaid", 0, "flowchart LR"},
		{"show order-1", 2, "not found"},
		{"skip order-42 reserve --by Ada", 2, "not under way"},
		{"skip order-42 charge", 2, `"by" not set`},
		{"skip order-42 charge --by Ada --result {", 2, "is not JSON"},
		{"force order-42 gone --by Ada", 2, "want compensating"},
		{"retry order-42", 0, "order-42 is tried again now"},
	} {
		code, out, errs := ashlar(strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(out+errs, tc.want) {
			t.Errorf("ashlar saga %s: exit %d\n%s%s", tc.args, code, out, errs)
		}
	}
	if code, out, errs := ashlar("skip", "order-42", "charge", "--by", "Ada: paid in cash", "--result", "4200"); code != 0 {
		t.Fatalf("skip: exit %d\n%s%s", code, out, errs)
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
	if _, out, _ := ashlar("show", "order-42"); !strings.Contains(out, "completed") || !strings.Contains(out, "Ada: paid in cash") {
		t.Errorf("after the end:\n%s", out)
	}
}
