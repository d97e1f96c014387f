// Package consultest is a fake of the few endpoints of a Consul agent that
// service discovery needs, for tests without Consul: registration, checks that
// really run, and the health endpoint with blocking queries.
//
// [Conform] says what those endpoints do, status codes and texts included. It
// runs on the fake in every test run and on a real agent in `make oracle`, so
// the fake cannot drift from what it stands for.
package consultest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/probe"
)

// Options of [Start]; nil and the zero value are the default.
type Options struct {
	// NodeAddress is what services without an address have; default 127.0.0.1.
	NodeAddress string
	// NodeMeta is the node's meta.
	NodeMeta map[string]string
	// Token that every call must carry; default: none is asked for.
	Token string
	// Hurry divides every deregister-after, its minimum of a minute included, so
	// that a test need not wait for it; default 1.
	Hurry int
	// HurryChecks divides the intervals of checks; default 1.
	HurryChecks int
}

// Agent is a running fake.
type Agent struct {
	URL  string
	opts Options
	http *httptest.Server

	mu       sync.Mutex
	down     bool
	index    uint64
	services map[string]*service // by ID
	touched  map[string]uint64   // index of the last change by service name
	changed  chan struct{}       // closed and replaced with every change
	ctx      context.Context
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

type service struct {
	def    definition
	checks map[string]*check // by CheckID
	order  []string
	stop   context.CancelFunc
	ctx    context.Context
}

type check struct {
	def      checkDefinition
	status   string
	output   string
	deadline *time.Timer // of a TTL
	critical time.Time   // since when
}

// Start starts a fake on a free port of loopback.
func Start(opts *Options) *Agent {
	a := &Agent{index: 10, services: map[string]*service{}, touched: map[string]uint64{}, changed: make(chan struct{})}
	if opts != nil {
		a.opts = *opts
	}
	if a.opts.NodeAddress == "" {
		a.opts.NodeAddress = "127.0.0.1"
	}
	a.opts.Hurry, a.opts.HurryChecks = max(a.opts.Hurry, 1), max(a.opts.HurryChecks, 1)
	a.ctx, a.stop = context.WithCancel(context.Background())
	a.http = httptest.NewServer(a.handler())
	a.URL = a.http.URL
	a.wg.Go(a.reap)
	return a
}

// Close stops the fake and its checks.
func (a *Agent) Close() {
	a.stop()
	a.http.CloseClientConnections()
	a.http.Close()
	a.mu.Lock()
	for id := range a.services {
		a.removeLocked(id)
	}
	a.mu.Unlock()
	a.wg.Wait()
}

// Forget drops all services and starts counting anew, as an agent does that was
// started again without its data.
func (a *Agent) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.services {
		a.removeLocked(id)
	}
	a.index = 3
	a.touched = map[string]uint64{}
	a.wakeLocked()
}

// SetDown makes every call fail with 500 "No cluster leader" until it is unset.
// Queries that wait are answered at once.
func (a *Agent) SetDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
	a.wakeLocked()
}

func (a *Agent) wakeLocked() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// touchLocked notes a change of a service and wakes those who wait.
func (a *Agent) touchLocked(name string) {
	a.index++
	a.touched[name] = a.index
	a.wakeLocked()
}

func (a *Agent) removeLocked(id string) {
	s := a.services[id]
	if s == nil {
		return
	}
	s.stop()
	for _, c := range s.checks {
		c.halt()
	}
	delete(a.services, id)
	a.touchLocked(s.def.Name)
}

func (c *check) halt() {
	if c.deadline != nil {
		c.deadline.Stop()
	}
}

// setLocked changes a check's state; output alone changes nothing that others
// are told at once.
func (a *Agent) setLocked(s *service, c *check, status, output string) {
	c.output = output
	if status == "critical" && (c.status != status || c.critical.IsZero()) {
		c.critical = time.Now()
	}
	if c.status != status {
		c.status = status
		a.touchLocked(s.def.Name)
	}
}

// run runs a check that probes until its service goes.
func (a *Agent) run(ctx context.Context, s *service, c *check, probed driver.Check) {
	t := time.NewTicker(max(probed.Interval, time.Second) / time.Duration(a.opts.HurryChecks))
	defer t.Stop()
	for {
		st, note := probe.Run(ctx, probed)
		if ctx.Err() != nil {
			return
		}
		a.mu.Lock()
		a.setLocked(s, c, st.String(), note)
		a.mu.Unlock()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// reap removes services critical for too long.
func (a *Agent) reap() {
	t := time.NewTicker(max(30*time.Second/time.Duration(a.opts.Hurry), 10*time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-a.ctx.Done():
			return
		}
		a.mu.Lock()
		for id, s := range a.services {
			for _, c := range s.checks {
				after := c.def.after
				if after > 0 && c.status == "critical" && time.Since(c.critical) > max(after, time.Minute)/time.Duration(a.opts.Hurry) {
					a.removeLocked(id)
					break
				}
			}
		}
		a.mu.Unlock()
	}
}

func (a *Agent) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		down := a.down
		a.mu.Unlock()
		switch {
		case down:
			fail(w, http.StatusInternalServerError, "No cluster leader")
		case a.opts.Token != "" && r.Header.Get("X-Consul-Token") != a.opts.Token:
			fail(w, http.StatusForbidden, "ACL not found")
		default:
			next(w, r)
		}
	}
}
