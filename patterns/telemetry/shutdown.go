package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Stage is a step of an orderly end. The stages run one after the other, the
// hooks of one stage side by side.
type Stage uint8

const (
	// Deregister: leave the registry, so that no new callers come.
	Deregister Stage = iota
	// Drain: let calls under way end: http.Server.Shutdown,
	// grpc.Server.GracefulStop, a consumer's Drain.
	Drain
	// Close: give back what calls needed: databases, brokers.
	Close
	// Flush: send what is still held back. Telemetry itself comes last of all.
	Flush
)

var stages = [...]string{Deregister: "deregister", Drain: "drain", Close: "close", Flush: "flush"}

// String returns the stage's name.
func (s Stage) String() string {
	if int(s) < len(stages) {
		return stages[s]
	}
	return "unknown"
}

type hook struct {
	stage Stage
	name  string
	run   func(context.Context) error
}

// StageError is a hook that failed, or that did not end in time.
type StageError struct {
	Stage Stage
	Hook  string
	Err   error
}

func (e *StageError) Error() string {
	return fmt.Sprintf("telemetry: shutdown: %s %s: %v", e.Stage, e.Hook, e.Err)
}

func (e *StageError) Unwrap() error { return e.Err }

// OnShutdown adds a hook.
func (t *Telemetry) OnShutdown(s Stage, name string, run func(context.Context) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hooks = append(t.hooks, hook{s, name, run})
}

// Shutdown ends the service: not ready, deregister, settle, drain, close,
// flush. Every stage is tried whatever the ones before said; ctx bounds them
// all, but for the flushing, which has FlushTimeout of its own: what a drain
// that hung has cost must not cost the evidence of it. All errors are joined,
// each hook's a *StageError. Idempotent.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	t.end.Do(func() {
		close(t.stopping)
		t.logger.Info("shutting down")
		var errs []error
		for s := Deregister; s <= Flush; s++ {
			errs = append(errs, t.stage(ctx, s))
			if s == Deregister && t.opts.Settle > 0 {
				wait := time.NewTimer(t.opts.Settle)
				select {
				case <-wait.C:
				case <-ctx.Done():
					wait.Stop()
				}
			}
		}
		if err := errors.Join(errs...); err != nil {
			t.logger.Error("shutdown was not orderly", "error", err)
		}
		errs = append(errs, t.flushAll(ctx))
		t.endErr = errors.Join(errs...)
	})
	return t.endErr
}

func (t *Telemetry) isStopping() bool {
	select {
	case <-t.stopping:
		return true
	default:
		return false
	}
}

// stage runs its hooks. One that overstays ctx is left behind: a shutdown that
// waits for it would be killed before it could flush.
func (t *Telemetry) stage(ctx context.Context, s Stage) error {
	t.mu.Lock()
	hooks := t.hooks
	t.mu.Unlock()
	if s == Flush {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), t.opts.FlushTimeout)
		defer cancel()
	}
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for _, h := range hooks {
		if h.stage != s {
			continue
		}
		wg.Go(func() {
			if err := bounded(ctx, check{h.name, h.run}); err != nil {
				mu.Lock()
				errs = append(errs, &StageError{Stage: s, Hook: h.name, Err: err})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (t *Telemetry) flushAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.opts.FlushTimeout)
	defer cancel()
	var errs []error
	for _, f := range t.flush {
		if err := f(ctx); err != nil {
			errs = append(errs, fmt.Errorf("telemetry: flush: %w", err))
		}
	}
	return errors.Join(errs...)
}
