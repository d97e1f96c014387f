package sources_test

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

// everything is every source, with parsers that end with the test.
func everything(t *testing.T) []discover.Source {
	t.Helper()
	trees, err := treesitter.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trees.Close() })
	return sources.With(&sources.Options{Trees: trees})
}
