package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

// The pages under docs/rules are what the declarations print; -update rewrites
// them.
func TestDocs(t *testing.T) {
	t.Parallel()
	dir := filepath.FromSlash("../../../docs/rules")
	pages := rules.Pages(rules.All())
	old, _ := filepath.Glob(filepath.Join(dir, "*.md"))
	for _, f := range old {
		if _, ok := pages[filepath.Base(f)]; !ok && *update {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		} else if !ok {
			t.Errorf("%s belongs to no rule", f)
		}
	}
	for _, name := range arch.Sorted(pages) {
		f := filepath.Join(dir, name)
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, pages[name], 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if b, err := os.ReadFile(f); err != nil || !bytes.Equal(b, pages[name]) {
			t.Errorf("%s is not what the declaration prints (%v); run go test with -update", f, err)
		}
	}
}
