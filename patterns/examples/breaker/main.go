// Command breaker shows a breaker at work: calls go to an upstream that answers,
// then hangs, then answers again, and the target's metrics scroll by while the
// breaker opens long before the calls time out, probes, and closes.
//
//	go run ./examples/breaker
//	go run ./examples/breaker -admin    offers the "breakers" section too
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

func main() {
	open := flag.Bool("admin", false, "open the admin handler on loopback, with the section breakers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := show(ctx, os.Stdout, *open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The upstream's day, from its start.
const (
	stallsAt   = 3 * time.Second
	recoversAt = 8 * time.Second
	endsAt     = 14 * time.Second
	everyCall  = 10 * time.Millisecond
	everyLine  = 500 * time.Millisecond
)

var breaker = policy.BreakerConfig{SlowAfter: 250 * time.Millisecond, OpenFor: time.Second, OpenMax: 2 * time.Second, Jitter: -1}

func show(ctx context.Context, w io.Writer, open bool) error {
	out := &lines{w: w}
	start := time.Now()
	upstream, err := resilience.New("inventory", resilience.Config{
		Timeout:  &policy.TimeoutConfig{Try: 5 * time.Second},
		Breaker:  &breaker,
		Bulkhead: &policy.BulkheadConfig{Limit: 100},
	}, &resilience.Options{
		Logger: slog.New(slog.DiscardHandler),
		OnEvent: func(e resilience.Event) {
			if e.Kind == resilience.Changed {
				out.printf("%6.2fs  >>> breaker %s -> %s (%s)\n", e.At.Sub(start).Seconds(), e.Change.From, e.Change.To, e.Change.Cause)
			}
		},
	})
	if err != nil {
		return err
	}
	if open {
		var set resilience.Set
		set.Add(upstream)
		srv, err := admin.Listen("breaker-example", nil, set.Section())
		if err != nil {
			return err
		}
		defer func() { _ = srv.Close(context.Background()) }()
		out.printf("admin handler at %s\n", srv.Note.URL)
	}
	ctx, cancel := context.WithTimeout(ctx, endsAt)
	defer cancel()
	callee := func(ctx context.Context) (string, error) {
		if age := time.Since(start); age > stallsAt && age < recoversAt {
			<-ctx.Done() // hangs: no error, no answer
			return "", ctx.Err()
		}
		time.Sleep(5 * time.Millisecond)
		return "42 in stock", nil
	}
	out.printf("   time  state      calls ok  refused  timed out  under way  overdue\n")
	var refused atomic.Uint64
	var wg sync.WaitGroup
	calls, report := time.NewTicker(everyCall), time.NewTicker(everyLine)
	defer calls.Stop()
	defer report.Stop()
	for {
		select {
		case <-calls.C:
			wg.Go(func() {
				_, err := resilience.Do(ctx, upstream, resilience.Op{Name: "stock", Idempotent: true}, callee)
				if errors.Is(err, resilience.ErrOpen) {
					refused.Add(1) // a caller would use its fallback here
				}
			})
		case <-report.C:
			s := upstream.Snapshot()
			out.printf("%6.2fs  %-9s  %8d  %7d  %9d  %9d  %7d\n", time.Since(start).Seconds(), s.State,
				s.Successes, refused.Load(), s.Timeouts, s.Bulkhead.InFlight, s.Breaker.Overdue)
		case <-ctx.Done():
			wg.Wait()
			return nil
		}
	}
}

// lines keeps lines of several goroutines whole.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
}
