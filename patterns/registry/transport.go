package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/patterns/balance"
)

// Picker chooses the instance that a call goes to. One serves one query and is
// called concurrently. [Balance] makes them from package balance.
type Picker interface {
	// Update hands over the instances whenever they have changed, before the
	// next Pick. They must not be modified.
	Update(instances []Instance)
	// Pick chooses one; done, when not nil, is called once with how the call
	// ended: nil is an answer, read to its end or closed; an error is none, or
	// one with a status of 500 and more (*BadStatusError). ok is false when there
	// is none to choose.
	Pick(ctx context.Context) (in Instance, done func(error), ok bool)
}

// TransportOptions of [NewTransport]; nil and the zero value are the default.
type TransportOptions struct {
	// Base sends the request to the instance; default: a clone of
	// http.DefaultTransport with 64 idle connections an instance.
	Base http.RoundTripper
	// Resolve says which hosts of URLs are services and what to ask for; others
	// are passed to Base as they are. Default: a host with neither dot nor port,
	// localhost excepted, is a service of that name.
	Resolve func(host string) (Query, bool)
	// Picker makes the picker of a query; default: [Balance] with its defaults,
	// two random choices by latency and calls under way.
	Picker func(Query) Picker
}

// Transport is an http.RoundTripper that sends http://payments/v1/charges to a
// passing instance of payments. The Host header stays "payments". With https
// the certificate is checked against the instance's address: give Base a
// tls.Config that knows who the service is, such as the one of auth.MutualTLS.
//
// It neither retries nor breaks circuits: package resilience goes around it.
type Transport struct {
	reg  *Registry
	opts TransportOptions
	own  *http.Transport // ours to close

	mu      sync.RWMutex
	targets map[string]*target // by host
	closed  bool
}

// target is a host that was resolved once and is followed since.
type target struct {
	query  Query
	watch  *Watch
	picker Picker

	mu      sync.Mutex
	version uint64 // of the feed that the picker knows
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport makes a Transport. Close it to end its watches.
func NewTransport(reg *Registry, opts *TransportOptions) *Transport {
	t := &Transport{reg: reg, targets: map[string]*target{}}
	if opts != nil {
		t.opts = *opts
	}
	if t.opts.Base == nil {
		t.own = http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one unless a program replaced it, and then it should say so
		t.own.MaxIdleConnsPerHost = 64
		t.opts.Base = t.own
	}
	if t.opts.Resolve == nil {
		t.opts.Resolve = plainName
	}
	if t.opts.Picker == nil {
		t.opts.Picker = func(Query) Picker { return newBalanced(balance.Config{}) }
	}
	return t
}

func plainName(host string) (Query, bool) {
	return Query{Service: host}, host != "localhost" && !strings.ContainsAny(host, ".:")
}

// RoundTrip sends a request. *NoInstanceError when there is nobody to send to.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	q, ok := t.opts.Resolve(req.URL.Host)
	if !ok {
		return t.opts.Base.RoundTrip(req)
	}
	to, done, err := t.pick(req.Context(), req.URL.Host, q)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper's duty on every path
		}
		return nil, err
	}
	out := req.WithContext(req.Context())
	url := *req.URL
	out.URL = &url
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	out.URL.Host = to.Address
	if to.Port != 0 {
		out.URL.Host = net.JoinHostPort(to.Address, strconv.Itoa(to.Port))
	}
	resp, err := t.opts.Base.RoundTrip(out)
	if err != nil || done == nil {
		if done != nil {
			done(err)
		}
		return resp, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		done(nil) // the body is a connection now, and must stay one to its reader
		return resp, nil
	}
	b := &body{ReadCloser: resp.Body, done: done}
	if resp.StatusCode >= http.StatusInternalServerError {
		b.bad = &BadStatusError{Status: resp.StatusCode}
	}
	resp.Body = b
	return resp, nil
}

// Prepare lets Base write into the headers of a request that is about to be
// made, as telemetry's transport does. Ours shares them with the request that it
// is given.
func (t *Transport) Prepare(ctx context.Context, h http.Header) context.Context {
	if p, ok := t.opts.Base.(interface {
		Prepare(ctx context.Context, h http.Header) context.Context
	}); ok {
		return p.Prepare(ctx, h)
	}
	return ctx
}

// BadStatusError tells a [Picker] that an instance answered with its own fault.
type BadStatusError struct{ Status int }

func (e *BadStatusError) Error() string { return "registry: status " + strconv.Itoa(e.Status) }

func (t *Transport) pick(ctx context.Context, host string, q Query) (Instance, func(error), error) {
	tg, err := t.target(host, q)
	if err != nil {
		return Instance{}, nil, err
	}
	if tg.watch.feed.state.Load().version == 0 {
		if err := tg.watch.ready(ctx); err != nil {
			return Instance{}, nil, &NoInstanceError{Query: q, Err: err}
		}
	}
	tg.refresh()
	in, done, ok := tg.picker.Pick(ctx)
	if !ok {
		_, trouble := tg.watch.Trouble()
		return Instance{}, nil, &NoInstanceError{Query: q, Err: trouble}
	}
	return in, done, nil
}

func (t *Transport) target(host string, q Query) (*target, error) {
	t.mu.RLock()
	tg, closed := t.targets[host], t.closed
	t.mu.RUnlock()
	if tg != nil && !closed {
		return tg, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, &Error{Op: "watch", Service: q.Service, Err: ErrClosed}
	}
	if tg := t.targets[host]; tg != nil {
		return tg, nil
	}
	w, err := t.reg.Watch(q)
	if err != nil {
		return nil, err
	}
	tg = &target{query: q, watch: w, picker: t.opts.Picker(q)}
	t.targets[host] = tg
	return tg, nil
}

// refresh tells the picker of instances it has not seen. Updates come in order.
func (tg *target) refresh() {
	s := tg.watch.feed.state.Load()
	tg.mu.Lock()
	defer tg.mu.Unlock()
	if s.version > tg.version {
		tg.version = s.version
		tg.picker.Update(tg.watch.filtered(s))
	}
}

// Close ends the watches and, when Base was not given, closes idle connections.
func (t *Transport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, tg := range t.targets {
		tg.watch.Close()
	}
	if t.own != nil {
		t.own.CloseIdleConnections()
	}
}

// body tells the picker when the answer has been read.
type body struct {
	io.ReadCloser
	done func(error)
	bad  error // of the status
	once sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.end(nil)
	} else if err != nil {
		b.end(err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}

func (b *body) end(err error) {
	b.once.Do(func() {
		if b.bad != nil {
			err = b.bad
		}
		b.done(err)
	})
}
