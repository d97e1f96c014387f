package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// unit is what one saga writes: five records.
type unit struct {
	id   string
	done chan error
}

// payload is as large as the records of a saga are on average.
var payload = []byte(`{"definition":"bench","version":1,"node":"bench:1","input":{"Item":"pen","Cents":100},"next":["a"]}`)

var kinds = [5]string{"saga.started", "saga.done", "saga.done", "saga.done", "saga.completed"}

// writer is the bare group-commit loop. Its tables are those of the journal.
func writer(commit func(group []unit) error) (do func(ctx context.Context, id string) error, end func()) {
	queue, over := make(chan unit, 4096), make(chan struct{})
	go func() {
		defer close(over)
		var group []unit
		for u := range queue {
			group = append(group[:0], u)
			for more := true; more; {
				select {
				case u, ok := <-queue:
					if more = ok; ok {
						group = append(group, u)
					}
				default:
					more = false
				}
			}
			err := commit(group)
			for _, u := range group {
				u.done <- err
			}
		}
	}()
	return func(_ context.Context, id string) error {
		u := unit{id, make(chan error, 1)}
		queue <- u
		return <-u.done
	}, func() { close(queue); <-over }
}

func bareSQLite() contender {
	return contender{name: "bare-writer", store: "sqlite", open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(e.dir, "bare.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
		if err != nil {
			return nil, nil, "", err
		}
		c, err := db.Conn(ctx)
		if err != nil {
			return nil, nil, "", err
		}
		if _, err := c.ExecContext(ctx, `CREATE TABLE records (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, final INTEGER NOT NULL, time INTEGER NOT NULL, data BLOB, meta BLOB) STRICT;
			CREATE UNIQUE INDEX records_stream ON records (stream, version);
			CREATE UNIQUE INDEX records_id ON records (stream, id) WHERE id <> '';
			CREATE INDEX records_final ON records (time) WHERE final`); err != nil {
			return nil, nil, "", err
		}
		insert, err := c.PrepareContext(ctx, `INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?)`)
		if err != nil {
			return nil, nil, "", err
		}
		position := int64(0)
		do, end := writer(func(group []unit) error {
			if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
				return err
			}
			now := time.Now().UnixMicro()
			for _, u := range group {
				for v, kind := range kinds {
					position++
					if _, err := insert.ExecContext(ctx, position, u.id, v+1, kind, "", v == len(kinds)-1, now, payload, nil); err != nil {
						return err
					}
				}
			}
			_, err := c.ExecContext(ctx, "COMMIT")
			return err
		})
		return do, func() { end(); _ = c.Close(); _ = db.Close() }, "modernc.org/sqlite, WAL, synchronous=FULL", nil
	}}
}

func barePostgres() contender {
	return contender{name: "bare-writer", store: "postgres", open: func(ctx context.Context, e *env) (func(context.Context, string) error, func(), string, error) {
		c, err := pgx.Connect(ctx, e.postgres)
		if err != nil {
			return nil, nil, "", err
		}
		name := schema("bare")
		if _, err := c.Exec(ctx, `SET synchronous_commit = on; CREATE SCHEMA `+name+`; CREATE TABLE `+name+`.records (position bigint PRIMARY KEY, stream text COLLATE "C" NOT NULL, version bigint NOT NULL, type text NOT NULL, id text NOT NULL, final boolean NOT NULL, time timestamptz NOT NULL, data bytea, meta bytea);
			CREATE UNIQUE INDEX ON `+name+`.records (stream, version);
			CREATE UNIQUE INDEX ON `+name+`.records (stream, id) WHERE id <> '';
			CREATE INDEX ON `+name+`.records (time) WHERE final`); err != nil {
			return nil, nil, "", err
		}
		position := int64(0)
		do, end := writer(func(group []unit) error {
			var streams, types []string
			var versions []int64
			var data [][]byte
			for _, u := range group {
				for v, kind := range kinds {
					streams, types, versions, data = append(streams, u.id), append(types, kind), append(versions, int64(v+1)), append(data, payload)
				}
			}
			_, err := c.Exec(ctx, `INSERT INTO `+name+`.records SELECT $1::bigint + n, s, v, t, '', v = 5, now(), d, NULL FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bytea[]) WITH ORDINALITY AS u (s, v, t, d, n)`, position, streams, versions, types, data)
			position += int64(len(streams))
			return err
		})
		var version, fsync string
		if err := c.QueryRow(ctx, "SELECT split_part(version(), ' on ', 1), current_setting('fsync')").Scan(&version, &fsync); err != nil {
			return nil, nil, "", err
		}
		return do, func() {
			end()
			_, _ = c.Exec(ctx, "DROP SCHEMA "+name+" CASCADE")
			_ = c.Close(ctx)
		}, fmt.Sprintf("pgx 5.12.0, %s, fsync=%s, synchronous_commit=on", version, fsync), nil
	}}
}

// schema is a name that no other run uses.
func schema(what string) string { return fmt.Sprintf("bench_%s_%d", what, time.Now().UnixNano()) }
