package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// check is one named test of health.
type check struct {
	name string
	run  func(context.Context) error
}

// Probe answers are kept this long, so that nobody can keep a database busy by
// asking whether we are ready.
const probeAge = time.Second

const (
	readiness = iota
	liveness
)

// Ready adds a test that must pass before callers should come: a connection to
// what every request needs. A dependency that some requests need belongs behind
// a breaker, not here, or its outage becomes ours.
func (t *Telemetry) Ready(name string, run func(context.Context) error) {
	t.addCheck(readiness, name, run)
}

// Live adds a test that, when it fails, has the process killed and started
// anew: a deadlock, a loop that stands still. Never something outside of it.
func (t *Telemetry) Live(name string, run func(context.Context) error) {
	t.addCheck(liveness, name, run)
}

func (t *Telemetry) addCheck(kind int, name string, run func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks[kind] = append(t.checks[kind], check{name, run})
}

// ReadyHandler answers 200 when every readiness test passes, else 503, with a
// JSON object that names each; 503 as soon as Shutdown has begun.
func (t *Telemetry) ReadyHandler() http.Handler { return t.probe(readiness) }

// LiveHandler answers 200 when every liveness test passes, else 503.
func (t *Telemetry) LiveHandler() http.Handler { return t.probe(liveness) }

// Report is what a probe answers.
type Report struct {
	Status string        `json:"status"` // "ok", "failing", "shutting down"
	Checks []CheckReport `json:"checks,omitempty"`
}

// CheckReport is one test's outcome.
type CheckReport struct {
	Name   string `json:"name"`
	Status string `json:"status"` // "ok", "failing"
	// Error is the redacted reason: probes are often open to the network.
	Error string        `json:"error,omitempty"`
	Took  time.Duration `json:"took_ns"`
}

type probeCache struct {
	mu sync.Mutex
	at time.Time
	r  Report
}

func (t *Telemetry) probe(kind int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rep := t.report(r.Context(), kind)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if rep.Status != "ok" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(rep) // whoever asked is gone
	})
}

// report runs the tests side by side, one run at a time however many ask.
func (t *Telemetry) report(ctx context.Context, kind int) Report {
	if kind == readiness && t.isStopping() {
		return Report{Status: "shutting down"}
	}
	c := &t.probes[kind]
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < probeAge {
		return c.r
	}
	t.mu.Lock()
	checks := t.checks[kind]
	t.mu.Unlock()
	rep := Report{Status: "ok", Checks: make([]CheckReport, len(checks))}
	// One impatient prober's leaving must not fail the answer that others share.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.opts.CheckTimeout)
	defer cancel()
	var wg sync.WaitGroup
	redact := newRedactor(t.opts.Redact)
	for i, ch := range checks {
		wg.Go(func() {
			began := time.Now()
			err := bounded(ctx, ch)
			rep.Checks[i] = CheckReport{Name: ch.name, Status: "ok", Took: time.Since(began)}
			if err != nil {
				rep.Checks[i].Status, rep.Checks[i].Error = "failing", redact.text(err.Error())
			}
		})
	}
	wg.Wait()
	for _, ch := range rep.Checks {
		if ch.Status != "ok" {
			rep.Status = "failing"
		}
	}
	c.at, c.r = time.Now(), rep
	return rep
}

// bounded runs a test that may ignore its context or panic.
func bounded(ctx context.Context, c check) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panicked: %v", p)
			}
		}()
		done <- c.run(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("no answer in time")
	}
}
