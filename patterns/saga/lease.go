package saga

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

// farewell is how long Close tries to give the lease back.
const farewell = 2 * time.Second

func (o *Orchestrator) leaseName(node string) string { return "saga/node/" + node }

// beat says that this process lives.
func (o *Orchestrator) beat(ctx context.Context) error {
	if o.lease == nil {
		return nil
	}
	asked := time.Now()
	if o.token != 0 {
		err := o.lease.Renew(ctx, o.leaseName(o.o.Node), o.token, o.o.LeaseTTL)
		var fenced *journal.FencedError
		if err == nil {
			o.tenure.extend(asked.Add(o.o.LeaseTTL))
		}
		if !errors.As(err, &fenced) {
			return err
		}
		o.o.Logger.Error("saga: another process uses this node's name", "node", o.o.Node, "err", err)
	}
	var err error
	o.token, err = o.lease.Acquire(ctx, o.leaseName(o.o.Node), o.o.Node, o.o.LeaseTTL)
	if err == nil {
		o.tenure.extend(asked.Add(o.o.LeaseTTL))
	}
	return err
}

// keep renews the lease three times in its life, until no claim is left: a
// process that waits in Close for a call under way is not dead.
func (o *Orchestrator) keep() {
	beat := time.NewTicker(o.o.LeaseTTL / 3)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
		case <-o.idle:
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), o.o.LeaseTTL/3)
		err := o.beat(ctx)
		cancel()
		if err != nil {
			o.o.Logger.Warn("saga: the lease could not be renewed; tried again", "node", o.o.Node, "in", o.o.LeaseTTL/3, "err", err)
		}
	}
}

// dead returns who counts as dead: no lease, an expired one, or a process of
// this machine that is gone. This process's own name does, too: what it drives
// it has claimed, and the rest, of an earlier life or let go of, waits for it.
func (o *Orchestrator) dead(ctx context.Context) (func(node string) bool, error) {
	if o.lease == nil {
		return func(string) bool { return true }, nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.o.LeaseTTL)
	defer cancel()
	ls, err := o.lease.Leases(ctx, o.leaseName(""))
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, l := range ls {
		node := strings.TrimPrefix(l.Name, o.leaseName(""))
		alive[node] = !l.Expired && node != o.o.Node && !gone(node)
	}
	return func(node string) bool { return !alive[node] }, nil
}

// tenure is until when this process may count on its lease, by its own clock:
// counted from before the call that renewed it, so never longer than the
// store's.
type tenure struct {
	mu      sync.Mutex
	until   time.Time
	lapses  int           // how often it ran out
	renewed chan struct{} // closed and replaced with every renewal
}

func (t *tenure) extend(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.renewed != nil {
		if time.Now().After(t.until) {
			t.lapses++
		}
		close(t.renewed)
	}
	t.until, t.renewed = until, make(chan struct{})
}

func (t *tenure) look() (holds bool, lapses int, renewed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until), t.lapses, t.renewed
}

// mine is asked before a step is called. A process that lost touch with the
// journal for a lease has lost its sagas, too, as far as it knows: it calls
// nothing before it has the lease again and has seen that the saga is still its
// own.
func (r *run) mine(ctx context.Context) error {
	if r.o.lease == nil {
		return nil
	}
	holds, lapses, renewed := r.o.tenure.look()
	if holds && lapses == int(r.lapses.Load()) {
		return nil
	}
	r.o.o.Logger.Warn("saga: the lease had run out, no step is called before this saga is known to be still ours", "saga", r.id, "definition", r.d.name)
	for !holds {
		select {
		case <-renewed:
		case <-r.o.draining:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		holds, lapses, renewed = r.o.tenure.look()
	}
	for attempt := 1; ; attempt++ {
		st, err := r.o.load(ctx, r.id)
		switch {
		case err == nil && st.node != r.o.o.Node:
			return ErrElsewhere
		case err == nil:
			r.lapses.Store(int64(lapses))
			return nil
		}
		if err := r.pause(attempt, err); err != nil {
			return err
		}
	}
}
