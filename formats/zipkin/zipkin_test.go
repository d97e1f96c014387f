package zipkin_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
	"github.com/ashlar-dev/ashlar/formats/zipkin"
)

type result struct {
	spans  []zipkin.Span
	traces [][]zipkin.Span
	faults []string
}

func read(s string) (r result, err error) {
	err = zipkin.Read(strings.NewReader(s), nil, zipkin.Handler{
		Span: func(s *zipkin.Span) error { r.spans = append(r.spans, *s); return nil },
		Trace: func(ss []zipkin.Span) error {
			r.traces = append(r.traces, append([]zipkin.Span(nil), ss...))
			return nil
		},
		Fault: func(f *jsonstream.Fault) { r.faults = append(r.faults, f.Error()) },
	})
	return r, err
}

func sample() []zipkin.Span {
	return []zipkin.Span{
		{TraceID: "5982fe77008310cc80f1da5e10147517", ID: "90394f6bcffb5d13", Kind: "SERVER", Name: "get /", Timestamp: 5, Duration: 9, Shared: true, Debug: true,
			LocalEndpoint: zipkin.Endpoint{ServiceName: "front", IPv4: "10.0.0.1", IPv6: "::1", Port: 80}, Tags: map[string]string{"http.path": "/", "error": "no\n"}},
		{TraceID: "5982fe77008310cc80f1da5e10147517", ID: "1", ParentID: "90394f6bcffb5d13", Kind: "CLIENT", RemoteEndpoint: zipkin.Endpoint{ServiceName: "db"},
			Annotations: []zipkin.Annotation{{Timestamp: 6, Value: "ws"}}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b, err := zipkin.Append(nil, sample())
	if err != nil {
		t.Fatal(err)
	}
	r, err := read(string(b))
	if err != nil || !reflect.DeepEqual(r.spans, sample()) {
		t.Errorf("%v\n got %+v\nwant %+v", err, r.spans, sample())
	}
	r, err = read("[" + string(b) + "," + string(b) + "]")
	if err != nil || len(r.traces) != 2 || !reflect.DeepEqual(r.traces[1], sample()) {
		t.Errorf("list of lists: %v %+v", err, r)
	}
	r, err = read(string(bytes.TrimSuffix(bytes.TrimPrefix(bytes.ReplaceAll(b, []byte("},{\"traceId"), []byte("}\n{\"traceId")), []byte("[")), []byte("]"))))
	if err != nil || len(r.spans) != 2 {
		t.Errorf("lines: %v %+v", err, r)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	r, err := read(`[{"id":"1"},5,{"traceId":"1","id":"2","duration":-4},[[]],{"traceId":"1","id":"3","tags":{"a":1,"b":true,"c":null,"d":[]},"localEndpoint":null}]`)
	if err != nil || len(r.faults) != 4 || len(r.spans) != 1 || !reflect.DeepEqual(r.spans[0].Tags, map[string]string{"a": "1", "b": "true", "c": "", "d": ""}) {
		t.Errorf("%v %+v", err, r)
	}
	for _, in := range []string{"", "5", `"x"`} {
		if _, err := read(in); !errors.Is(err, zipkin.ErrNoSpans) {
			t.Errorf("%q: %v", in, err)
		}
	}
	var f *jsonstream.Fault
	if _, err := read(`[{"traceId":"1"`); !errors.As(err, &f) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	b, _ := zipkin.Append(nil, sample())
	f.Add(string(b))
	f.Add("[" + string(b) + "]")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := read(s)
		if err != nil {
			return
		}
		b, err := zipkin.Append(nil, r.spans)
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(string(b))
		if err != nil || len(again.spans) != len(r.spans) {
			t.Fatalf("%v: %d spans, want %d", err, len(again.spans), len(r.spans))
		}
	})
}
