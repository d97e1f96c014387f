package cdc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// statusEvery is how often the server hears how far we are, and moves the slot.
	statusEvery = time.Second
	// ask is how long the server may say nothing before it is asked to, and
	// silent before the connection counts as lost.
	ask    = 10 * time.Second
	silent = 30 * time.Second
	// ahead is how many batches are read ahead of the sink.
	ahead = 16
)

// heartbeatPrefix marks our messages in the log.
const heartbeatPrefix = "ashlar.cdc"

// stream reads the log in one goroutine, applies it in another, and lets the
// heart beat in a third; the first error ends all.
func (s *Stream) stream(ctx context.Context, control *pgx.Conn, repl *pgconn.PgConn, pos Position) error {
	s.confirmed.Store(uint64(pos.LSN))
	if err := s.startReplication(ctx, repl, pos); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan Batch, ahead)
	done := make(chan struct{}, 2)
	run := func(f func() error) {
		go func() {
			if err := f(); err != nil {
				cancel(err)
			}
			done <- struct{}{}
		}()
	}
	run(func() error { return s.applyAll(ctx, batches) })
	run(func() error { return s.beat(ctx, control) })
	r := &receiver{s: s, conn: repl, asm: newAssembler(s.o.Batch, heartbeatPrefix, pos), out: batches, heard: time.Now()}
	err := r.run(ctx)
	cancel(err)
	<-done
	<-done
	// Tell the server of the last applied batch; it matters little if this fails.
	_ = r.status(false)
	return context.Cause(ctx)
}

func (s *Stream) startReplication(ctx context.Context, repl *pgconn.PgConn, pos Position) error {
	command := fmt.Sprintf(`START_REPLICATION SLOT %s LOGICAL %s (proto_version '1', publication_names '%s', messages 'true')`, s.o.Slot, pos.LSN, s.o.Publication)
	repl.Frontend().Send(&pgproto3.Query{String: command})
	if err := repl.Frontend().Flush(); err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	for {
		msg, err := repl.ReceiveMessage(ctx)
		if err != nil {
			return fmt.Errorf("cdc: start replication of slot %s: %w", s.o.Slot, err)
		}
		switch m := msg.(type) {
		case *pgproto3.CopyBothResponse:
			return nil
		case *pgproto3.ErrorResponse:
			return fmt.Errorf("cdc: start replication of slot %s: %w", s.o.Slot, pgconn.ErrorResponseToPgError(m))
		}
	}
}

// applyAll joins batches that wait already: a sink commits less often when it lags.
func (s *Stream) applyAll(ctx context.Context, batches <-chan Batch) error {
	for {
		var batch Batch
		select {
		case batch = <-batches:
		case <-ctx.Done():
			return nil
		}
	more:
		for len(batch.Changes) < s.o.Batch {
			select {
			case next := <-batches:
				batch.Changes = append(batch.Changes, next.Changes...)
				batch.Position = next.Position
			default:
				break more
			}
		}
		if err := s.apply(ctx, batch); err != nil {
			return err
		}
	}
}

func (s *Stream) apply(ctx context.Context, batch Batch) error {
	if err := s.sink.Apply(ctx, batch); err != nil {
		return fmt.Errorf("cdc: sink: %w", err)
	}
	s.changes.Add(int64(len(batch.Changes)))
	if batch.Position.LSN > 0 {
		s.confirmed.Store(uint64(batch.Position.LSN))
	}
	if n := len(batch.Changes); n > 0 && !batch.Changes[n-1].Committed.IsZero() {
		at := batch.Changes[n-1].Committed
		s.lastCommit.Store(at.UnixMicro())
		s.lag.Store(int64(time.Since(at)))
	}
	return nil
}

// beat writes heartbeats into the log.
func (s *Stream) beat(ctx context.Context, control *pgx.Conn) error {
	tick := time.NewTicker(s.o.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := control.Exec(ctx, `SELECT pg_logical_emit_message(true, $1, '')`, heartbeatPrefix); err != nil {
			return fmt.Errorf("cdc: heartbeat: %w", err)
		}
	}
}

// receiver owns the replication connection.
type receiver struct {
	s     *Stream
	conn  *pgconn.PgConn
	asm   *assembler
	out   chan<- Batch
	told  time.Time // of the last status
	heard time.Time // of the last message
}

func (r *receiver) run(ctx context.Context) error {
	for {
		if time.Since(r.told) >= statusEvery {
			quiet := time.Since(r.heard)
			if quiet > silent {
				return fmt.Errorf("cdc: the server said nothing for %v", quiet.Round(time.Second))
			}
			if err := r.status(quiet > ask); err != nil {
				return err
			}
		}
		deadline, cancel := context.WithDeadline(ctx, r.told.Add(statusEvery))
		msg, err := r.conn.ReceiveMessage(deadline)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case pgconn.Timeout(err):
			continue
		case err != nil:
			return fmt.Errorf("cdc: replication: %w", err)
		}
		r.heard = time.Now()
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			if err := r.data(ctx, m.Data); err != nil {
				return err
			}
		case *pgproto3.ErrorResponse:
			return fmt.Errorf("cdc: replication: %w", pgconn.ErrorResponseToPgError(m))
		case *pgproto3.CopyDone:
			return errors.New("cdc: the server ended the stream")
		}
	}
}

// data reads a message of the streaming replication protocol: 'w', log data
// behind a header of 24 bytes, or 'k', a keepalive of end, time and flag.
func (r *receiver) data(ctx context.Context, b []byte) error {
	switch {
	case len(b) == 18 && b[0] == 'k':
		r.s.serverEnd.Store(binary.BigEndian.Uint64(b[1:]))
		if b[17] == 1 {
			return r.status(false)
		}
		return nil
	case len(b) > 25 && b[0] == 'w':
		r.s.serverEnd.Store(max(r.s.serverEnd.Load(), binary.BigEndian.Uint64(b[9:])))
		message, err := decode(b[25:])
		if err != nil {
			return err
		}
		batch, full, err := r.asm.add(message)
		if err != nil || !full {
			return err
		}
		return r.hand(ctx, batch)
	default:
		return nil // newer servers may say more
	}
}

// hand passes a batch on; a slow sink must not let the server think us dead.
func (r *receiver) hand(ctx context.Context, batch Batch) error {
	for {
		t := time.NewTimer(statusEvery)
		select {
		case r.out <- batch:
			t.Stop()
			return nil
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
			if err := r.status(false); err != nil {
				return err
			}
		}
	}
}

// status confirms what the sink has made durable, and nothing beyond it: the
// server may remove the log up to there.
func (r *receiver) status(wantReply bool) error {
	b := make([]byte, 34)
	b[0] = 'r'
	at := r.s.confirmed.Load()
	for i := range 3 { // written, flushed, applied
		binary.BigEndian.PutUint64(b[1+8*i:], at)
	}
	binary.BigEndian.PutUint64(b[25:], uint64(toPostgres(time.Now())))
	if wantReply {
		b[33] = 1
	}
	r.told = time.Now()
	r.conn.Frontend().Send(&pgproto3.CopyData{Data: b})
	if err := r.conn.Frontend().Flush(); err != nil {
		return fmt.Errorf("cdc: status: %w", err)
	}
	return nil
}
