package otlp_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/otlp"
	format "github.com/ashlar-dev/ashlar/formats/otlp"
	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

func run(t *testing.T, paths ...string) *discover.Result {
	t.Helper()
	r, err := discover.Run(context.Background(), []discover.Source{otlp.New()}, paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Skipped) > 0 {
		t.Errorf("skipped: %v", r.Skipped)
	}
	return r
}

// write puts files into a folder of their own.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// toJSON is the same messages as lines of JSON.
func toJSON(t *testing.T, messages [][]byte) []byte {
	t.Helper()
	var out []byte
	var r format.Reader
	for _, m := range messages {
		rs := format.ResourceSpans{}
		if err := r.Traces(m, func(res *format.Resource, s *format.Span) error {
			c := *s
			c.Attributes = slices.Clone(s.Attributes)
			rs.Resource.Attributes = slices.Clone(res.Attributes)
			rs.Spans = append(rs.Spans, c)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		b, err := format.AppendJSON(nil, []format.ResourceSpans{rs})
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, b...), '\n')
	}
	return out
}

// Every form of file, and traces that are spread over several files, amount to
// the same System.
func TestForms(t *testing.T) {
	t.Parallel()
	// Two minutes of traces that last 20 s: files that were read one after the
	// other would tear them apart.
	messages := otlptest.Messages(otlptest.Shape{Spans: 3000, Rate: 20, Spread: 20, Batch: 10})
	var plain, framed []byte
	perService, turns := map[string][]byte{}, map[string][]byte{}
	for i, m := range messages {
		plain = append(plain, m...)
		framed = append(binary.BigEndian.AppendUint32(framed, uint32(len(m))), m...)
		var r format.Reader
		service := ""
		if err := r.Traces(m, func(res *format.Resource, _ *format.Span) error { service = strings.Clone(res.Service()); return nil }); err != nil {
			t.Fatal(err)
		}
		perService[service+".pb"] = append(perService[service+".pb"], m...)
		turn := fmt.Sprintf("t%d.binpb", i*3/len(messages))
		turns[turn] = append(turns[turn], m...)
	}
	text := toJSON(t, messages)
	var want string
	for _, c := range []struct {
		name  string
		files map[string][]byte
	}{
		{"plain", map[string][]byte{"traces.pb": plain}},
		{"framed", map[string][]byte{"traces.otlp": framed}},
		{"gzip", map[string][]byte{"traces.pb.gz": zipped(t, plain)}},
		{"json lines", map[string][]byte{"traces.jsonl": text}},
		{"json gzip", map[string][]byte{"traces.json.gz": zipped(t, text)}},
		{"one file a service", perService},
		{"a log in turns", turns},
	} {
		r := run(t, write(t, c.files))
		got := string(r.System.AppendText(nil, true))
		cov := r.System.Coverage["otlp"]
		if cov.Spans != 3000 || cov.Orphans != 0 || cov.Late != 0 || cov.Files != len(c.files) {
			t.Errorf("%s: coverage %+v", c.name, cov)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: another result", c.name)
		}
	}
	in := discover.NewInput("-", framed)
	r, err := discover.Run(context.Background(), []discover.Source{otlp.New()}, []string{"-"}, &discover.Options{Stdin: in.Open})
	if err != nil || string(r.System.AppendText(nil, true)) != want {
		t.Errorf("standard input: %v", err)
	}
}

func TestShop(t *testing.T) {
	t.Parallel()
	s := run(t, write(t, map[string][]byte{"a.pb": slices.Concat(otlptest.Messages(otlptest.Shape{Spans: 1000})...)})).System
	var got []string
	for _, e := range s.Edges() {
		got = append(got, fmt.Sprintf("%s > %s %s %s %g", e.From.Short(), e.Call.To.Short(), e.Call.Access, e.Call.Protocol, e.Call.PerCall.Sum))
	}
	want := []string{
		"checkout.POST /orders/{id} > inventory.Reserve call grpc 100",
		"checkout.POST /orders/{id} > payment.Charge call grpc 100",
		"checkout.POST /orders/{id} > orders publish kafka 100",
		"frontend.POST /checkout/{cart} > checkout.POST /orders/{id} call http 100",
		"inventory.Reserve > stock-db.stock write sql 100",
		"payment.Charge > payments-db.payments write sql 100",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	body := s.Services["checkout"].Operations["POST /orders/{id}"].Body
	if len(body.Steps) != 3 || body.Steps[1].Kind != arch.Par || body.Steps[2].Call != "topic/orders#1" {
		t.Errorf("%+v", body)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	messages := otlptest.Messages(otlptest.Shape{Spans: 20, Batch: 2})
	m := messages[0]
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"traces.pb": {m, true}, "traces.bin": {append(binary.BigEndian.AppendUint32(nil, uint32(len(m))), m...), true},
		"v": {append(binary.AppendUvarint(nil, uint64(len(m))), m...), true}, "x.json": {toJSON(t, messages), true}, "x.gz": {zipped(t, m), true},
		"values.yaml": {[]byte("service.name: x\nother: y\n"), false}, "main.go": {[]byte("package main\n// service.name\n"), false}, "empty": {nil, false}, "k.json": {[]byte(`{"kind":"List"}`), false},
	} {
		if got := otlp.New().Match(discover.NewInput(name, c.b).Head); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSamplingThreshold(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]float64{"ot=th:8": 2, "ot=th:c;rv:1234": 4, "vendor=x,ot=p:3;r:5": 8, "ot=th:0": 1, "ot=th:zz": 0, "": 0, "x=1": 0} {
		var c otlp.Converter
		if got := c.Convert(&format.Resource{}, &format.Span{State: state}).Weight; got != want {
			t.Errorf("%s: %g, want %g", state, got, want)
		}
	}
}

// The public file of testdata; see the notes there.
func TestPublicFile(t *testing.T) {
	t.Parallel()
	r := run(t, "testdata/trace.json")
	if c := r.System.Coverage["otlp"]; c.Spans != 1 || c.Orphans != 1 || c.From.Unix() != 1544712660 {
		t.Errorf("%+v", c)
	}
	op := r.System.Services["my.service"].Operations["I'm a server span"]
	if p, ok := op.Latency.Time(.5); !ok || p.Seconds() < .98 || p.Seconds() > 1.02 {
		t.Errorf("%+v", r.System.Services)
	}
}
