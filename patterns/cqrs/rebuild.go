package cqrs

import (
	"context"
	"errors"
	"fmt"
)

// Rebuild makes a new generation from the first event on, beside the live one
// that goes on serving, and switches readers over once it has caught up. A
// rebuild that was cut short is resumed. Old generations are dropped afterwards.
func (r *Projector[Tx, E]) Rebuild(ctx context.Context) error {
	if _, err := r.ensure(ctx); err != nil {
		return err
	}
	generation, err := r.beginBuild(ctx)
	if err != nil {
		return r.wrap("rebuild", err)
	}
	for switched := false; !switched; {
		switched, err = r.buildStep(ctx, generation)
		if errors.Is(err, errMoved) {
			if switched, err = r.isLive(ctx, generation); err == nil {
				continue // another process builds along
			}
		}
		if err != nil {
			return r.wrap(fmt.Sprintf("rebuild of generation %d", generation), err)
		}
	}
	return r.wrap("drop old generations", r.dropOld(ctx))
}

// beginBuild returns the generation under construction, new if there is none
// by this version of the code.
func (r *Projector[Tx, E]) beginBuild(ctx context.Context) (generation int, err error) {
	err = r.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		live, found, err := r.hold(ctx, tx, liveRow) // one beginner at a time
		if err != nil || !found {
			return errors.Join(err, errMoved)
		}
		found, err = r.db.QueryRow(ctx, tx, r.sql(`SELECT generation FROM {t} WHERE name = $1 AND live = 0 AND generation > $2 AND version = $3`), []any{r.p.Name, live.generation, r.p.Version}, &generation)
		if err != nil || found {
			return err
		}
		if _, err = r.db.QueryRow(ctx, tx, r.sql(`SELECT max(generation) + 1 FROM {t} WHERE name = $1`), []any{r.p.Name}, &generation); err != nil {
			return err
		}
		if _, err := r.db.Exec(ctx, tx, r.sql(`INSERT INTO {t} (name, generation, version, position, live) VALUES ($1, $2, $3, 0, 0)`), r.p.Name, generation, r.p.Version); err != nil {
			return err
		}
		return r.p.Prepare(ctx, tx, generation)
	})
	return generation, err
}

// buildStep applies one batch to the new generation. The one that brings it up
// to the live generation, which is held still for that, switches.
func (r *Projector[Tx, E]) buildStep(ctx context.Context, generation int) (switched bool, err error) {
	position, livePosition, err := r.buildPosition(ctx, generation)
	if err != nil {
		return false, err
	}
	b, err := r.read(ctx, position)
	if err != nil {
		return false, err
	}
	err = r.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		var live checkpoint
		near := b.upTo >= livePosition
		if near {
			var found bool
			if live, found, err = r.hold(ctx, tx, liveRow); err != nil || !found {
				return errors.Join(err, errMoved)
			}
		}
		c, found, err := r.hold(ctx, tx, buildRow, generation)
		if err != nil || !found {
			return errors.Join(err, errMoved)
		}
		if err := r.apply(ctx, tx, c, b); err != nil {
			return err
		}
		if !near || b.upTo < live.position {
			return nil // not there yet
		}
		switched = true
		return r.switchTo(ctx, tx, live.generation, generation)
	})
	if err != nil {
		return false, err
	}
	if switched {
		r.advance(b.upTo)
	}
	return switched, nil
}

func (r *Projector[Tx, E]) buildPosition(ctx context.Context, generation int) (position, live int64, err error) {
	err = r.db.Do(ctx, func(ctx context.Context, tx Tx) error {
		found, err := r.db.QueryRow(ctx, tx, r.sql(`SELECT b.position, l.position FROM {t} b JOIN {t} l ON l.name = b.name AND l.live = 1 WHERE b.name = $1 AND b.live = 0 AND b.generation = $2`), []any{r.p.Name, generation}, &position, &live)
		if err == nil && !found {
			err = errMoved
		}
		return err
	})
	return position, live, err
}

func (r *Projector[Tx, E]) switchTo(ctx context.Context, tx Tx, from, to int) error {
	for _, s := range []struct{ live, generation int }{{0, from}, {1, to}} {
		if _, err := r.db.Exec(ctx, tx, r.sql(`UPDATE {t} SET live = $1 WHERE name = $2 AND generation = $3`), s.live, r.p.Name, s.generation); err != nil {
			return err
		}
	}
	return r.expose(ctx, tx, to)
}

func (r *Projector[Tx, E]) isLive(ctx context.Context, generation int) (bool, error) {
	live, err := r.Live(ctx)
	return live == generation, err
}

// Live returns the generation that readers should see.
func (r *Projector[Tx, E]) Live(ctx context.Context) (int, error) {
	c, err := r.ensure(ctx)
	return c.generation, err
}

// dropOld removes generations below the live one, one a transaction.
func (r *Projector[Tx, E]) dropOld(ctx context.Context) error {
	for more := true; more; {
		err := r.db.Do(ctx, func(ctx context.Context, tx Tx) (err error) {
			var old int
			more, err = r.db.QueryRow(ctx, tx, r.sql(`DELETE FROM {t} WHERE name = $1 AND generation = (SELECT min(o.generation) FROM {t} o JOIN {t} l ON l.name = o.name AND l.live = 1 WHERE o.name = $1 AND o.generation < l.generation) RETURNING generation`), []any{r.p.Name}, &old)
			if err != nil || !more || r.p.Drop == nil {
				return err
			}
			return r.p.Drop(ctx, tx, old)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
