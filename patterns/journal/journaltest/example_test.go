package journaltest_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/journaltest"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

// A store's own test hands the suite a way to make fresh databases: that is all.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestSuite(t *testing.T)
		journaltest.Run(t, journaltest.Harness{Fresh: func(t *testing.T) func(context.Context) (driver.Store, error) {
			file := filepath.Join(t.TempDir(), "journal.db")
			return func(ctx context.Context) (driver.Store, error) { return sqlitestore.Open(ctx, file, nil) }
		}})
	}
	// Output:
}
