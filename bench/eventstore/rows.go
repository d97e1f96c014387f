package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ashlar-dev/ashlar/bench/rounds"
	"github.com/ashlar-dev/ashlar/patterns/eventstore"
	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/pgstore"
)

const (
	writers   = 64
	insert64  = "one INSERT per event and transaction, pool of 64"
	insert4   = "one INSERT per event and transaction, pool of 4"
	begin4    = "BEGIN, INSERT, COMMIT per event, pool of 4"
	bare64    = "bare writer"
	store64   = "event store"
	perStream = 50
)

var (
	payload = []byte(fmt.Sprintf(`{"order":"o-1","note":"%0170d"}`, 0))
	meta    = []byte(`{"corr":"01931b3e-0000-7000-8000-000000000000","cause":"01931b3e-0000-7000-8000-000000000001"}`)
)

const insertOne = `INSERT INTO single (stream, version, type, id, data, meta) VALUES ($1, $2, 'placed', $3, $4, $5)`

// rig is what the rows share.
type rig struct {
	pool     *pgxpool.Pool // a connection a writer
	usual    *pgxpool.Pool // of the size that pgx chooses on a small machine
	journal  *journal.Journal
	store    *eventstore.Store
	bare     *bareWriter
	settings string
	streams  atomic.Int64 // names never repeat, over rows and rounds
}

func newRig(ctx context.Context, dsn string) (*rig, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = writers+4, writers
	r := &rig{}
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	few := config.Copy()
	few.MaxConns, few.MinConns = 4, 4
	if r.usual, err = pgxpool.NewWithConfig(ctx, few); err != nil {
		return nil, err
	}
	const columns = `stream text NOT NULL, version bigint NOT NULL, type text NOT NULL, id text NOT NULL, data bytea NOT NULL, meta bytea NOT NULL, at timestamptz NOT NULL DEFAULT now(), UNIQUE (stream, version)`
	if _, err := r.pool.Exec(ctx, `CREATE TABLE single (position bigserial PRIMARY KEY, `+columns+`); CREATE TABLE bare (position bigint PRIMARY KEY, `+columns+`)`); err != nil {
		return nil, err
	}
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	r.settings, err = rounds.Settings(ctx, conn.Conn())
	conn.Release()
	if err != nil {
		return nil, err
	}
	db, err := pgstore.New(ctx, r.usual, nil)
	if err != nil {
		return nil, err
	}
	if r.journal, err = journal.Open(ctx, db, nil); err != nil {
		return nil, err
	}
	if r.store, err = eventstore.Open(r.journal, nil); err != nil {
		return nil, err
	}
	r.bare = newBareWriter(r.usual)
	return r, nil
}

func (r *rig) close() {
	r.bare.close()
	_ = r.journal.Close(context.Background()) // the measurement is over
	r.pool.Close()
	r.usual.Close()
}

func (r *rig) rows() []rounds.Row {
	insert := func(pool *pgxpool.Pool) func(ctx context.Context, stream string, version int64) error {
		return func(ctx context.Context, stream string, version int64) error {
			_, err := pool.Exec(ctx, insertOne, stream, version+1, stream, payload, meta)
			return err
		}
	}
	return []rounds.Row{
		r.row(insert4, insert(r.usual)),
		r.row(insert64, insert(r.pool)),
		r.row(begin4, func(ctx context.Context, stream string, version int64) error {
			return pgx.BeginFunc(ctx, r.usual, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, insertOne, stream, version+1, stream, payload, meta)
				return err
			})
		}),
		r.row(bare64, r.bare.append),
		r.row(store64, func(ctx context.Context, stream string, version int64) error {
			_, err := r.store.Append(ctx, stream, version, eventstore.Event{Type: "placed", Data: payload, Meta: eventstore.Metadata{Correlation: "01931b3e-0000-7000-8000-000000000000", Causation: "01931b3e-0000-7000-8000-000000000001"}})
			return err
		}),
	}
}

// row has 64 writers append to streams of their own.
func (r *rig) row(name string, appendOne func(ctx context.Context, stream string, version int64) error) rounds.Row {
	return rounds.Row{Name: name, Run: func(ctx context.Context, d time.Duration) (int, time.Duration, error) {
		type state struct {
			stream  string
			version int64
		}
		states := make([]state, writers)
		return rounds.Workers(ctx, writers, d, func(ctx context.Context, w int) error {
			s := &states[w]
			if s.version%perStream == 0 {
				*s = state{stream: fmt.Sprint("order-", r.streams.Add(1))}
			}
			err := appendOne(ctx, s.stream, s.version)
			s.version++
			return err
		})
	}}
}

// bareWriter is as little as a group commit can be: one goroutine numbers what
// waits and inserts it with one statement and one commit.
type bareWriter struct {
	pool  *pgxpool.Pool
	queue chan bareRecord
	done  chan struct{}
	last  int64
}

type bareRecord struct {
	stream  string
	version int64
	answer  chan error
}

func newBareWriter(pool *pgxpool.Pool) *bareWriter {
	b := &bareWriter{pool: pool, queue: make(chan bareRecord, writers), done: make(chan struct{})}
	go b.run()
	return b
}

func (b *bareWriter) close() {
	close(b.queue)
	<-b.done
}

func (b *bareWriter) append(_ context.Context, stream string, version int64) error {
	answer := make(chan error, 1)
	b.queue <- bareRecord{stream, version + 1, answer}
	return <-answer
}

func (b *bareWriter) run() {
	defer close(b.done)
	for first := range b.queue {
		group := []bareRecord{first}
		for waiting := len(b.queue); waiting > 0; waiting-- {
			group = append(group, <-b.queue)
		}
		err := b.commit(group)
		for _, r := range group {
			r.answer <- err
		}
	}
}

func (b *bareWriter) commit(group []bareRecord) error {
	ctx := context.Background()
	positions, versions := make([]int64, len(group)), make([]int64, len(group))
	streams, types := make([]string, len(group)), make([]string, len(group))
	data, metas := make([][]byte, len(group)), make([][]byte, len(group))
	for i, r := range group {
		b.last++
		positions[i], versions[i], streams[i], types[i], data[i], metas[i] = b.last, r.version, r.stream, "placed", payload, meta
	}
	_, err := b.pool.Exec(ctx, `INSERT INTO bare (position, stream, version, type, id, data, meta) SELECT p, s, v, t, s, d, m FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[]) u (p, s, v, t, d, m)`,
		positions, streams, versions, types, data, metas)
	return err
}
