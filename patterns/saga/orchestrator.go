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
	j      *journal.Journal
	o      Options
	defs   map[string]map[int]*definition
	lease  driver.Leaser // nil: the store has none
	token  int64         // of our lease; the keeper's
	tenure tenure

	ctx      context.Context // ends when calls under way shall be cut
	cut      context.CancelFunc
	draining chan struct{} // closed: no new step is begun
	once     sync.Once
	loops    sync.WaitGroup // claims, and the sweeper
	idle     chan struct{}  // closed: no claim is left
	last     sync.Once
	keeper   sync.WaitGroup // keeps the lease for as long as there are claims
	slots    chan struct{}  // one a running saga

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
	o := &Orchestrator{j: j, o: opts.orDefaults(), defs: map[string]map[int]*definition{}, draining: make(chan struct{}), idle: make(chan struct{}), runs: map[string]*run{}}
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
	o.keeper.Go(o.keep) // recovery may take longer than the lease
	if err := o.recover(ctx); err != nil {
		gone, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancel() // what was taken up already is cut short
		return nil, errors.Join(fmt.Errorf("saga: recovery: %w", err), o.Close(gone))
	}
	o.loops.Go(o.look)
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
	o.last.Do(func() { close(o.idle) })
	o.keeper.Wait()
	if o.lease == nil {
		return nil
	}
	// After the last record under this node's name, so that whoever finds the
	// lease free finds all there is to take over. Late is no reason to leave it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := o.lease.Release(ctx, o.leaseName(o.o.Node), o.token); err != nil {
		return fmt.Errorf("saga: giving the lease back; it ends by itself in %s: %w", o.o.LeaseTTL, err)
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
	for exists := false; ; {
		r := newRun(o, d, id, in)
		if d.locks != nil && !exists {
			r.locking, r.superseded = true, make(chan struct{})
		}
		holder, err := o.claim(r)
		if err != nil {
			free()
			return nil, err
		}
		switch {
		case holder != nil:
		case exists:
			return o.existing(ctx, r, free, errSuperseded)
		default:
			h, err := o.begin(ctx, r, raw, free)
			if errors.Is(err, errSuperseded) {
				exists = true // a sweep knows it: no lock needs to be waited for
				continue
			}
			return h, err
		}
		if h, again, err := holder.attach(ctx, d.name); !again {
			free()
			return h, err
		}
	}
}

// begin records the start of a claimed saga and drives it.
func (o *Orchestrator) begin(ctx context.Context, r *run, raw json.RawMessage, free func()) (*Handle, error) {
	d := r.d
	if err := o.lock(ctx, r); err != nil {
		o.drop(r, err)
		if !errors.Is(err, errSuperseded) { // the slot is kept for the next try
			free()
		}
		return nil, err
	}
	e := entry{Definition: d.name, Version: d.version, Node: o.o.Node, Input: raw, Next: names(d.groups[0])}
	res, err := o.j.Append(ctx, journal.Unit{Stream: prefix + r.id, Expected: 0, Records: []journal.Record{e.record(tStarted)}})
	if err != nil {
		var taken *journal.ConflictError
		if errors.As(err, &taken) || errors.Is(err, journal.ErrUnknown) {
			return o.existing(ctx, r, free, err)
		}
		o.drop(r, err)
		free()
		return nil, fmt.Errorf("saga %q: not started: %w", r.id, err)
	}
	r.mu.Lock()
	r.st.apply(tStarted, &e)
	r.st.at, r.st.position, r.st.started = res.Version, res.First, now()
	r.st.updated = r.st.started
	r.mu.Unlock()
	o.o.Metrics.Started(d.name)
	r.begun(nil)
	r.launch(free)
	return &Handle{r: r}, nil
}

// existing answers a start whose id was there already, or may be, from the
// journal. Should the records of a start with an unknown outcome turn up later,
// the next sweep finds them.
func (o *Orchestrator) existing(ctx context.Context, r *run, free func(), cause error) (*Handle, error) {
	o.locks.release(r.keys, r.id) // taken for the caller's input; the saga may have another
	r.keys = nil
	id, wanted := r.id, r.d.name
	st, err := o.load(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		err = fmt.Errorf("saga %q: not started: %w", id, cause)
	case err == nil && st.definition != wanted:
		err = &ExistsError{ID: id, Definition: st.definition, Wanted: wanted}
	case err == nil && !st.phase.Ended() && st.node == o.o.Node:
		// Ours, and idle, since the claim is ours: the outcome of its start was
		// unknown, or this process had to let go of it.
		r.takeUp(st, r.fit(st), free)
		if err := r.parked(); err != nil {
			return nil, err
		}
		return &Handle{r: r}, nil
	}
	o.drop(r, errDropped)
	free()
	if err != nil {
		return nil, err
	}
	return &Handle{o: o, id: id, st: st}, nil
}

// load folds the records of a saga; of one that is not readable (an *unfit) up
// to the record that is not.
func (o *Orchestrator) load(ctx context.Context, id string) (*state, error) {
	st := &state{}
	for {
		rs, err := o.j.ReadStream(ctx, prefix+id, st.at, 1000)
		if err != nil {
			return nil, fmt.Errorf("saga %q: reading its records: %w", id, err)
		}
		for i := range rs {
			if err := st.fold(&rs[i]); err != nil {
				return st, &unfit{err}
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
