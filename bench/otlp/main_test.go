package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

// Every row runs, and the calibration sees every field of every span.
func TestReport(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if _, err := report(&b, 1, 2000, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pdata: decode", "Ashlar: decode, assemble, aggregate", "over HTTP", "over gRPC", "at least 1000000"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	fields, spans := 0, 1000
	for _, m := range otlptest.Messages(otlptest.Shape{Spans: spans}) {
		fields += walk(m, 4)
	}
	if fields < 20*spans {
		t.Errorf("the bare walk saw %d fields of %d spans", fields, spans)
	}
}
