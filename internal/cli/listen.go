package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
)

// live receives traces from running services before the files are read.
type live struct {
	addrs   []string
	anyAddr bool
	during  time.Duration
}

func (l *live) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&l.addrs, "listen", nil, "receive traces (OTLP, gRPC and HTTP) on this `ADDRESS`, such as 127.0.0.1:4317 or 4318, until interrupted; may be repeated")
	c.Flags().DurationVar(&l.during, "for", 0, "with --listen: stop after this `TIME`, such as 10m")
	c.Flags().BoolVar(&l.anyAddr, "any-address", false, "with --listen: also addresses that other machines can reach")
}

// closing bounds the wait for requests that are under way when it stops.
const closing = 5 * time.Second

// receive listens until the run is interrupted or its time is over, and adds what
// the spans amount to to the views of the run. The interruption ends the listening
// and not the run, which goes on under a context of its own.
func (l *live) receive(a *app, in *input) error {
	if len(l.addrs) == 0 {
		if l.during > 0 || l.anyAddr {
			return errors.New("--for and --any-address go with --listen")
		}
		return nil
	}
	got := &received{agg: traces.New(nil), services: map[string]bool{}}
	r := &format.Receiver{Each: got.span, AnyAddress: l.anyAddr}
	var addrs []string
	for _, x := range l.addrs {
		if _, err := strconv.ParseUint(x, 10, 16); err == nil {
			x = "127.0.0.1:" + x
		}
		addrs = append(addrs, x)
	}
	s, err := r.Listen(a.ctx, addrs...)
	if errors.Is(err, format.ErrNotLoopback) {
		return fmt.Errorf("--listen %s: other machines can reach that address; use 127.0.0.1, or add --any-address", strings.Join(l.addrs, ", "))
	}
	if err != nil {
		return &exit{ExitEnvironment, err}
	}
	var at []string
	for _, x := range s.Addrs {
		at = append(at, x.String())
	}
	until := "interrupt it (Ctrl-C) to see what they show"
	if l.during > 0 {
		until = fmt.Sprintf("for %v, or until interrupted (Ctrl-C)", l.during)
	}
	_, _ = fmt.Fprintf(a.stderr, "receiving traces on %s, %s\n", strings.Join(at, ", "), until)
	l.wait(a, in, got)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), closing)
	defer cancel()
	err = s.Close(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // senders that keep their connection open are no fault
	}
	if err != nil {
		return &exit{ExitEnvironment, err}
	}
	a.ctx = context.WithoutCancel(a.ctx)
	view, err := got.system()
	if err != nil {
		return err
	}
	if len(view.Services) == 0 {
		_, _ = fmt.Fprintln(a.stderr, "no spans came; set OTEL_EXPORTER_OTLP_ENDPOINT of the services to http://"+at[0])
	}
	in.views = append(in.views, view)
	return nil
}

// wait returns when the run is interrupted or its time is over.
func (l *live) wait(a *app, in *input, got *received) {
	ctx := a.ctx
	if l.during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.during)
		defer cancel()
	}
	f, ok := a.stderr.(*os.File)
	if !ok || in.quiet || !terminal(f) {
		<-ctx.Done()
		_, _ = fmt.Fprintln(a.stderr, got)
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			_, _ = fmt.Fprintf(f, "\r%v\x1b[K\n", got)
			return
		case <-tick.C:
			_, _ = fmt.Fprintf(f, "\r%v\x1b[K", got)
		}
	}
}

// received is what came so far.
type received struct {
	mu       sync.Mutex
	agg      *traces.Aggregate
	convert  otlp.Converter
	spans    int
	services map[string]bool // by name, at most manyServices
}

const manyServices = 10_000

func (r *received) span(res *format.Resource, s *format.Span) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans++
	if name := res.Service(); !r.services[name] && len(r.services) < manyServices {
		r.services[strings.Clone(name)] = true
	}
	r.agg.Add(r.convert.Convert(res, s))
	return nil
}

func (r *received) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%s of %s", count(r.spans, "span"), count(len(r.services), "service"))
}

// system is what all spans amount to; open traces are closed.
func (r *received) system() (arch.System, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.agg.Flush()
	return r.agg.System(traces.Witness{By: "otlp"})
}
