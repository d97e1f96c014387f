package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/journal"
)

const (
	markStream = "saga-mark" // where recovery may begin to read
	tMark      = "saga.mark"
	markEvery  = 50_000 // positions
)

// openSaga is a saga that the journal says has not ended.
type openSaga struct {
	start int64
	node  string
}

// scanner reads the journal for sagas that have not ended. It goes on where it
// stopped, and leaves a mark in the journal below which none is left, so that
// the next process need not read what is long over.
type scanner struct {
	cursor, mark int64
	open         map[string]openSaga
}

type mark struct {
	Position int64 `json:"position"` // every saga that started at or below it has ended
}

// begin finds the last mark.
func (s *scanner) begin(ctx context.Context, j *journal.Journal) error {
	for at := int64(0); ; {
		rs, err := j.ReadStream(ctx, markStream, at, 0)
		if err != nil || len(rs) == 0 {
			return err
		}
		var m mark
		last := rs[len(rs)-1]
		if err := json.Unmarshal(last.Data, &m); err != nil {
			return fmt.Errorf("record %d of %s is not readable: %w", last.Position, markStream, err)
		}
		s.cursor, s.mark, at = m.Position, m.Position, last.Version
	}
}

// read folds the journal up to its end.
func (s *scanner) read(ctx context.Context, j *journal.Journal) error {
	for {
		rs, err := j.Read(ctx, s.cursor, 0)
		if err != nil || len(rs) == 0 {
			return err
		}
		for i := range rs {
			r := &rs[i]
			s.cursor = r.Position
			id, ok := strings.CutPrefix(r.Stream, prefix)
			if !ok {
				continue
			}
			switch {
			case r.Final:
				delete(s.open, id)
			case r.Type == tStarted || r.Type == tAdopted:
				var e entry
				if err := json.Unmarshal(r.Data, &e); err != nil {
					return fmt.Errorf("record %d of %s is not readable: %w", r.Position, r.Stream, err)
				}
				o, known := s.open[id]
				if r.Type == tStarted {
					o.start, known = r.Position, true
				}
				if o.node = e.Node; known {
					s.open[id] = o
				}
			}
		}
	}
}

// leave writes a mark when it is worth it.
func (s *scanner) leave(ctx context.Context, j *journal.Journal) error {
	low := s.cursor
	for _, o := range s.open {
		low = min(low, o.start-1)
	}
	if low < s.mark+markEvery {
		return nil
	}
	data, err := json.Marshal(mark{low})
	if err != nil {
		return err
	}
	_, err = j.Append(ctx, journal.Unit{Stream: markStream, Expected: journal.Any, Records: []journal.Record{{Type: tMark, Data: data}}})
	if err == nil {
		s.mark = low
	}
	return err
}

// recover takes up all sagas that nobody alive drives.
func (o *Orchestrator) recover(ctx context.Context) error {
	if err := o.scan.begin(ctx, o.j); err != nil {
		return err
	}
	return o.sweep(ctx)
}

// sweep reads on and takes over the sagas of dead processes. Called by one
// goroutine at a time.
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
	for _, id := range ids {
		if err := o.resume(ctx, id); err != nil {
			return err
		}
	}
	return o.scan.leave(ctx, o.j)
}

func (o *Orchestrator) resume(ctx context.Context, id string) error {
	o.mu.Lock()
	_, running := o.runs[id]
	o.mu.Unlock()
	if running {
		return nil
	}
	st, err := o.load(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && st.phase.Ended() {
		return nil
	}
	if err != nil {
		o.o.Logger.Error("saga: cannot be read, left alone", "saga", id, "err", err)
		return nil
	}
	if st.node != o.o.Node {
		e := entry{Node: o.o.Node}
		res, err := o.j.Append(ctx, journal.Unit{Stream: prefix + id, Expected: st.at, Records: []journal.Record{e.record(tAdopted)}})
		var taken *journal.ConflictError
		if errors.As(err, &taken) {
			return nil // its process lives after all, or another was faster
		}
		if err != nil {
			return err
		}
		st.at, st.node = res.Version, o.o.Node
	}
	o.take(id, st, true)
	return nil
}

// take drives a saga from its state on; nil when the orchestrator closes.
func (o *Orchestrator) take(id string, st *state, log bool) *run {
	d := o.defs[st.definition][st.version]
	r := newRun(o, d, id, nil)
	r.begun(nil)
	var err error
	if d == nil {
		err = &VersionError{ID: id, Definition: st.definition, Version: st.version, Known: o.versionsOf(st.definition)}
	} else if r.input, err = d.decode(st.input); err == nil {
		err = r.adopt(st)
	}
	if err != nil {
		r.st, r.problem = *st, err
		o.o.Logger.Error("saga: cannot go on", "saga", id, "definition", st.definition, "version", st.version, "err", err)
	}
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return nil
	}
	if old := o.runs[id]; old != nil {
		o.mu.Unlock()
		return old
	}
	o.runs[id] = r
	if err == nil {
		o.loops.Add(1)
	}
	o.mu.Unlock()
	if err != nil {
		return r // shown as stuck, driven by nobody
	}
	if log {
		o.o.Logger.Info("saga: taken up", "saga", id, "definition", st.definition, "version", st.version, "state", string(st.phase), "next", st.next)
	}
	r.retake()
	go func() {
		defer o.loops.Done()
		r.drive()
	}()
	return r
}

func (o *Orchestrator) leaseName(node string) string { return "saga/node/" + node }

// beat says that this process lives.
func (o *Orchestrator) beat(ctx context.Context) error {
	if o.lease == nil {
		return nil
	}
	if o.token != 0 {
		err := o.lease.Renew(ctx, o.leaseName(o.o.Node), o.token, o.o.LeaseTTL)
		var fenced *journal.FencedError
		if !errors.As(err, &fenced) {
			return err
		}
		o.o.Logger.Error("saga: another process uses this node's name, or thought it dead", "node", o.o.Node, "err", err)
	}
	var err error
	o.token, err = o.lease.Acquire(ctx, o.leaseName(o.o.Node), o.o.Node, o.o.LeaseTTL)
	return err
}

// keep renews the lease, sweeps for sagas of the dead and moves the mark.
func (o *Orchestrator) keep() {
	beat := time.NewTicker(o.o.LeaseTTL / 3)
	defer beat.Stop()
	for n := 1; ; n++ {
		select {
		case <-beat.C:
		case <-o.draining:
			return
		}
		ctx, cancel := context.WithTimeout(o.ctx, o.o.LeaseTTL)
		err := o.beat(ctx)
		if err == nil && n%3 == 0 && o.worth(ctx) {
			err = o.sweep(ctx)
		}
		cancel()
		if err != nil && o.ctx.Err() == nil {
			o.o.Logger.Warn("saga: keeping the lease or looking for orphans failed; tried again", "err", err)
		}
	}
}

// worth reports whether a sweep has something to find: another process that
// died, or enough records to move the mark.
func (o *Orchestrator) worth(ctx context.Context) bool {
	head, err := o.j.Head(ctx)
	if err != nil {
		return false
	}
	if head-o.scan.mark > 2*markEvery && head-o.scan.cursor > markEvery {
		return true
	}
	if o.lease == nil {
		return false
	}
	ls, err := o.lease.Leases(ctx, o.leaseName(""))
	return err == nil && len(ls) > 1
}

// dead returns who counts as dead: no lease, an expired one, or a process of
// this machine that is gone. This process's own sagas of an earlier life count,
// too: it does not drive them.
func (o *Orchestrator) dead(ctx context.Context) (func(node string) bool, error) {
	if o.lease == nil {
		return func(string) bool { return true }, nil
	}
	ls, err := o.lease.Leases(ctx, o.leaseName(""))
	if err != nil {
		return nil, err
	}
	alive := map[string]bool{}
	for _, l := range ls {
		node := strings.TrimPrefix(l.Name, o.leaseName(""))
		alive[node] = !l.Expired && !gone(node) && node != o.o.Node
	}
	return func(node string) bool { return !alive[node] }, nil
}

// gone reports whether a node of the default form host:pid names a process of
// this machine that does not exist.
func gone(node string) bool {
	i := strings.LastIndexByte(node, ':')
	if i < 0 || node[:i] != hostname() {
		return false
	}
	pid, err := strconv.Atoi(node[i+1:])
	return err == nil && pid > 0 && pid != os.Getpid() && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
