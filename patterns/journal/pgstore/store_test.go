package pgstore_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/journaltest"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server returns the URL of the test server.
func server(t testing.TB) string {
	t.Helper()
	url := os.Getenv("ASHLAR_POSTGRES")
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("ASHLAR_POSTGRES is not set")
		}
		t.Skip("no PostgreSQL: run make servers and set ASHLAR_POSTGRES")
	}
	return url
}

// fresh returns the name of a schema that is dropped at the end of the test.
func fresh(t testing.TB, url string) string {
	t.Helper()
	name := "journal test " + rand.Text()[:10]
	t.Cleanup(func() {
		ctx := context.Background()
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close(ctx) }()
		if _, err := c.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{name}.Sanitize()+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return name
}

func TestSuite(t *testing.T) {
	t.Parallel()
	url := server(t)
	journaltest.Run(t, journaltest.Harness{Fresh: func(t *testing.T) func(context.Context) (driver.Store, error) {
		name := fresh(t, url)
		return func(ctx context.Context) (driver.Store, error) {
			return pgstore.Open(ctx, url, &pgstore.Options{Schema: name})
		}
	}})
}

func BenchmarkAppend(b *testing.B) {
	url := server(b)
	journaltest.Bench(b, func(b *testing.B) driver.Store {
		s, err := pgstore.Open(b.Context(), url, &pgstore.Options{Schema: fresh(b, url)})
		if err != nil {
			b.Fatal(err)
		}
		return s
	})
}
