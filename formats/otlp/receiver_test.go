package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/otlp"
)

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func frame(flag byte, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(b))), b...)
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	var refuse atomic.Bool
	r := &otlp.Receiver{MaxBytes: 1 << 20, Each: func(res *otlp.Resource, s *otlp.Span) error {
		if refuse.Load() {
			return errors.New("full")
		}
		if res.Service() != "" && s.Name != "" {
			got.Add(1)
		}
		return nil
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	srv, err := r.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + srv.Addrs[0].String()
	var h2 http.Protocols
	h2.SetUnencryptedHTTP2(true)
	grpc := &http.Client{Transport: &http.Transport{Protocols: &h2}}
	plain := &http.Client{Transport: &http.Transport{}}
	defer grpc.CloseIdleConnections()
	defer plain.CloseIdleConnections()

	all := some(rand.New(rand.NewPCG(4, 1)))
	n := int64(count(all))
	message := otlp.AppendTraces(nil, all)
	text, err := otlp.AppendJSON(nil, all)
	if err != nil || n == 0 {
		t.Fatal(err, n)
	}
	const export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	for _, c := range []struct {
		name, path, kind, encoding string
		body                       []byte
		client                     *http.Client
		status                     int
		grpc                       string
		spans                      int64
		refuse                     bool
	}{
		{"protobuf", "/v1/traces", "application/x-protobuf", "", message, plain, 200, "", n, false},
		{"protobuf gzip", "/v1/traces", "application/x-protobuf", "gzip", zipped(message), plain, 200, "", n, false},
		{"json", "/v1/traces", "application/json; charset=utf-8", "", text, plain, 200, "", n, false},
		{"empty json", "/v1/traces", "application/json", "", []byte("{}"), plain, 200, "", 0, false},
		{"grpc", export, "application/grpc", "", frame(0, message), grpc, 200, "0", n, false},
		{"grpc gzip", export, "application/grpc+proto", "gzip", frame(1, zipped(message)), grpc, 200, "0", n, false},
		{"other path", "/v1/metrics", "application/x-protobuf", "", message, plain, 404, "", 0, false},
		{"other kind", "/v1/traces", "text/plain", "", message, plain, 415, "", 0, false},
		{"broken", "/v1/traces", "application/x-protobuf", "", message[:len(message)-3], plain, 400, "", 0, false},
		{"bomb", "/v1/traces", "application/x-protobuf", "gzip", zipped(make([]byte, 2<<20)), plain, 413, "", 0, false},
		{"grpc other method", "/x.Y/Z", "application/grpc", "", frame(0, message), grpc, 200, "12", 0, false},
		{"grpc broken", export, "application/grpc", "", frame(0, []byte{0x0b}), grpc, 200, "3", 0, false},
		{"grpc too large", export, "application/grpc", "", []byte{0, 0xff, 0, 0, 0}, grpc, 200, "8", 0, false},
		{"grpc bomb", export, "application/grpc", "gzip", frame(1, zipped(make([]byte, 2<<20))), grpc, 200, "8", 0, false},
		{"refused", "/v1/traces", "application/x-protobuf", "", message, plain, 503, "", 0, true},
		{"grpc refused", export, "application/grpc", "", frame(0, message), grpc, 200, "14", 0, true},
	} {
		refuse.Store(c.refuse)
		before := got.Load()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+c.path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.kind)
		if c.encoding != "" {
			req.Header.Set("Content-Encoding", c.encoding)
			req.Header.Set("Grpc-Encoding", c.encoding)
		}
		resp, err := c.client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || resp.Trailer.Get("Grpc-Status") != c.grpc || got.Load()-before != c.spans {
			t.Errorf("%s: status %d %q, grpc %q, %d spans; want %d, %q, %d", c.name, resp.StatusCode, body, resp.Trailer.Get("Grpc-Status"), got.Load()-before, c.status, c.grpc, c.spans)
		}
		if c.grpc == "0" && !bytes.Equal(body, make([]byte, 5)) {
			t.Errorf("%s: body %q", c.name, body)
		}
	}
	if err := srv.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestReceiverStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	r := &otlp.Receiver{Each: func(*otlp.Resource, *otlp.Span) error { return nil }}
	for _, a := range []string{"0.0.0.0:0", ":0", "[::]:0", "example.com:0"} {
		if s, err := r.Listen(context.Background(), a); !errors.Is(err, otlp.ErrNotLoopback) || !strings.Contains(err.Error(), a) {
			t.Errorf("%s: %v %v", a, s, err)
		}
	}
}
