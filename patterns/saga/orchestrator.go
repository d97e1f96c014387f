package saga

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Orchestrator drives sagas over a journal. All methods may be called
// concurrently. Several processes may open one on the same journal: each drives
// what it started, and takes over from those that died.
type Orchestrator struct {
	j     *journal.Journal
	o     Options
	defs  map[string]map[int]*definition
	lease driver.Leaser // nil: the store has none
	token int64         // of our lease; the keeper's

	ctx      context.Context // ends when calls under way shall be cut
	cut      context.CancelFunc
	draining chan struct{} // closed: no new step is begun
	once     sync.Once
	loops    sync.WaitGroup
	slots    chan struct{} // one a running saga

	mu     sync.Mutex
	closed bool
	runs   map[string]*run
	ended  ring
	inbox  inbox
	locks  locks // has its own mutex
	scan   scanner
}

// Declared is any *Definition.
type Declared interface{ definition() *definition }

func (d *Definition[In]) definition() *definition { return d.d }

// Open takes up the sagas that the journal holds and that no living process
// drives, and is ready to start new ones. Give it every definition version that
// may have unended sagas; those of unknown ones are logged and shown as stuck.
// Close the orchestrator before the journal.
func Open(ctx context.Context, j *journal.Journal, opts *Options, defs ...Declared) (*Orchestrator, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	o := &Orchestrator{j: j, o: opts.orDefaults(), defs: map[string]map[int]*definition{}, draining: make(chan struct{}), runs: map[string]*run{}}
	for _, declared := range defs {
		d := declared.definition()
		if o.defs[d.name] == nil {
			o.defs[d.name] = map[int]*definition{}
		}
		if o.defs[d.name][d.version] != nil {
			return nil, &DefinitionError{Definition: d.name, Faults: []error{fmt.Errorf("version %d is given twice; raise the version when the steps change", d.version)}}
		}
		o.defs[d.name][d.version] = d
	}
	lease, err := j.Leases()
	if err != nil && !errors.Is(err, journal.ErrNoLeases) {
		return nil, err
	}
	o.lease = lease
	o.slots = make(chan struct{}, o.o.MaxRunning)
	o.ended.cap = o.o.KeepEnded
	o.scan.open = map[string]openSaga{}
	o.ctx, o.cut = context.WithCancel(context.Background())
	if err := o.beat(ctx); err != nil {
		return nil, fmt.Errorf("saga: announcing this process as %s: %w", o.o.Node, err)
	}
	if err := o.recover(ctx); err != nil {
		o.cut()
		return nil, fmt.Errorf("saga: recovery: %w", err)
	}
	o.loops.Go(o.keep)
	return o, nil
}

// Close starts no more steps, waits for those under way and their records, and
// gives the sagas free for another process. When ctx ends first, the calls under
// way are cut; they are made again by whoever goes on.
func (o *Orchestrator) Close(ctx context.Context) error {
	o.once.Do(func() {
		o.mu.Lock()
		o.closed = true
		o.mu.Unlock()
		close(o.draining)
	})
	stop := context.AfterFunc(ctx, o.cut)
	o.loops.Wait()
	stop()
	o.cut()
	if o.lease != nil && ctx.Err() == nil {
		if err := o.lease.Release(ctx, o.leaseName(o.o.Node), o.token); err != nil {
			return fmt.Errorf("saga: giving the lease back: %w", err)
		}
	}
	return nil
}

// Start begins a saga under an id of the caller's and returns when that is on
// the disk. An id that was started before is not started again: the handle is of
// that saga, whatever its state.
func (d *Definition[In]) Start(ctx context.Context, o *Orchestrator, id string, in In) (*Handle, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	if o.defs[d.d.name][d.d.version] != d.d {
		return nil, &InvalidError{ID: id, Reason: fmt.Sprintf("definition %s version %d was not given to saga.Open", d.d.name, d.d.version)}
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, &InvalidError{ID: id, Reason: "its input " + errNotJSON.Error() + ": " + err.Error()}
	}
	return o.start(ctx, d.d, id, in, raw)
}

// Run starts a saga and waits for its end: nil when it completed, a *Error when
// it failed and is compensated. When ctx ends first, the saga goes on without
// the caller.
func (d *Definition[In]) Run(ctx context.Context, o *Orchestrator, id string, in In) error {
	h, err := d.Start(ctx, o, id, in)
	if err != nil {
		return err
	}
	return h.Wait(ctx)
}

func (o *Orchestrator) start(ctx context.Context, d *definition, id string, in any, raw json.RawMessage) (*Handle, error) {
	select {
	case o.slots <- struct{}{}:
	case <-o.draining:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("saga %q: not started, %d run already: %w", id, cap(o.slots), context.Cause(ctx))
	}
	free := func() { <-o.slots }
	r := newRun(o, d, id, in)
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		free()
		return nil, ErrClosed
	}
	if old := o.runs[id]; old != nil {
		o.mu.Unlock()
		free()
		return old.attach(ctx, d.name)
	}
	o.runs[id] = r
	o.loops.Add(1) // for drive; under mu, so that Close does not miss it
	o.mu.Unlock()

	fail := func(err error) {
		r.begun(err)
		o.forget(r)
		o.loops.Done()
		free()
	}
	if err := r.lock(ctx); err != nil {
		fail(err)
		return nil, err
	}
	e := entry{Definition: d.name, Version: d.version, Node: o.o.Node, Input: raw, Next: names(d.groups[0])}
	res, err := o.j.Append(ctx, journal.Unit{Stream: prefix + id, Expected: 0, Records: []journal.Record{e.record(tStarted)}})
	if err != nil {
		o.locks.release(r.keys, id)
		fail(err)
		var taken *journal.ConflictError
		if errors.As(err, &taken) || errors.Is(err, journal.ErrUnknown) {
			return o.existing(ctx, d, id, err)
		}
		return nil, fmt.Errorf("saga %q: not started: %w", id, err)
	}
	r.mu.Lock()
	r.st.apply(tStarted, &e)
	r.st.at, r.st.position, r.st.started = res.Version, res.First, now()
	r.st.updated = r.st.started
	r.mu.Unlock()
	o.o.Metrics.Started(d.name)
	r.begun(nil)
	go func() {
		defer o.loops.Done()
		defer free()
		r.drive()
	}()
	return &Handle{r: r}, nil
}

// existing answers a start whose id was there already, from the journal.
func (o *Orchestrator) existing(ctx context.Context, d *definition, id string, cause error) (*Handle, error) {
	st, err := o.load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("saga %q: not started: %w", id, cause)
	}
	if err != nil {
		return nil, err
	}
	if st.definition != d.name {
		return nil, &ExistsError{ID: id, Definition: st.definition, Wanted: d.name}
	}
	if !st.phase.Ended() && st.node == o.o.Node {
		// Its start was acknowledged to nobody: the outcome was unknown.
		if r := o.take(id, st, false); r != nil {
			return &Handle{r: r}, nil
		}
	}
	return &Handle{o: o, id: id, st: st}, nil
}

// load folds the records of a saga.
func (o *Orchestrator) load(ctx context.Context, id string) (*state, error) {
	st := &state{}
	for {
		rs, err := o.j.ReadStream(ctx, prefix+id, st.at, 1000)
		if err != nil {
			return nil, fmt.Errorf("saga %q: reading its records: %w", id, err)
		}
		for i := range rs {
			if err := st.fold(&rs[i]); err != nil {
				return nil, err
			}
		}
		if len(rs) == 0 {
			break
		}
	}
	if st.at == 0 {
		return nil, fmt.Errorf("saga %q: %w", id, ErrNotFound)
	}
	return st, nil
}

func (o *Orchestrator) forget(r *run) {
	o.mu.Lock()
	if o.runs[r.id] == r {
		delete(o.runs, r.id)
	}
	o.mu.Unlock()
}

func names(steps []*step) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.name
	}
	return out
}

// versionsOf lists the known versions of a definition.
func (o *Orchestrator) versionsOf(name string) []int {
	var vs []int
	for v := range o.defs[name] {
		vs = append(vs, v)
	}
	slices.SortFunc(vs, cmp.Compare)
	return vs
}
