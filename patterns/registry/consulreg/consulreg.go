// Package consulreg is the registry of a Consul agent, over its HTTP API with
// blocking queries; it needs none of Consul's own packages.
//
// Services are registered with the local agent, which runs their checks and
// tells the servers. Whoever watches asks the agent's health endpoint for
// passing instances only and is answered when they change. A service that was
// registered without an address has the address of its node.
//
// The zone of an instance is its meta "zone", else the meta "zone" of its node.
// A driver.Registration's Zone is written as that meta.
package consulreg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Limits of the agent that a registration is held to.
const (
	// MinDeregisterAfter is Consul's: it raises a shorter time silently.
	MinDeregisterAfter = time.Minute
	// MinInterval likewise.
	MinInterval = time.Second

	zoneMeta  = "zone"
	maxAnswer = 64 << 20
)

// Options of [New]; nil and the zero value are the default.
type Options struct {
	// Address of the agent: http://host:port or https://host:port; default
	// http://127.0.0.1:8500.
	Address string
	// Token is asked for the ACL token before every call; default: none is sent.
	// Where ACLs deny by default, Consul tells the anonymous that a service has
	// no instances instead of refusing: an empty list then means either.
	Token func() string
	// Datacenter, Namespace and Partition to look for services in; default: the
	// agent's. Namespaces and partitions are Consul Enterprise's.
	Datacenter, Namespace, Partition string
	// Consistent has the leader confirm every answer; default: any server
	// answers, also while there is no leader. Stale addresses are better than none.
	Consistent bool
	// Wait bounds one blocking query, after which it is asked again; default
	// 5 min, at most 10 min (Consul's own limit). Consul adds up to a sixteenth.
	Wait time.Duration
	// MinPause is the least time between two answers of one watch, so that a
	// service that flaps does not keep everyone busy; default 100 ms.
	MinPause time.Duration
	// HTTP sends the calls; it must have no timeout shorter than Wait. Default:
	// one of its own, without a proxy.
	HTTP *http.Client
}

// Validate joins all faults, each a *driver.InvalidError.
func (o *Options) Validate() error {
	var errs []error
	if o.Address != "" {
		if u, err := url.Parse(o.Address); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, &driver.InvalidError{Field: "Options.Address", Fault: fmt.Sprintf("%q is not a URL such as http://127.0.0.1:8500", o.Address)})
		}
	}
	if o.Wait < 0 || o.Wait > 10*time.Minute {
		errs = append(errs, &driver.InvalidError{Field: "Options.Wait", Fault: fmt.Sprintf("%s is not between 0 and 10 min", o.Wait)})
	}
	if o.MinPause < 0 {
		errs = append(errs, &driver.InvalidError{Field: "Options.MinPause", Fault: fmt.Sprintf("%s is negative", o.MinPause)})
	}
	return errors.Join(errs...)
}

// Registry speaks to one agent.
type Registry struct {
	opts Options
	base string
	http *http.Client
	own  *http.Transport

	closed chan struct{}
	once   sync.Once
}

var (
	_ driver.Registry  = (*Registry)(nil)
	_ driver.Registrar = (*Registry)(nil)
)

// New makes a driver for an agent. It does not call it: an agent that is away
// now may come back.
func New(opts *Options) (*Registry, error) {
	r := &Registry{closed: make(chan struct{})}
	if opts != nil {
		r.opts = *opts
	}
	if err := r.opts.Validate(); err != nil {
		return nil, err
	}
	if r.opts.Wait == 0 {
		r.opts.Wait = 5 * time.Minute
	}
	if r.opts.MinPause == 0 {
		r.opts.MinPause = 100 * time.Millisecond
	}
	r.base = strings.TrimSuffix(r.opts.Address, "/")
	if r.base == "" {
		r.base = "http://127.0.0.1:8500"
	}
	if r.http = r.opts.HTTP; r.http == nil {
		// A query waits for minutes; the dialer's keep-alive notices an agent that is gone.
		dial := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
		r.own = &http.Transport{DialContext: dial.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
		r.http = &http.Client{Transport: r.own}
	}
	return r, nil
}

// Close ends all watchers. What is registered stays: the agent holds it.
func (r *Registry) Close() error {
	r.once.Do(func() {
		close(r.closed)
		if r.own != nil {
			r.own.CloseIdleConnections()
		}
	})
	return nil
}

// APIError is an answer of the agent other than 200.
type APIError struct {
	Method, Path string
	Status       int
	Text         string // as the agent says it
}

func (e *APIError) Error() string {
	return fmt.Sprintf("consul: %s %s: %d: %s", e.Method, e.Path, e.Status, e.Text)
}

// Unwrap maps what the status says to the errors of the driver contract.
func (e *APIError) Unwrap() error {
	switch {
	case e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized:
		return driver.ErrDenied
	case e.Status == http.StatusNotFound:
		return driver.ErrUnknown
	}
	return nil
}

// call sends one request; out may be nil. The header is the answer's.
func (r *Registry) call(ctx context.Context, method, path string, q url.Values, in, out any) (http.Header, error) {
	select {
	case <-r.closed:
		return nil, driver.ErrClosed
	default:
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	u := r.base + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.opts.Token != nil {
		if t := r.opts.Token(); t != "" {
			req.Header.Set("X-Consul-Token", t)
		}
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("consul: %s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return resp.Header, &APIError{Method: method, Path: path, Status: resp.StatusCode, Text: strings.TrimSpace(string(b[:min(len(b), 512)]))}
	}
	if out == nil {
		return resp.Header, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return resp.Header, fmt.Errorf("consul: %s %s: the answer is not what Consul would say: %w", method, path, err)
	}
	return resp.Header, nil
}

// scope adds where services are looked for.
func (r *Registry) scope(q url.Values) url.Values {
	for k, v := range map[string]string{"dc": r.opts.Datacenter, "ns": r.opts.Namespace, "partition": r.opts.Partition} {
		if v != "" {
			q.Set(k, v)
		}
	}
	return q
}
