package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Step takes a component's tables from one version to the next, and back.
type Step struct{ Up, Down string }

// Latest, as Migrate's target, is the newest version that the program knows.
const Latest = -1

// VersionError says that a database was brought to a version by a newer program.
type VersionError struct {
	Component   string
	Have, Known int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("schema of %s is at version %d, this program knows %d: deploy a newer program, or go back with the newer one's Migrate", e.Component, e.Have, e.Known)
}

const (
	versionsTable = `CREATE TABLE IF NOT EXISTS ashlar_schema (component text PRIMARY KEY, version integer NOT NULL)`
	// One lock for all components: creating the versions table twice at once
	// fails in PostgreSQL in spite of IF NOT EXISTS.
	migrateLock = `SELECT pg_advisory_xact_lock(1634953324, 7)`
)

// Migrate brings component to the target version in one transaction; programs
// that start at once wait for each other. It is idempotent.
func Migrate(ctx context.Context, db *sql.DB, d Dialect, component string, steps []Step, target int) (err error) {
	if err := d.Validate(); err != nil {
		return err
	}
	if target == Latest {
		target = len(steps)
	}
	if target < 0 || target > len(steps) {
		return fmt.Errorf("schema of %s: target version %d: this program knows 0 to %d", component, target, len(steps))
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("schema of %s: %w", component, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("schema of %s: %w", component, err), ignoreDone(tx.Rollback()))
		}
	}()
	if d == PostgreSQL {
		if _, err := tx.ExecContext(ctx, migrateLock); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, versionsTable); err != nil {
		return err
	}
	// The write takes SQLite's lock before the version is read.
	if _, err := tx.ExecContext(ctx, d.Rebind(`INSERT INTO ashlar_schema (component, version) VALUES ($1, 0) ON CONFLICT DO NOTHING`), component); err != nil {
		return err
	}
	var have int
	if err := tx.QueryRowContext(ctx, d.Rebind(`SELECT version FROM ashlar_schema WHERE component = $1`), component).Scan(&have); err != nil {
		return err
	}
	if have > len(steps) {
		return &VersionError{Component: component, Have: have, Known: len(steps)}
	}
	for v := have; v < target; v++ {
		if _, err := tx.ExecContext(ctx, steps[v].Up); err != nil {
			return fmt.Errorf("to version %d: %w", v+1, err)
		}
	}
	for v := have; v > target; v-- {
		if _, err := tx.ExecContext(ctx, steps[v-1].Down); err != nil {
			return fmt.Errorf("back to version %d: %w", v-1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, d.Rebind(`UPDATE ashlar_schema SET version = $1 WHERE component = $2`), target, component); err != nil {
		return err
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
