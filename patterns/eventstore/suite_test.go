package eventstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/internal/testdb"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bundle is one test's database.
type bundle struct {
	*testing.T
	openStore func(ctx context.Context) (driver.Store, error)
	db        *sql.DB // for snapshots
	dialect   eventstore.Dialect
}

// TestSuite runs every test on SQLite and on PostgreSQL.
func TestSuite(t *testing.T) {
	t.Parallel()
	tests := map[string]func(b *bundle){
		"append/reads back":                  appendReadsBack,
		"append/expected version":            appendExpected,
		"append/one winner":                  appendOneWinner,
		"append/same IDs again":              appendRepeats,
		"append/bad input":                   appendBadInput,
		"metadata/correlation and causation": metadata,
		"subscribe/no gap, no double":        subscribeTurnsLive,
		"subscribe/filter and live":          subscribeFilters,
		"subscribe/ends with its context":    subscribeEnds,
		"upcast/chain and rename":            upcasts,
		"upcast/unknown schema":              unknownSchema,
		"aggregate/decides on what it sees":  aggregateUpdates,
		"aggregate/snapshots":                aggregateSnapshots,
		"reopen/goes on":                     reopens,
	}
	dbs := map[string]func(t *testing.T) *bundle{
		"sqlite": func(t *testing.T) *bundle {
			file := filepath.Join(t.TempDir(), "events.db")
			return &bundle{T: t, db: testdb.SQLite(t), dialect: eventstore.DialectSQLite,
				openStore: func(ctx context.Context) (driver.Store, error) { return sqlitestore.Open(ctx, file, nil) }}
		},
		"postgres": func(t *testing.T) *bundle {
			dsn := testdb.Postgres(t)
			return &bundle{T: t, db: testdb.OpenPostgres(t, dsn), dialect: eventstore.DialectPostgreSQL,
				openStore: func(ctx context.Context) (driver.Store, error) { return pgstore.Open(ctx, dsn, nil) }}
		},
	}
	for db, open := range dbs {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(open(t))
				})
			}
		})
	}
}

// journal opens a journal; each is like a process of its own.
func (b *bundle) journal() *journal.Journal {
	b.Helper()
	s, err := b.openStore(b.Context())
	must(b, err)
	j, err := journal.Open(b.Context(), s, nil)
	must(b, err)
	b.Cleanup(func() { must(b, j.Close(context.Background())) })
	return j
}

func (b *bundle) store(upcasts ...eventstore.Upcast) *eventstore.Store {
	b.Helper()
	s, err := eventstore.Open(b.journal(), &eventstore.Options{Upcasts: upcasts})
	must(b, err)
	return s
}
