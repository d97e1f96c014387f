package jaeger_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
	"github.com/ashlar-dev/ashlar/formats/jaeger"
)

func read(s string, l *jaeger.Limits) (out []*jaeger.Trace, err error) {
	for t, e := range jaeger.Traces(strings.NewReader(s), l) {
		if e != nil {
			return out, e
		}
		out = append(out, t)
	}
	return out, nil
}

func sample() *jaeger.Trace {
	return &jaeger.Trace{ID: "1a", Warnings: []string{"slow"}, Processes: map[string]jaeger.Process{"p1": {Service: "a", Tags: []jaeger.Tag{{"ip", "string", "10.0.0.1"}}}},
		Spans: []jaeger.Span{
			{TraceID: "1a", SpanID: "1", Operation: "GET", Start: 5, Duration: 7, ProcessID: "p1", Flags: 1,
				Tags: []jaeger.Tag{{"error", "bool", "true"}, {"n", "int64", "-3"}, {"f", "float64", "0.25"}, {"s", "string", "x\"y"}},
				Logs: []jaeger.Log{{Timestamp: 6, Fields: []jaeger.Tag{{"event", "string", "e"}}}}},
			{TraceID: "1a", SpanID: "2", Operation: "find", Start: 6, Duration: 1, ProcessID: "p1", Warnings: []string{"w"},
				References: []jaeger.Reference{{jaeger.FollowsFrom, "1a", "9"}, {jaeger.ChildOf, "1a", "1"}}, Process: &jaeger.Process{Service: "b"}},
		}}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	want := []*jaeger.Trace{sample(), {ID: "2b", Spans: []jaeger.Span{{TraceID: "2b", SpanID: "1"}}}}
	if err := jaeger.Write(&b, slices.Values(want)); err != nil {
		t.Fatal(err)
	}
	got, err := read(b.String(), nil)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got[0], want[0])
	}
	if p := got[0].Spans[1].Parent(); p != "1" {
		t.Errorf("parent %q", p)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	span := `{"traceID":"a","spanID":"1","operationName":"x","startTime":1,"duration":1,"parentSpanID":"7"}`
	trace := `{"spans":[` + span + `],"traceID":"a","processes":null}`
	for in, n := range map[string]int{
		`{"data":[` + trace + `,` + trace + `],"total":2,"errors":null}`: 2,
		`[` + trace + `]`:    1,
		trace + "\n" + trace: 2,
		`{"data":[]}`:        0,
		`{"data":null,"errors":[{"code":404}]}{"data":[` + trace + `]}`: 1,
	} {
		got, err := read(in, nil)
		if err != nil || len(got) != n {
			t.Errorf("%s: %d traces, %v", in, len(got), err)
		}
		if n > 0 && (got[0].ID != "a" || len(got[0].Spans) != 1 || got[0].Spans[0].Parent() != "7") {
			t.Errorf("%s: %+v", in, got[0])
		}
	}
	for _, in := range []string{`{"a":1}`, `[]`, `5`, ``} {
		if _, err := read(in, nil); !errors.Is(err, jaeger.ErrNoTraces) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	in := `{"traceID":"a","spans":[{"operationName":"no ID"},5,{"spanID":"2","duration":-1},{"spanID":"3","tags":[1,{"key":"k","value":{"x":[]}}]}]}`
	got, err := read(in, nil)
	if err != nil || len(got) != 1 || len(got[0].Spans) != 1 || len(got[0].Faults) != 3 {
		t.Fatalf("%v %+v", err, got)
	}
	if f := got[0].Faults[0]; f.Offset != int64(strings.Index(in, `{"operationName"`)) || !strings.Contains(f.What, "without spanID") {
		t.Errorf("%+v", f)
	}
	got, err = read(in+`{"traceID":`, nil)
	var f *jsonstream.Fault
	if !errors.As(err, &f) || f.Offset != int64(len(in)+11) || len(got) != 1 {
		t.Errorf("%v %+v", err, got)
	}
	many := `{"traceID":"a","spans":[` + strings.Repeat(`{"spanID":"1"},`, 5) + `{"spanID":"1","tags":[` + strings.Repeat(`{"key":"k"},`, 9) + `{"key":"k"}]}]}`
	got, err = read(many, &jaeger.Limits{Spans: 2, Tags: 3})
	if err != nil || len(got[0].Spans) != 2 || len(got[0].Faults) != 4 {
		t.Errorf("%v %+v", err, got)
	}
	got, _ = read(many, &jaeger.Limits{Tags: 3})
	if n := len(got[0].Spans[5].Tags); n != 3 {
		t.Errorf("%d tags", n)
	}
}

// Copies of ancestors inside references cost no memory, however deep they nest.
func TestEmbeddedAncestorsAreSkipped(t *testing.T) {
	copied := `{"traceID":"a","spanID":"1","references":[]}`
	for range 300 {
		copied = `{"traceID":"a","spanID":"1","references":[{"refType":"CHILD_OF","traceID":"a","spanID":"1","span":` + copied + `}]}`
	}
	const spans = 2000
	in := `{"data":[{"traceID":"a","spans":[` + strings.Repeat(copied+",", spans-1) + copied + `]}]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := read(in, nil)
	runtime.ReadMemStats(&after)
	if err != nil || len(got) != 1 || len(got[0].Spans) != spans {
		t.Fatal(err, len(got))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 3<<20 {
		t.Errorf("%d bytes for %d spans of %d bytes each", used, spans, len(copied))
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("ASHLAR_CORPUS")
	if dir == "" {
		t.Skip("ASHLAR_CORPUS is unset: it names the folder with the public systems that are measured with")
	}
	f, err := os.Open(filepath.Join(dir, "traces", "deathstarbench-social-network-jaeger.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	traces, spans := 0, 0
	for tr, err := range jaeger.Traces(f, nil) {
		if err != nil {
			t.Fatal(err)
		}
		traces++
		spans += len(tr.Spans)
		if len(tr.Faults) > 0 || len(tr.Processes) != 12 {
			t.Errorf("%v, %d processes", tr.Faults, len(tr.Processes))
		}
	}
	if traces != 20 || spans != 660 {
		t.Errorf("%d traces, %d spans; want 20, 660", traces, spans)
	}
}

func FuzzTraces(f *testing.F) {
	var b bytes.Buffer
	_ = jaeger.Write(&b, slices.Values([]*jaeger.Trace{sample()}))
	f.Add(b.String())
	f.Add(`{"data":[{"traceID":"a","spans":[{"spanID":"1","references":[{"span":{}}]}]}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := read(s, nil)
		if err != nil {
			return
		}
		for _, tr := range got {
			tr.Faults = nil
		}
		var b bytes.Buffer
		if err := jaeger.Write(&b, slices.Values(got)); err != nil {
			t.Fatal(err)
		}
		again, err := read(b.String(), nil)
		if err != nil || len(again) != len(got) {
			t.Fatalf("%v: %d traces, want %d", err, len(again), len(got))
		}
	})
}
