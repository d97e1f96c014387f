package rules_test

import (
	"os"
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

func TestMain(m *testing.M) {
	treesitter.Child()
	os.Exit(m.Run())
}

// withTrees are all sources, with those that read source trees other than Go's, as
// the command has them.
func withTrees(t *testing.T) []discover.Source {
	t.Helper()
	trees, err := treesitter.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trees.Close() })
	return sources.With(&sources.Options{Trees: trees})
}
