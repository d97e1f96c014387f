package saga

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options of [Open]; nil and the zero value are the defaults.
type Options struct {
	// Node names this process among those that drive sagas of the journal;
	// default host:pid with the place and time of its start. No two that run at
	// once may share it.
	Node string
	// MaxRunning sagas at once; Start blocks while so many run; default 10,000.
	MaxRunning int
	// StuckAfter failed attempts in a row a saga is shown as stuck; default 5.
	StuckAfter int
	// LeaseTTL after which a silent process counts as dead; a third of it later
	// at most its sagas are taken over. Default 10 s.
	LeaseTTL time.Duration
	// KeepEnded is how many ended sagas List still shows; default 1000. Show
	// finds all whose records the journal keeps.
	KeepEnded int
	Metrics   Metrics      // nil: none
	Logger    *slog.Logger // default slog.Default()
}

// Validate joins all faults of the options.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	if o.MaxRunning < 0 || o.StuckAfter < 0 || o.KeepEnded < 0 || o.LeaseTTL < 0 {
		errs = append(errs, fmt.Errorf("saga.Options: MaxRunning %d, StuckAfter %d, KeepEnded %d, LeaseTTL %s; want 0 (the default) or more", o.MaxRunning, o.StuckAfter, o.KeepEnded, o.LeaseTTL))
	}
	if o.LeaseTTL > 0 && o.LeaseTTL < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("saga.Options.LeaseTTL is %s; want at least 100ms, or a busy process counts as dead", o.LeaseTTL))
	}
	if len(o.Node) > maxName {
		errs = append(errs, fmt.Errorf("saga.Options.Node has %d bytes, at most %d", len(o.Node), maxName))
	}
	return errors.Join(errs...)
}

func (o *Options) orDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Node == "" {
		d.Node = processName()
	}
	if d.MaxRunning == 0 {
		d.MaxRunning = 10_000
	}
	if d.StuckAfter == 0 {
		d.StuckAfter = 5
	}
	if d.LeaseTTL == 0 {
		d.LeaseTTL = 10 * time.Second
	}
	if d.KeepEnded == 0 {
		d.KeepEnded = 1000
	}
	if d.Metrics == nil {
		d.Metrics = noMetrics{}
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return d
}

// Metrics counts what happens. Its methods are called from many goroutines, on
// the way of the sagas: keep them short.
type Metrics interface {
	Started(definition string)
	// Ended with Completed or Compensated, this long after its start.
	Ended(definition string, state State, took time.Duration)
	// Attempt of a step: err is nil when it succeeded.
	Attempt(definition, step string, dir Direction, took time.Duration, err error)
	// Stuck: a step of a saga failed StuckAfter times in a row.
	Stuck(definition, step string, dir Direction)
}

type noMetrics struct{}

func (noMetrics) Started(string)                                          {}
func (noMetrics) Ended(string, State, time.Duration)                      {}
func (noMetrics) Attempt(string, string, Direction, time.Duration, error) {}
func (noMetrics) Stuck(string, string, Direction)                         {}
