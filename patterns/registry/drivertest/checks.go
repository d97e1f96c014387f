package drivertest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

func ttl(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "ttl", TTL: time.Minute}}})
	w := b.watch(b.reg)
	b.ids(w) // not passing before its first beat
	b.beat(b.id("a"), "ttl", driver.Passing)
	b.ids(w, b.id("a"))
	b.beat(b.id("a"), "ttl", driver.Critical)
	b.ids(w)
	b.beat(b.id("a"), "ttl", driver.Passing)
	b.ids(w, b.id("a"))
}

func ttlRunsOut(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "ttl", TTL: time.Second}}})
	b.beat(b.id("a"), "ttl", driver.Passing)
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	b.ids(w)
	b.beat(b.id("a"), "ttl", driver.Passing)
	b.ids(w, b.id("a"))
}

func warning(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "ttl", TTL: time.Minute}}})
	b.beat(b.id("a"), "ttl", driver.Passing)
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	b.beat(b.id("a"), "ttl", driver.Warning)
	b.ids(w)
}

func unknownBeat(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "ttl", TTL: time.Minute}}})
	for _, c := range [][2]string{{b.id("nobody"), "ttl"}, {b.id("a"), "other"}} {
		if err := b.registrar().Beat(b.Context(), c[0], c[1], driver.Passing, ""); !errors.Is(err, driver.ErrUnknown) {
			b.Errorf("%v: %v, want ErrUnknown", c, err)
		}
	}
}

// flip registers an instance with one check and turns what it looks at on, off
// and on again.
func (b *bundle) flip(c driver.Check, turn func(on bool)) {
	b.Helper()
	c.Interval, c.Timeout = b.h.Interval, b.h.Interval
	turn(true)
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{c}})
	w := b.watch(b.reg)
	b.ids(w, b.id("a"))
	turn(false)
	b.ids(w)
	turn(true)
	b.ids(w, b.id("a"))
}

func httpCheck(b *bundle) {
	var on atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !on.Load() || r.Method != http.MethodHead || r.Header.Get("X-Suite") != "yes" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	b.Cleanup(srv.Close)
	b.flip(driver.Check{Name: "http", HTTP: srv.URL + "/ready", Method: http.MethodHead, Header: map[string][]string{"X-Suite": {"yes"}}}, on.Store)
}

func tcpCheck(b *bundle) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed below
	if err != nil {
		b.Fatal(err)
	}
	addr := ln.Addr().String()
	b.Cleanup(func() { _ = ln.Close() })
	b.flip(driver.Check{Name: "tcp", TCP: addr}, func(on bool) {
		_ = ln.Close()
		if on {
			if ln, err = net.Listen("tcp", addr); err != nil { //nolint:noctx // as above
				b.Fatal(err)
			}
		}
	})
}

// grpcCheck answers grpc.health.v1 by hand: the suite shall not need a gRPC
// library either. SERVING is 1, NOT_SERVING 2.
func grpcCheck(b *bundle) {
	var on atomic.Bool
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		if r.URL.Path != "/grpc.health.v1.Health/Check" || !strings.HasSuffix(string(body), "payments") {
			w.Header().Set("Grpc-Status", "12")
			return
		}
		msg := []byte{1 << 3, 2}
		if on.Load() {
			msg[1] = 1
		}
		frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))) //nolint:gosec // two bytes
		_, _ = w.Write(append(frame, msg...))
		w.Header().Set("Grpc-Status", "0")
	}))
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Start()
	b.Cleanup(srv.Close)
	b.flip(driver.Check{Name: "grpc", GRPC: srv.Listener.Addr().String() + "/payments"}, on.Store)
}

func allChecks(b *bundle) {
	b.register(driver.Registration{Instance: b.instance("a"), Checks: []driver.Check{{Name: "one", TTL: time.Minute}, {Name: "two", TTL: time.Minute}}})
	w := b.watch(b.reg)
	b.ids(w)
	b.beat(b.id("a"), "one", driver.Passing)
	b.silent(w)
	b.beat(b.id("a"), "two", driver.Passing)
	b.ids(w, b.id("a"))
	b.beat(b.id("a"), "one", driver.Critical)
	b.ids(w)
}
