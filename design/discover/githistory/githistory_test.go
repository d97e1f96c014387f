package githistory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/githistory"
	"github.com/ashlar-dev/ashlar/design/discover/gosource"
)

func commit(n int, author, subject string, files ...string) string {
	return fmt.Sprintf("commit %040d\nAuthor: %s <%s@example.com>\nDate:   Thu Jan 2 03:04:05 2026 +0000\n\n    %s\n\n%s\n\n", n, author, strings.ToLower(strings.Fields(author)[0]), subject, strings.Join(files, "\n"))
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("f%d.go", i))
	}
	for name, text := range map[string]string{
		"order/go.mod":   "module example.com/order\n",
		"order/order.go": "package order\n\ntype Order struct{ ID int }\n",
		"pay/go.mod":     "module example.com/pay\n",
		"pay/pay.go":     "package pay\n\ntype Payment struct{ ID int }\n",
		"order/git.log":  commit(1, "Ann", "SHOP-1 UTF-8 in names", "order.go") + commit(2, "Ann", "Fix", "order.go", "go.mod") + commit(3, "dependabot[bot]", "Bump", "go.mod") + commit(4, "Ann", "Rename", many...),
		"pay.gitlog":     commit(5, "Bob", "Names, for SHOP-1", "pay.go"),
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{gosource.New(&gosource.Options{GoRoot: "-", ModCache: "-"}), githistory.New(nil)}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Code.Changes {
		var fs []string
		for _, f := range c.Files {
			fs = append(fs, strings.TrimPrefix(f, filepath.ToSlash(dir)+"/"))
		}
		got = append(got, fmt.Sprint(strings.TrimLeft(c.ID, "0"), fs))
	}
	if want := "[2[order/go.mod order/order.go] SHOP-1[order/order.go pay/pay.go]]"; fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if n := r.Code.Authors["Ann"]["example.com/order.Order"]; n != 2 {
		t.Errorf("Ann: %v", r.Code.Authors)
	}
	if r.Code.Authors["Bob"]["example.com/pay.Payment"] != 1 || len(r.Code.Authors) != 2 {
		t.Errorf("%v", r.Code.Authors)
	}
	if !r.System.Looked(arch.History) || !strings.Contains(fmt.Sprint(r.Skipped), "1 by bots and 1 of more than 30 files") {
		t.Errorf("%v %v", r.System.Coverage, r.Skipped)
	}
}
