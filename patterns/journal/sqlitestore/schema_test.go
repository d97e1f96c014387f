package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/schema"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
)

func TestSchemaUpAndDown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	if _, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Options{KeepSchema: true}); err == nil {
		t.Error("a file without tables was opened with KeepSchema")
	}
	for _, version := range []int{schema.Latest, 0, schema.Latest} {
		if err := sqlitestore.Migrate(t.Context(), path, version); err != nil {
			t.Fatalf("to version %d: %v", version, err)
		}
	}
	s, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Options{KeepSchema: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE versions SET version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var newer *journal.SchemaError
	if _, err := sqlitestore.Open(t.Context(), path, nil); !errors.As(err, &newer) || newer.Found != 99 {
		t.Errorf("tables of a newer program: %v", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if _, err := sqlitestore.Open(t.Context(), "x", &sqlitestore.Options{BusyTimeout: -1, CacheKiB: -1}); err == nil {
		t.Error("negative options were taken")
	}
	if _, err := sqlitestore.Open(t.Context(), "", nil); err == nil {
		t.Error("no path was taken")
	}
}

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "journal.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	j, err := journal.Open(ctx, store, &journal.Options{MaxRecordBytes: 64 << 10})
	if err != nil {
		log.Fatal(err)
	}
	head, err := j.Head(ctx)
	fmt.Println(head, err, j.Close(ctx))
	// Output: 0 <nil> <nil>
}
