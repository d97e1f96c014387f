package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/admin"
)

type item struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func sagas() admin.Section {
	items := map[string]*item{"a": {"a", "stuck"}, "b": {"b", "done"}}
	find := func(id string) (*item, error) {
		if it, ok := items[id]; ok {
			return it, nil
		}
		return nil, fmt.Errorf("saga %q: %w", id, admin.ErrNotFound)
	}
	return admin.Section{
		Name: "sagas", Title: "Sagas",
		List: func(_ context.Context, q admin.Query) (admin.Page, error) {
			var p admin.Page
			for _, id := range []string{"a", "b"} {
				if s := q.Filter["state"]; s == "" || s == items[id].State {
					p.Items = append(p.Items, items[id])
				}
			}
			return p, nil
		},
		Show: func(_ context.Context, id string) (any, error) { return find(id) },
		Actions: map[string]admin.Action{"retry": {Title: "Retry now", Do: func(_ context.Context, id string, args json.RawMessage) (any, error) {
			it, err := find(id)
			if err != nil {
				return nil, err
			}
			if it.State != "stuck" {
				return nil, fmt.Errorf("saga %q is %s: %w", id, it.State, admin.ErrConflict)
			}
			it.State = "running"
			return it, nil
		}}},
	}
}

func TestClientReachesARunningProgram(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "run")
	srv, err := admin.Listen("shop", &admin.Options{Folder: dir}, sagas())
	if err != nil {
		t.Fatal(err)
	}
	c, err := admin.Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(ctx)
	if err != nil || info.Program != "shop" || info.Sections[0].Actions[0].Name != "retry" {
		t.Fatalf("info = %+v, %v", info, err)
	}
	items, _, err := c.List(ctx, "sagas", admin.Query{Filter: map[string]string{"state": "stuck"}})
	if err != nil || len(items) != 1 {
		t.Fatalf("list = %s, %v", items, err)
	}
	var it item
	if err := c.Act(ctx, "sagas", "a", "retry", nil, &it); err != nil || it.State != "running" {
		t.Fatalf("retry = %+v, %v", it, err)
	}
	for what, want := range map[error]int{
		c.Act(ctx, "sagas", "b", "retry", nil, nil): http.StatusConflict,
		c.Show(ctx, "sagas", "zzz", &it):            http.StatusNotFound,
		c.Show(ctx, "nope", "zzz", &it):             http.StatusNotFound,
		c.Act(ctx, "sagas", "b", "burn", nil, nil):  http.StatusNotFound,
	} {
		var p *admin.Problem
		if !errors.As(what, &p) || p.Status != want {
			t.Errorf("got %v, want status %d", what, want)
		}
	}
	if err := srv.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Find(dir, ""); err == nil || !strings.Contains(err.Error(), "no running program") {
		t.Fatalf("after Close: %v", err)
	}
}

func TestStrangersStayOut(t *testing.T) {
	t.Parallel()
	srv, err := admin.Listen("shop", &admin.Options{Folder: "-"}, sagas())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(context.Background()) })
	for _, tc := range []struct {
		name, token, host string
		want              int
	}{
		{"no token", "", "", http.StatusUnauthorized},
		{"wrong token", "Bearer x", "", http.StatusUnauthorized},
		{"rebound name", "Bearer " + srv.Note.Token, "evil.example", http.StatusForbidden},
		{"right", "Bearer " + srv.Note.Token, "", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.Note.URL+"/v1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tc.host
		req.Header.Set("Authorization", tc.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, resp.StatusCode, tc.want)
		}
	}
}

func TestListenRefusesToBeExposed(t *testing.T) {
	t.Parallel()
	if _, err := admin.Listen("shop", &admin.Options{Address: "0.0.0.0:0", Folder: "-"}); err == nil || !strings.Contains(err.Error(), "not loopback") {
		t.Fatalf("err = %v", err)
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen("shop", &admin.Options{Folder: open}); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Fatalf("err = %v", err)
	}
}
