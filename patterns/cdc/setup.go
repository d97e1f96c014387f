package cdc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SetupError is a database that cannot be captured as it is.
type SetupError struct {
	What, Hint string
	Err        error
}

func (e *SetupError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("cdc: %s: %s", e.What, e.Hint)
	}
	return fmt.Sprintf("cdc: %s: %v: %s", e.What, e.Err, e.Hint)
}

func (e *SetupError) Unwrap() error { return e.Err }

// GapError says that changes between the sink's position and what the slot can
// still give are lost.
type GapError struct {
	Slot   string
	Sink   Position
	Slots  LSN    // where the slot stands; 0: it is gone
	Reason string // from the server
}

func (e *GapError) Error() string {
	return fmt.Sprintf("cdc: slot %s cannot continue from the sink's position %s: %s (slot at %s): changes are lost; start over with Options.Resnapshot", e.Slot, e.Sink, e.Reason, e.Slots)
}

// standby is how often a process that stands by looks whether it may stream.
const standby = 250 * time.Millisecond

// lead takes the slot's advisory lock. It asks again and again rather than
// waiting inside the server, where a waiting statement would hold back vacuum.
func (s *Stream) lead(ctx context.Context, control *pgx.Conn) error {
	for {
		var ok bool
		if err := control.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('ashlar cdc ' || $1, 0))`, s.o.Slot).Scan(&ok); err != nil {
			return fmt.Errorf("cdc: %w", err)
		}
		if ok {
			return nil
		}
		if err := sleep(ctx, standby); err != nil {
			return err
		}
	}
}

// publication creates the publication, or checks that it covers the tables.
func (s *Stream) publication(ctx context.Context, control *pgx.Conn) error {
	var level string
	if err := control.QueryRow(ctx, `SHOW wal_level`).Scan(&level); err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	if level != "logical" {
		return &SetupError{What: "wal_level is " + level, Hint: "set wal_level = logical and restart the server"}
	}
	var exists bool
	if err := control.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)`, s.o.Publication).Scan(&exists); err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	if !exists {
		return s.createPublication(ctx, control)
	}
	rows, err := control.Query(ctx, `SELECT (schemaname || '.' || tablename) FROM pg_publication_tables WHERE pubname = $1`, s.o.Publication)
	if err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	have, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	var missing []string
	for _, t := range s.o.Tables {
		if !strings.Contains(t, ".") {
			t = "public." + t
		}
		if !slices.Contains(have, t) {
			missing = append(missing, t)
		}
	}
	if len(missing) > 0 {
		return &SetupError{What: fmt.Sprintf("publication %s lacks %s", s.o.Publication, strings.Join(missing, ", ")),
			Hint: "a table added now would have no snapshot: Drop the slot and publication and start over, or capture it under another slot"}
	}
	return nil
}

func (s *Stream) createPublication(ctx context.Context, control *pgx.Conn) error {
	if len(s.o.Tables) == 0 {
		return &SetupError{What: "publication " + s.o.Publication + " does not exist", Hint: "create it, or name Options.Tables"}
	}
	quoted := make([]string, len(s.o.Tables))
	for i, t := range s.o.Tables {
		quoted[i] = pgx.Identifier(strings.Split(t, ".")).Sanitize()
	}
	_, err := control.Exec(ctx, fmt.Sprintf(`CREATE PUBLICATION %s FOR TABLE %s WITH (publish_via_partition_root = true)`, s.o.Publication, strings.Join(quoted, ", ")))
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return &SetupError{What: "publication " + s.o.Publication, Err: err, Hint: "the tables must exist and belong to this user, or create the publication by hand"}
	}
	return err
}

// checkSlot reports a gap between the sink and the slot.
func (s *Stream) checkSlot(ctx context.Context, control *pgx.Conn, pos Position) error {
	gap := &GapError{Slot: s.o.Slot, Sink: pos}
	var confirmed, status string
	err := control.QueryRow(ctx, `SELECT confirmed_flush_lsn::text, coalesce(wal_status, '') FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()`, s.o.Slot).Scan(&confirmed, &status)
	if errors.Is(err, pgx.ErrNoRows) {
		gap.Reason = "the slot does not exist"
		return gap
	}
	if err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	if gap.Slots, err = ParseLSN(confirmed); err != nil {
		return err
	}
	if status == "lost" {
		gap.Reason = "the server removed log that the slot needs (max_slot_wal_keep_size)"
		return gap
	}
	if gap.Slots > pos.LSN {
		gap.Reason = "the slot has moved past the sink"
		return gap
	}
	return nil
}

// dropSlot removes the slot if there is one; the caller leads.
func (s *Stream) dropSlot(ctx context.Context, control *pgx.Conn) error {
	for {
		_, err := control.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1`, s.o.Slot)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55006" { // object_in_use: a sender that has not noticed yet that its client died
			return err
		}
		if err := sleep(ctx, standby); err != nil {
			return err
		}
	}
}

// Drop removes the slot and the publication. A slot that nobody reads fills the
// server's disk: drop it when the sink is given up.
func (s *Stream) Drop(ctx context.Context) (err error) {
	control, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return fmt.Errorf("cdc: %w", err)
	}
	defer func() { err = errors.Join(err, closeQuietly(control.PgConn())) }()
	if err := s.lead(ctx, control); err != nil {
		return err
	}
	if err := s.dropSlot(ctx, control); err != nil {
		return fmt.Errorf("cdc: drop slot %s: %w", s.o.Slot, err)
	}
	if _, err := control.Exec(ctx, `DROP PUBLICATION IF EXISTS `+s.o.Publication); err != nil {
		return fmt.Errorf("cdc: drop publication %s: %w", s.o.Publication, err)
	}
	return nil
}
