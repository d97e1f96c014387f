// Package kubereg is Kubernetes as a registry: it lists and watches
// EndpointSlices over the API server's HTTP interface, without client-go.
//
// A service is named SERVICE, SERVICE.NAMESPACE, either with :PORT, the port's
// name: "payments", "payments.shop:grpc". Without a port's name the first port
// of the slice counts. Instances pass when their endpoint is ready, which the
// pod's readiness probe decides; a terminating pod is not ready. An instance's
// ID is the pod's name, its zone the endpoint's, its meta "node" and
// "hostname".
//
// Pods are registered by Kubernetes itself, so this driver registers nobody.
//
// It needs the rights to list and watch endpointslices in discovery.k8s.io.
package kubereg

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// Where Kubernetes puts a pod's credentials.
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount/"

// Options of [New]; nil and the zero value mean: this pod's own cluster,
// account and namespace.
type Options struct {
	// Server is the API server's URL; default: from KUBERNETES_SERVICE_HOST and
	// KUBERNETES_SERVICE_PORT.
	Server string
	// Namespace of services that are named without one; default: the pod's,
	// else "default".
	Namespace string
	// Token is asked for the bearer token before every call; default: the
	// pod's token file, read again each time since Kubernetes rotates it.
	Token func() (string, error)
	// IPv6 prefers IPv6 addresses of dual-stack services; default IPv4. A
	// service with one family has its instances either way.
	IPv6 bool
	// Wait bounds one watch, after which it is resumed; default 5 min.
	Wait time.Duration
	// HTTP sends the calls, without a timeout of its own; default: one that
	// trusts the cluster's authority from the pod's ca.crt.
	HTTP *http.Client
}

// Registry speaks to one API server.
type Registry struct {
	opts Options
	http *http.Client
	own  *http.Transport

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	once sync.Once
}

var _ driver.Registry = (*Registry)(nil)

// New makes a driver. It reads the pod's files as far as the options leave them
// to it, and does not call the server.
func New(opts *Options) (*Registry, error) {
	r := &Registry{}
	if opts != nil {
		r.opts = *opts
	}
	if err := r.fill(); err != nil {
		return nil, err
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r, nil
}

func (r *Registry) fill() error {
	o := &r.opts
	var errs []error
	if o.Server == "" {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" {
			errs = append(errs, &driver.InvalidError{Field: "Options.Server", Fault: "is empty, and KUBERNETES_SERVICE_HOST is not set: this is no pod, so say where the API server is"})
		} else {
			o.Server = "https://" + net.JoinHostPort(host, port)
		}
		if o.Token == nil {
			o.Token = fileToken
		}
	} else if u, err := url.Parse(o.Server); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, &driver.InvalidError{Field: "Options.Server", Fault: fmt.Sprintf("%q is not a URL such as https://10.0.0.1:6443", o.Server)})
	}
	o.Server = strings.TrimSuffix(o.Server, "/")
	if o.Namespace == "" {
		o.Namespace = "default"
		if b, err := os.ReadFile(accountFolder + "namespace"); err == nil {
			o.Namespace = strings.TrimSpace(string(b))
		}
	}
	if o.Wait < 0 {
		errs = append(errs, &driver.InvalidError{Field: "Options.Wait", Fault: fmt.Sprintf("%s is negative", o.Wait)})
	} else if o.Wait == 0 {
		o.Wait = 5 * time.Minute
	}
	if r.http = o.HTTP; r.http == nil {
		r.own = &http.Transport{
			ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
			// A watch is silent for minutes: pings notice a server that is gone.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		}
		if ca, err := os.ReadFile(accountFolder + "ca.crt"); err == nil {
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(ca) {
				errs = append(errs, fmt.Errorf("registry: %sca.crt holds no certificate", accountFolder))
			}
			r.own.TLSClientConfig.RootCAs = pool
		}
		r.http = &http.Client{Transport: r.own}
	}
	return errors.Join(errs...)
}

func fileToken() (string, error) {
	b, err := os.ReadFile(accountFolder + "token")
	if err != nil {
		return "", fmt.Errorf("registry: the pod's token: %w; is automountServiceAccountToken off?", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Close ends all watchers.
func (r *Registry) Close() error {
	r.once.Do(func() {
		r.stop()
		if r.own != nil {
			r.own.CloseIdleConnections()
		}
	})
	return nil
}

// StatusError is an answer of the API server other than 200, or an ERROR event
// of a watch.
type StatusError struct {
	Code   int
	Reason string // "Expired", "Forbidden"
	Text   string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("kubernetes: %d %s: %s", e.Code, e.Reason, e.Text)
}

// Unwrap maps refused credentials to driver.ErrDenied.
func (e *StatusError) Unwrap() error {
	if e.Code == http.StatusForbidden || e.Code == http.StatusUnauthorized {
		return driver.ErrDenied
	}
	return nil
}

// gone reports that the version asked with is too old to watch from.
func gone(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Code == http.StatusGone
}

// get asks for slices; the caller closes the body.
func (r *Registry) get(ctx context.Context, namespace string, q url.Values) (io.ReadCloser, error) {
	u := r.opts.Server + "/apis/discovery.k8s.io/v1/namespaces/" + url.PathEscape(namespace) + "/endpointslices?" + q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if r.opts.Token != nil {
		token, err := r.opts.Token()
		if err != nil {
			return nil, err
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, readStatus(resp)
	}
	return resp.Body, nil
}
