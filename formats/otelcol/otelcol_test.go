package otelcol_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

const sample = `receivers:
  otlp: {protocols: {grpc: }}
  "otlp/": {}
processors:
  batch:
  attributes/a:
    actions:
    - {key: a, action: insert}
    - {key: b, value: 1}
    - {action: delete}
    - {action: delete, pattern: "^x"}
    - {key: c, action: updte, value: 1}
    - {key: d, action: convert}
  resource: {}
exporters: {debug: {verbosity: basic}}
service:
  extentions: [x]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [debug]}
    trace/2: {receivers: [otlp], exporters: ["${env:X}"]}
`

const resources = `apiVersion: opentelemetry.io/v1alpha1
kind: OpenTelemetryCollector
metadata: {name: old, namespace: o11y}
spec:
  mode: daemonset
  config: |
    receivers: {otlp: {}}
    exporters:
      debug: {}
    service:
      pipelines:
        traces: {receivers: [otlp], exporters: [debug]}
---
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: new}
spec:
  config: {receivers: {otlp: {}}, service: {pipelines: {logs: {receivers: [otlp], exporters: [none]}}}}
`

func read(t testing.TB, src string) *otelcol.Config {
	t.Helper()
	d := doc.Read("c.yaml", []byte(src), nil).Docs[0]
	if !otelcol.Is(d.Root) {
		t.Fatal("not taken for a configuration")
	}
	return otelcol.Read(d, d.Root)
}

func TestRead(t *testing.T) {
	t.Parallel()
	c := read(t, sample)
	var got []string
	for _, f := range c.Faults {
		got = append(got, f.Error())
	}
	want := []string{
		`c.yaml:3:3: receivers."otlp/": this is no name of a component; write type or type/name`,
		`c.yaml:17:3: unknown field "service.extentions"; did you mean "extensions"?`,
		`c.yaml:20:5: service.pipelines.trace/2: there is no such signal; a pipeline is called after its signal: traces, metrics, logs, profiles`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults:\n%s", strings.Join(got, "\n"))
	}
	if !c.Open || strings.Join(c.Place("traces", "processors", "batch"), ".") != "service.pipelines.traces.processors.0" {
		t.Errorf("%+v", c)
	}
	got = nil
	for _, f := range c.ActionFaults() {
		got = append(got, strings.Join(f.Path, ".")+" "+f.What)
	}
	want = []string{
		"processors.attributes/a.actions.0 attributes/a: the action on a (insert) has no value, nor from_attribute, nor from_context, nor default_value",
		"processors.attributes/a.actions.1 attributes/a: the action on b does not say what to do",
		"processors.attributes/a.actions.2 attributes/a: an action delete names no key",
		"processors.attributes/a.actions.4 attributes/a: the action on c is updte, which there is not",
		"processors.attributes/a.actions.5 attributes/a: the action on d (convert) has no converted_type",
		"processors.resource resource has no attributes: there is nothing that it would do",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("actions:\n%s", strings.Join(got, "\n"))
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]bool{
		"receivers: [{name: x}]\nexporters: {}\nroute: {}": false, // Alertmanager's receivers are a list
		"apiVersion: v1\nreceivers: {}\nexporters: {}":     false,
		"services: {a: {}}": false,
		"service: {pipelines: {traces: {exporters: [x]}}}": true,
		"receivers: {a: {}}\nexporters: {b: {}}":           true,
		"exporters: {b: {}}\nservice: {pipelines: {}}":     true,
		"exporters: {b: {}}":                               false,
		"processors: {x: {}}\nsinks: {}\nsources: {}":      false,
	} {
		if got := otelcol.Is(doc.Read("x", []byte(src), nil).Docs[0].Root); got != want {
			t.Errorf("%q: %v", src, got)
		}
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	var rs []*otelcol.Resource
	for _, d := range doc.Read("r.yaml", []byte(resources), nil).Docs {
		rs = append(rs, otelcol.Resources(d)...)
	}
	if len(rs) != 2 || rs[0].Config == nil || rs[1].Config == nil {
		t.Fatalf("%+v", rs)
	}
	if rs[0].Mode != "daemonset" || rs[1].Mode != "deployment" || rs[0].Service() != "old-collector" || rs[0].String() != "OpenTelemetryCollector o11y/old" {
		t.Errorf("%+v %+v", rs[0], rs[1])
	}
	if p := rs[0].Config.Doc.Pos(rs[0].Config.Exporters["debug"]); p.String() != "r.yaml:9:14" {
		t.Errorf("debug stands at %v", p)
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := read(t, sample)
	b, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t, string(b)).YAML()
	if err != nil || string(again) != string(b) {
		t.Errorf("%v\n%s\ncame back as\n%s", err, b, again)
	}
	if back := read(t, string(b)); len(back.ActionFaults()) != len(c.ActionFaults()) || len(back.Service.Pipelines) != 2 {
		t.Errorf("%+v", back)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(resources))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, r := range otelcol.Resources(d) {
				if r.Config != nil {
					_ = r.Config.ActionFaults()
				}
			}
			if !otelcol.Is(d.Root) {
				continue
			}
			c := otelcol.Read(d, d.Root)
			_ = c.ActionFaults()
			if _, err := c.YAML(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
