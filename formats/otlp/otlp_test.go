package otlp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/otlp"
)

// some makes resources with spans of every kind of content.
func some(rng *rand.Rand) []otlp.ResourceSpans {
	values := func() otlp.Value {
		switch rng.IntN(8) {
		case 0:
			return otlp.IntValue(int64(rng.Uint64()))
		case 1:
			return otlp.DoubleValue(rng.NormFloat64())
		case 2:
			return otlp.BoolValue(rng.IntN(2) == 0)
		case 3:
			return otlp.Value{Type: otlp.Bytes, Str: string([]byte{0, 255, 7})}
		case 4: // ["a", 5]
			return otlp.Value{Type: otlp.Array, Str: "\x0a\x03\x0a\x01a\x0a\x02\x18\x05"}
		case 5: // {"k": true}
			return otlp.Value{Type: otlp.Map, Str: "\x0a\x07\x0a\x01k\x12\x02\x10\x01"}
		case 6:
			return otlp.StringValue(strings.Repeat("größe ", rng.IntN(60)))
		}
		return otlp.StringValue(fmt.Sprint("v", rng.IntN(1000)))
	}
	attrs := func(n int) (kvs []otlp.KeyValue) {
		for i := range n {
			kvs = append(kvs, otlp.KeyValue{Key: fmt.Sprintf("key.%d", i), Value: values()})
		}
		return kvs
	}
	var all []otlp.ResourceSpans
	for r := range 1 + rng.IntN(3) {
		rs := otlp.ResourceSpans{Resource: otlp.Resource{Attributes: append(attrs(rng.IntN(3)), otlp.KeyValue{Key: "service.name", Value: otlp.StringValue(fmt.Sprint("svc", r))})}}
		for range rng.IntN(4) {
			s := otlp.Span{Name: fmt.Sprint("op ", rng.IntN(100)), Kind: otlp.Kind(rng.IntN(6)), Start: rng.Uint64() >> 1, End: rng.Uint64() >> 1,
				Attributes: attrs(rng.IntN(14)), Status: uint8(rng.IntN(3)), Flags: rng.Uint32() & 0x3ff}
			binary.LittleEndian.PutUint64(s.TraceID[:], rng.Uint64())
			binary.LittleEndian.PutUint64(s.SpanID[:], rng.Uint64())
			if rng.IntN(2) == 0 {
				binary.LittleEndian.PutUint64(s.ParentID[:], rng.Uint64())
				s.State, s.Message = "ot=th:8", "it broke"
			}
			rs.Spans = append(rs.Spans, s)
		}
		all = append(all, rs)
	}
	return all
}

// gather copies what a reader shows; resources without spans do not show.
func gather(read func(otlp.Each) error) ([]otlp.ResourceSpans, error) {
	var all []otlp.ResourceSpans
	clone := func(kvs []otlp.KeyValue) (out []otlp.KeyValue) {
		for _, kv := range kvs {
			kv.Key, kv.Value.Str = strings.Clone(kv.Key), strings.Clone(kv.Value.Str)
			out = append(out, kv)
		}
		return out
	}
	err := read(func(r *otlp.Resource, s *otlp.Span) error {
		c := *s
		c.Name, c.State, c.Message, c.Attributes = strings.Clone(s.Name), strings.Clone(s.State), strings.Clone(s.Message), clone(s.Attributes)
		res := clone(r.Attributes)
		if n := len(all); n > 0 && reflect.DeepEqual(all[n-1].Resource.Attributes, res) {
			all[n-1].Spans = append(all[n-1].Spans, c)
			return nil
		}
		all = append(all, otlp.ResourceSpans{Resource: otlp.Resource{Attributes: res}, Spans: []otlp.Span{c}})
		return nil
	})
	return all, err
}

func withSpans(all []otlp.ResourceSpans) (out []otlp.ResourceSpans) {
	for _, rs := range all {
		if len(rs.Spans) > 0 {
			out = append(out, rs)
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		all := some(rand.New(rand.NewPCG(seed, 1)))
		want := withSpans(all)
		message := otlp.AppendTraces(nil, all)
		check := func(form string, got []otlp.ResourceSpans, err error) {
			t.Helper()
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, %s: %v\n got %+v\nwant %+v", seed, form, err, got, want)
			}
		}
		var r otlp.Reader
		got, err := gather(func(e otlp.Each) error { return r.Traces(message, e) })
		check("message", got, err)
		frames := map[string][]byte{
			"plain stream":    message,
			"behind 4 bytes":  append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...),
			"behind a varint": append(binary.AppendUvarint(nil, uint64(len(message))), message...),
		}
		for form, b := range frames {
			got, err = gather(func(e otlp.Each) error { return new(otlp.Reader).Protobuf(bytes.NewReader(b), e) })
			check(form, got, err)
		}
		text, err := otlp.AppendJSON(nil, all)
		if err != nil {
			t.Fatal(err)
		}
		got, err = gather(func(e otlp.Each) error { return otlp.JSON(bytes.NewReader(text), e) })
		check("json", got, err)
		lines := append(append(append([]byte{}, text...), '\n'), text...)
		got, err = gather(func(e otlp.Each) error { return otlp.JSON(bytes.NewReader(lines), e) })
		if n := count(want); err != nil || count(got) != 2*n {
			t.Fatalf("two lines: %v, %d spans, want %d", err, count(got), 2*n)
		}
	}
}

func count(all []otlp.ResourceSpans) (n int) {
	for _, rs := range all {
		n += len(rs.Spans)
	}
	return n
}

// Forms of JSON that others write.
func TestJSONDialects(t *testing.T) {
	t.Parallel()
	id, _ := hex.DecodeString("0102030405060708090a0b0c0d0e0f10")
	b64 := base64.StdEncoding.EncodeToString
	for name, text := range map[string]string{
		"resource last, enum names": `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","kind":"SPAN_KIND_SERVER","startTimeUnixNano":5,"status":{"code":"STATUS_CODE_ERROR"},"name":"x"}]}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]}}]}`,
		"base64, batches":           `{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"instrumentationLibrarySpans":[{"spans":[{"traceId":"` + b64(id) + `","spanId":"` + b64(id[:8]) + `","kind":2,"startTimeUnixNano":"5","status":{"code":2},"name":"x","unknown":[{}]}]}]}]}`,
		"inside result":             `{"result":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[{"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708","parentSpanId":"","kind":2,"startTimeUnixNano":"5","status":{"code":2},"name":"x","attributes":null}]}]}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := gather(func(e otlp.Each) error { return otlp.JSON(strings.NewReader(text), e) })
			if err != nil || count(got) != 1 {
				t.Fatal(got, err)
			}
			s := got[0].Spans[0]
			if s.TraceID != [16]byte(id) || s.SpanID != [8]byte(id[:8]) || s.Kind != otlp.KindServer || s.Start != 5 || s.Status != otlp.StatusError || s.Name != "x" || got[0].Resource.Service() != "a" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	message := otlp.AppendTraces(nil, some(rand.New(rand.NewPCG(3, 1))))
	nothing := func(*otlp.Resource, *otlp.Span) error { return nil }
	for cut := 1; cut < len(message); cut += 7 {
		err := new(otlp.Reader).Protobuf(bytes.NewReader(message[:cut]), nothing)
		var f *otlp.Fault
		if err != nil && (!errors.As(err, &f) || f.Offset > int64(cut)) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"\x0a\xff\xff\xff\xff\x7f", "over the 64 MiB"},
		{"\x0b\x01", "the file ends inside a message"},
		{"\x00\x00\x00\x02\x0a\x05", "longer than what holds it"},
		{"\x00\x00\x00\x05\x0a\x03\x12\x01\x0b", "byte 9: groups are not"},
	} {
		if err := new(otlp.Reader).Protobuf(strings.NewReader(c.in), nothing); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
	if err := otlp.JSON(strings.NewReader(`{"x":1}`), nothing); !errors.Is(err, otlp.ErrNoTraces) {
		t.Error(err)
	}
	stop := errors.New("stop")
	if err := new(otlp.Reader).Protobuf(bytes.NewReader(otlp.AppendTraces(nil, []otlp.ResourceSpans{{Spans: make([]otlp.Span, 1)}})), func(*otlp.Resource, *otlp.Span) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for v, want := range map[otlp.Value]string{
		otlp.StringValue("a"): "a", otlp.IntValue(-5): "-5", otlp.DoubleValue(.5): "0.5", otlp.BoolValue(true): "true", {Type: otlp.Array}: "",
		otlp.DoubleValue(math.Inf(1)): "+Inf",
	} {
		if v.Text() != want {
			t.Errorf("%v: %q, want %q", v, v.Text(), want)
		}
	}
}

// No span that is read is allocated: the whole message costs nothing once the
// reader is warm.
func TestAllocations(t *testing.T) {
	message := otlp.AppendTraces(nil, some(rand.New(rand.NewPCG(9, 1))))
	var r otlp.Reader
	nothing := func(*otlp.Resource, *otlp.Span) error { return nil }
	if n := testing.AllocsPerRun(20, func() { _ = r.Traces(message, nothing) }); n > 20 {
		t.Errorf("%g allocations", n)
	}
}

func FuzzProtobuf(f *testing.F) {
	for seed := range uint64(5) {
		f.Add(otlp.AppendTraces(nil, some(rand.New(rand.NewPCG(seed, 1)))))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r otlp.Reader
		got, err := gather(func(e otlp.Each) error { return r.Traces(b, e) })
		if err != nil {
			return
		}
		again, err := gather(func(e otlp.Each) error { return r.Traces(otlp.AppendTraces(nil, got), e) })
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, again, got)
		}
		_ = new(otlp.Reader).Protobuf(bytes.NewReader(b), func(*otlp.Resource, *otlp.Span) error { return nil })
		_, _ = otlp.AppendJSON(nil, got)
	})
}

func FuzzJSON(f *testing.F) {
	for seed := range uint64(5) {
		b, _ := otlp.AppendJSON(nil, some(rand.New(rand.NewPCG(seed, 1))))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := gather(func(e otlp.Each) error { return otlp.JSON(bytes.NewReader(b), e) })
		if err != nil {
			return
		}
		var r otlp.Reader
		again, err := gather(func(e otlp.Each) error { return r.Traces(otlp.AppendTraces(nil, got), e) })
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, again, got)
		}
	})
}
