// Package testdb gives tests databases of their own.
package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Postgres makes a database on the server of ASHLAR_POSTGRES that is dropped at
// the test's end, and returns its connection string.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("ASHLAR_POSTGRES")
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("ASHLAR_POSTGRES is not set: run make servers")
		}
		t.Skip("needs PostgreSQL: run make servers and set ASHLAR_POSTGRES")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("ASHLAR_POSTGRES: %v", err)
	}
	var id [6]byte
	_, _ = rand.Read(id[:])
	name := "ashlar_test_" + hex.EncodeToString(id[:])
	Exec(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// Exec runs a statement on a connection of its own.
func Exec(t testing.TB, dsn, query string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// OpenPostgres opens a connection string with database/sql.
func OpenPostgres(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// SQLite opens a database file of the test's own.
func SQLite(t testing.TB) *sql.DB {
	t.Helper()
	return OpenSQLite(t, filepath.Join(t.TempDir(), "test.db"))
}

// OpenSQLite opens a database file the way an application should.
func OpenSQLite(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
