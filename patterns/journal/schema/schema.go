// Package schema moves the tables of a store between versions, up and down. A
// step is SQL that runs in one transaction with the note of its version, so a
// crash leaves a version whole or not begun.
package schema

import (
	"context"
	"fmt"

	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Step leads from the version before it to Version and back.
type Step struct {
	Version  int // 1, 2, 3 … without a gap
	Up, Down string
}

// Database is what Move needs of a store.
type Database interface {
	// Version returns the version of the tables; 0 when there are none.
	Version(ctx context.Context) (int, error)
	// Run executes sql and notes version, in one transaction, unless the version
	// is not from any more: then it does nothing, because another process did it.
	Run(ctx context.Context, sql string, from, version int) error
}

// Latest, as a target of Move, is the last step's version.
const Latest = -1

// Move brings the tables to the target version. Tables newer than the last step
// fail with a *driver.SchemaError.
func Move(ctx context.Context, db Database, name string, steps []Step, target int) error {
	if target == Latest {
		target = len(steps)
	}
	if target < 0 || target > len(steps) {
		return fmt.Errorf("journal: %s: no schema version %d; there are 0 to %d", name, target, len(steps))
	}
	for {
		at, err := db.Version(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("journal: %s: reading the schema version: %w", name, err)
		case at > len(steps):
			return &driver.SchemaError{Store: name, Found: at, Know: len(steps)}
		case at == target:
			return nil
		case at < target:
			err = db.Run(ctx, steps[at].Up, at, at+1)
		default:
			err = db.Run(ctx, steps[at-1].Down, at, at-1)
		}
		if err != nil {
			return fmt.Errorf("journal: %s: moving the schema from version %d towards %d: %w", name, at, target, err)
		}
	}
}
