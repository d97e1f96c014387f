package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	"github.com/ashlar-dev/ashlar/design/discover/traces"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
)

// way is one way to read a message.
type way struct {
	name  string
	read  func(m []byte) error
	keeps bool // open traces, from one round to the next
	rates []float64
}

// Places in what ways returns.
const (
	collector = 2
	assembled = 4
)

// sink keeps what nothing reads from being left out by the compiler.
var sink struct {
	sum    [32]byte
	fields int
	copied []byte
}

func ways() (rows []*way, end func(), err error) {
	var all format.Reader
	var unmarshal ptrace.ProtoUnmarshaler
	nothing := func(*format.Resource, *format.Span) error { return nil }
	http1, close1, err := live(false)
	if err != nil {
		return nil, nil, err
	}
	http2, close2, err := live(true)
	if err != nil {
		close1()
		return nil, nil, err
	}
	rows = []*way{
		{name: "calibration: the bytes through SHA-256", read: func(m []byte) error { sink.sum = sha256.Sum256(m); return nil }},
		{name: "calibration: memcpy, and a bare walk over the fields", read: func(m []byte) error {
			sink.copied = append(sink.copied[:0], m...)
			sink.fields += walk(m, 4)
			return nil
		}},
		{name: "pdata: decode", read: func(m []byte) error { _, err := unmarshal.UnmarshalTraces(m); return err }},
		{name: "Ashlar: decode, every attribute", read: func(m []byte) error { return all.Traces(m, nothing) }},
		{name: "Ashlar: decode, assemble, aggregate", keeps: true, read: assemble()},
		{name: "Ashlar: the same, received over HTTP, its sender included", keeps: true, read: http1},
		{name: "Ashlar: the same, received over gRPC, its sender included", keeps: true, read: http2},
	}
	return rows, func() { close1(); close2() }, nil
}

func assemble() func(m []byte) error {
	var c otlp.Converter
	r, a := format.Reader{Want: c.Want}, traces.New(nil)
	each := func(res *format.Resource, s *format.Span) error { a.Add(c.Convert(res, s)); return nil }
	return func(m []byte) error { return r.Traces(m, each) }
}

// live sends messages to a receiver over loopback, one at a time, and returns
// when they were answered: as a collector's exporter would.
func live(grpc bool) (send func(m []byte) error, end func(), err error) {
	var c otlp.Converter
	a := traces.New(nil)
	r := &format.Receiver{Each: func(res *format.Resource, s *format.Span) error { a.Add(c.Convert(res, s)); return nil }}
	s, err := r.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	url, kind := "http://"+s.Addrs[0].String()+"/v1/traces", "application/x-protobuf"
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	if grpc {
		url, kind = "http://"+s.Addrs[0].String()+"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc"
		protocols.SetHTTP1(false)
		protocols.SetUnencryptedHTTP2(true)
	}
	transport := &http.Transport{Protocols: &protocols}
	var body []byte
	send = func(m []byte) error {
		body = body[:0]
		if grpc { // not compressed, then the length
			body = binary.BigEndian.AppendUint32(append(body, 0), uint32(len(m)))
		}
		body = append(body, m...)
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("TE", "trailers")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close() // it was read to its end
		if status := resp.Trailer.Get("Grpc-Status"); err == nil && (resp.StatusCode != http.StatusOK || grpc && status != "0") {
			err = fmt.Errorf("%s, gRPC status %q %s", resp.Status, status, resp.Trailer.Get("Grpc-Message"))
		}
		return err
	}
	return send, func() {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Close(ctx) // the figures are taken
	}, nil
}

// walk counts the fields of a message, and of those in it down to the fields of
// spans: the least that any reader of the wire format does.
func walk(b []byte, depth int) (fields int) {
	for i := 0; i < len(b); fields++ {
		tag, n := binary.Uvarint(b[i:])
		i += n
		switch tag & 7 {
		case 0:
			_, n := binary.Uvarint(b[i:])
			i += n
		case 1:
			i += 8
		case 2:
			l, n := binary.Uvarint(b[i:])
			i += n
			if depth > 1 && tag>>3 <= 2 { // resource spans, scope spans, spans
				fields += walk(b[i:i+int(l)], depth-1)
			}
			i += int(l)
		case 5:
			i += 4
		default:
			return fields
		}
	}
	return fields
}
