package sqlitestore_test

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/journaltest"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, journaltest.Harness{Fresh: func(t *testing.T) func(context.Context) (driver.Store, error) {
		path := filepath.Join(t.TempDir(), "a journal?.db")
		return func(ctx context.Context) (driver.Store, error) { return sqlitestore.Open(ctx, path, nil) }
	}})
}

func BenchmarkAppend(b *testing.B) {
	journaltest.Bench(b, func(b *testing.B) driver.Store {
		s, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"), nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	})
}
