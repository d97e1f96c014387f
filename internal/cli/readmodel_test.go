package cli_test

import (
	"context"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

// model is a read model that is behind until it is rebuilt.
type model struct{ generation int }

func (m *model) Name() string { return "balances" }

func (m *model) Lag(context.Context) (cqrs.Lag, error) {
	if m.generation > 1 {
		return cqrs.Lag{Position: 9, Head: 9}, nil
	}
	return cqrs.Lag{Position: 2, Head: 9, Events: 7, Age: 1500 * time.Millisecond}, nil
}

func (m *model) Live(context.Context) (int, error) { return m.generation, nil }

func (m *model) Rebuild(context.Context) error { m.generation++; return nil }

// pages is a side of a comparison in memory.
func pages(m map[string]string) cqrs.Side {
	return cqrs.Side{
		All: func(context.Context) iter.Seq2[cqrs.Item, error] {
			return func(yield func(cqrs.Item, error) bool) {
				for _, k := range slices.Sorted(maps.Keys(m)) {
					if !yield(cqrs.Item{Key: k, Digest: m[k]}, nil) {
						return
					}
				}
			}
		},
		One: func(_ context.Context, key string) (cqrs.Item, bool, error) {
			v, ok := m[key]
			return cqrs.Item{Key: key, Digest: v}, ok, nil
		},
	}
}

func TestReadModelVerb(t *testing.T) {
	t.Parallel()
	truth, stale := map[string]string{"ada": "7", "bob": "1", "cyd": "3"}, map[string]string{"ada": "5", "bob": "1"}
	folder := filepath.Join(t.TempDir(), "run")
	srv, err := admin.Listen("shop", &admin.Options{Folder: folder}, cqrs.Section([]cqrs.ReadModel{&model{1}}, []*cqrs.Reconciler{{
		Name: "balances", Truth: pages(truth), Model: pages(stale),
		Repair: func(_ context.Context, key string) error {
			stale[key] = truth[key]
			return nil
		},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close(context.Background()) }()
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"list", 0, "balances    behind  1           2         9     7       1.5s"},
		{"list --state current", 0, "READ MODEL"},
		{"list --state odd --json", 0, "[]"},
		{"show balances --json", 0, `"behind": 7`},
		{"show orders", 2, "not found"},
		{"reconcile orders", 2, "has no reconciler"},
		{"reconcile balances --dry-run", 1, "balances  3 compared, 2 wrong, 0 late, 0 repaired"},
		{"reconcile balances --max-repairs 1", 2, "2 items are wrong, at most 1"},
		{"reconcile balances --max-repairs 1", 2, "3 compared, 2 wrong, 0 late, 0 repaired"},
		{"reconcile balances --timeout 1ns", 3, "took longer than --timeout 1ns"},
		{"reconcile balances", 0, "3 compared, 2 wrong, 0 late, 2 repaired"},
		{"reconcile balances --dry-run", 0, "3 compared, 0 wrong"},
		{"rebuild balances", 0, "balances is served from generation 2"},
		{"show balances", 0, "balances    current  2"},
	} {
		code, out, errs := readmodel(t, folder, strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(out+errs, tc.want) {
			t.Errorf("ashlar readmodel %s: exit %d\n%s%s", tc.args, code, out, errs)
		}
	}
}

func readmodel(t *testing.T, folder string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = cli.Do(t.Context(), append([]string{"readmodel", "--runtime", folder}, args...), nil, &o, &e)
	return code, o.String(), e.String()
}
