package procfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/procfile"
)

func run(tb testing.TB, text string) *discover.Result {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "shop")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Procfile"), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	r, err := discover.Run(tb.Context(), []discover.Source{procfile.New()}, []string{dir}, nil)
	if err != nil && r == nil {
		tb.Fatal(err)
	}
	return r
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	r := run(t, "# processes\r\nweb: bin/web -p $PORT\r\nworker:  bin/worker\nrelease: bin/migrate\n: nothing\nno process\nclock_1:\n")
	if got := arch.Sorted(r.System.Services); !slices.Equal(got, []string{"shop", "shop-worker"}) {
		t.Errorf("services = %v", got)
	}
	if at := r.System.Ledger.Where(arch.Fact{Of: "service/shop-worker"}); at.Line != 3 || !strings.HasSuffix(at.File, "/shop/Procfile") {
		t.Errorf("the worker stands at %s", at)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("web: a\nworker: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range run(t, text).Skipped {
			if strings.Contains(s.Why, "broke the") {
				t.Fatal(s.Why)
			}
		}
	})
}
