// Package probe runs the checks of a registration once: HTTP, TCP and gRPC.
// Drivers whose registry does not probe by itself use it, with the outcome that
// Consul's agent would give.
//
// The gRPC health question is asked over net/http's HTTP/2, so that whoever
// registers with a file needs no gRPC library.
package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// maxNote bounds what of an answer's body is kept and shown, in bytes.
const maxNote = 4 << 10

// Run runs a check that probes, bounded by its timeout, and says in words what
// it saw. A TTL check is nothing that could be run: it is Critical.
func Run(ctx context.Context, c driver.Check) (driver.Status, string) {
	c = c.WithDefaults()
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	switch {
	case c.HTTP != "":
		return runHTTP(ctx, c)
	case c.TCP != "":
		return runTCP(ctx, c)
	case c.GRPC != "":
		return runGRPC(ctx, c)
	}
	return driver.Critical, "a TTL check waits to be told"
}

func runTCP(ctx context.Context, c driver.Check) (driver.Status, string) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.TCP)
	if err != nil {
		return driver.Critical, err.Error()
	}
	_ = conn.Close()
	return driver.Passing, "TCP connect " + c.TCP + ": success"
}

// transport opens one connection for one run: a connection that was fine a
// while ago says nothing about the server now.
func transport(c driver.Check) *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: c.SkipVerify}, //nolint:gosec // asked for by the check
	}
}

func runHTTP(ctx context.Context, c driver.Check) (driver.Status, string) {
	req, err := http.NewRequestWithContext(ctx, c.Method, c.HTTP, nil)
	if err != nil {
		return driver.Critical, err.Error()
	}
	for k, vs := range c.Header {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	if h := req.Header.Get("Host"); h != "" {
		req.Host = h
	}
	t := transport(c)
	defer t.CloseIdleConnections()
	resp, err := (&http.Client{Transport: t}).Do(req) // follows redirects, as Consul does
	if err != nil {
		return driver.Critical, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxNote)) // the status has the say
	note := fmt.Sprintf("HTTP %s %s: %s Output: %s", c.Method, c.HTTP, resp.Status, bytes.ToValidUTF8(body, []byte("?")))
	switch {
	case resp.StatusCode/100 == 2:
		return driver.Passing, note
	case resp.StatusCode == http.StatusTooManyRequests:
		return driver.Warning, note
	}
	return driver.Critical, note
}

func runGRPC(ctx context.Context, c driver.Check) (driver.Status, string) {
	addr, service, _ := strings.Cut(c.GRPC, "/")
	t := transport(c)
	t.Protocols = new(http.Protocols)
	scheme := "http://"
	if c.TLS {
		scheme = "https://"
		t.Protocols.SetHTTP2(true)
	} else {
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+addr+"/grpc.health.v1.Health/Check", bytes.NewReader(healthRequest(service)))
	if err != nil {
		return driver.Critical, err.Error()
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return driver.Critical, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxNote))
	if err != nil {
		return driver.Critical, err.Error()
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // an answer of trailers only
	}
	if resp.StatusCode != http.StatusOK || status != "0" {
		return driver.Critical, fmt.Sprintf("gRPC health of %s: HTTP %d, gRPC status %s %s%s", c.GRPC, resp.StatusCode, status, resp.Trailer.Get("Grpc-Message"), resp.Header.Get("Grpc-Message"))
	}
	n, err := serving(body)
	if err != nil {
		return driver.Critical, fmt.Sprintf("gRPC health of %s: %v", c.GRPC, err)
	}
	if n != 1 {
		return driver.Critical, fmt.Sprintf("gRPC health of %s: status %d, want 1 (SERVING)", c.GRPC, n)
	}
	return driver.Passing, "gRPC health of " + c.GRPC + ": SERVING"
}

// healthRequest frames HealthCheckRequest{service = 1}.
func healthRequest(service string) []byte {
	var msg []byte
	if service != "" {
		msg = binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service)))
		msg = append(msg, service...)
	}
	frame := make([]byte, 5, 5+len(msg))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(msg))) //nolint:gosec // a service's name is short
	return append(frame, msg...)
}

// serving reads field 1, a varint, of HealthCheckResponse from its frame.
func serving(frame []byte) (uint64, error) {
	if len(frame) < 5 || frame[0] != 0 {
		return 0, fmt.Errorf("answer of %d bytes is no plain gRPC message", len(frame))
	}
	msg := frame[5:]
	if n := binary.BigEndian.Uint32(frame[1:]); uint64(n) != uint64(len(msg)) {
		return 0, fmt.Errorf("message says %d bytes and has %d", n, len(msg))
	}
	var status uint64 // absent: 0, UNKNOWN
	for len(msg) > 0 {
		key, k := binary.Uvarint(msg)
		if k <= 0 {
			return 0, errMalformed
		}
		v, n := binary.Uvarint(msg[k:])
		if n <= 0 {
			return 0, errMalformed
		}
		msg = msg[k+n:]
		switch key & 7 {
		case 0:
			if key>>3 == 1 {
				status = v
			}
		case 2: // a field that a later version added
			if v > uint64(len(msg)) {
				return 0, errMalformed
			}
			msg = msg[v:]
		default:
			return 0, errMalformed
		}
	}
	return status, nil
}

var errMalformed = fmt.Errorf("malformed HealthCheckResponse")
