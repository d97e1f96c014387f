package saga

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// takeovers is how many sagas are taken up at once: their reads overlap, and
// their records share commits.
const takeovers = 16

// look sweeps for sagas that nobody drives, three times a lease.
func (o *Orchestrator) look() {
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	go func() {
		select {
		case <-o.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(o.o.LeaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-o.draining:
			return
		}
		if err := o.sweep(ctx); err != nil && ctx.Err() == nil {
			o.o.Logger.Warn("saga: looking for sagas that nobody drives failed in part; tried again", "in", o.o.LeaseTTL/3, "err", err)
		}
	}
}

// recover is the first sweep: it begins at the last mark.
func (o *Orchestrator) recover(ctx context.Context) error {
	o.scan.patience = o.o.LeaseTTL
	if err := o.scan.begin(ctx, o.j); err != nil {
		return err
	}
	return o.sweep(ctx)
}

// sweep reads on and takes up every saga that nobody drives. What fails for one
// saga does not keep it from the others. Called by one goroutine at a time.
//
// The records are read before the leases: whoever wrote one of them had its
// lease by then, so a living process is never taken for dead because it is new.
// What the dead wrote after the read is found by the next sweep.
func (o *Orchestrator) sweep(ctx context.Context) error {
	if err := o.scan.read(ctx, o.j); err != nil {
		return err
	}
	dead, err := o.dead(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for id, s := range o.scan.open {
		if dead(s.node) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return int(o.scan.open[a].start - o.scan.open[b].start) })
	o.unpark(dead)
	return errors.Join(o.resumeAll(ctx, ids), o.scan.leave(ctx, o.j))
}

func (o *Orchestrator) resumeAll(ctx context.Context, ids []string) error {
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	places := make(chan struct{}, takeovers)
	for _, id := range ids {
		if o.driving(id) {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			rctx, cancel := context.WithTimeout(ctx, o.o.LeaseTTL)
			defer cancel()
			if err := o.resume(rctx, id); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fmt.Errorf("saga %q: %w", id, err))
			}
		})
	}
	wg.Wait()
	if n := len(errs); n > 3 {
		errs = append(errs[:3], fmt.Errorf("and %d more", n-3))
	}
	return errors.Join(errs...)
}

// driving reports whether a claim stands that a sweep cannot supersede.
func (o *Orchestrator) driving(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.runs[id]
	return r != nil && !r.locking
}

// resume takes a saga up, unless somebody else drives it after all.
func (o *Orchestrator) resume(ctx context.Context, id string) error {
	r := newRun(o, nil, id, nil)
	if holder, err := o.claim(r); err != nil || holder != nil {
		return nil // closing; or driven by this process
	}
	st, err := o.load(ctx, id)
	var misfit *unfit
	switch {
	case errors.As(err, &misfit):
		r.takeUp(st, err, func() {})
		return nil
	case errors.Is(err, ErrNotFound) || err == nil && st.phase.Ended():
		o.drop(r, errDropped)
		return nil
	case err != nil:
		o.drop(r, errDropped)
		return err
	}
	// A saga that this program cannot drive keeps its dead node's name: another
	// process, of a newer version, may be able to.
	unfit := r.fit(st)
	if unfit == nil && st.node != o.o.Node {
		if err := r.claimed(ctx, st); err != nil {
			o.drop(r, errDropped)
			var taken *journal.ConflictError
			if errors.As(err, &taken) {
				return nil // its process lives after all, or another was faster
			}
			return err
		}
	}
	o.o.Logger.Info("saga: taken up", "saga", id, "definition", st.definition, "version", st.version, "state", string(st.phase), "next", st.next)
	r.takeUp(st, unfit, func() {})
	return nil
}

// claimed records that this process drives the saga from here on.
func (r *run) claimed(ctx context.Context, st *state) error {
	e := entry{Node: r.o.o.Node}
	res, err := r.o.j.Append(ctx, journal.Unit{Stream: prefix + r.id, Expected: st.at, Records: []journal.Record{e.record(tAdopted)}})
	if err != nil {
		return err
	}
	st.at, st.node = res.Version, e.Node
	return r.adopt(st)
}

// unpark forgets parked sagas that have ended or that somebody else drives now.
func (o *Orchestrator) unpark(dead func(node string) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, r := range o.runs {
		r.mu.Lock()
		parked, node := r.problem != nil, r.st.node
		r.mu.Unlock()
		if s, open := o.scan.open[id]; parked && (!open || s.node != node || !dead(node)) {
			delete(o.runs, id)
		}
	}
}
