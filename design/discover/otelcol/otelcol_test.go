package otelcol_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/compose"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/design/discover/otelcol"
)

const config = `receivers:
  otlp: {protocols: {grpc: {endpoint: "collector-otel:4317"}}}
  redis: {endpoint: "cache:6379"}
  mysql: {endpoint: "${env:DB}:3306"}
  prometheus/ad: {config: {scrape_configs: [{job_name: ad, static_configs: [{targets: ["ad:9464"]}]}]}}
  nginx: {endpoint: "http://unused:80/status"}
exporters:
  otlp/jaeger: {endpoint: "jaeger:4317", headers: {endpoint: "ad:1"}}
  otlphttp: {endpoint: "https://ingest.example.org/v1"}
  otlp/gone: {endpoint: "nobody:4317"}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp/jaeger, otlphttp, otlp/gone]}
    metrics: {receivers: [redis, mysql, prometheus/ad], exporters: [otlphttp]}
`

const services = `services:
  collector-otel: {image: "otel/opentelemetry-collector-contrib:0.159.0"}
  jaeger: {image: "jaegertracing/all-in-one:1.62"}
  cache: {image: "redis:7"}
  ad: {image: "ad:1"}
  unused: {image: "unused:1"}
`

func run(t *testing.T, files map[string]string) *discover.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := discover.Run(t.Context(), []discover.Source{kubernetes.New(), compose.New(), otelcol.New()}, []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCalls(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{"collector.yaml": config, "compose.yaml": services})
	uses := r.System.Services["collector-otel"].Uses
	want := map[arch.Ref]string{
		arch.NewRef(arch.KindStore, "cache"):                 "receiver redis",
		arch.NewRef(arch.KindService, "ad"):                  "receiver prometheus/ad",
		arch.NewRef(arch.KindService, "jaeger"):              "exporter otlp/jaeger",
		arch.NewRef(arch.KindExternal, "ingest.example.org"): "exporter otlphttp",
	}
	for to, why := range want {
		if c := uses[arch.CallID(to, 1)]; c.Why != why || !c.Async.V {
			t.Errorf("%s: %+v", to, c)
		}
	}
	if len(uses) != len(want) {
		t.Errorf("%+v", uses)
	}
	at := r.System.Ledger.Where(arch.Edge{From: "service/collector-otel", ID: arch.CallID("store/cache", 1)}.At("to"))
	if at.Line != 3 || at.By != otelcol.Name {
		t.Errorf("the call stands at %v", at)
	}
}

const resource = `apiVersion: opentelemetry.io/v1alpha1
kind: OpenTelemetryCollector
metadata: {name: gate, namespace: o11y}
spec:
  config: |
    receivers:
      otlp: {protocols: {grpc: {}}}
    exporters:
      otlp: {endpoint: jaeger.o11y:4317}
    service:
      pipelines:
        traces: {receivers: [otlp], exporters: [otlp]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: jaeger, namespace: o11y}
spec: {selector: {matchLabels: {app: jaeger}}, template: {metadata: {labels: {app: jaeger}}, spec: {containers: [{name: main, image: "jaegertracing/all-in-one:1.62"}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: jaeger, namespace: o11y}
spec: {selector: {app: jaeger}, ports: [{port: 4317}]}
`

func TestResource(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{"r.yaml": resource})
	g := r.System.Services["gate-collector"]
	if g.Role != arch.RoleTelemetry || len(g.Uses) != 1 {
		t.Fatalf("%+v", g)
	}
	at := r.System.Ledger.Where(arch.Edge{From: "service/gate-collector", ID: arch.CallID("service/jaeger", 1)}.At("to"))
	if at.Line != 9 || at.Col != 24 {
		t.Errorf("the call stands at %v", at)
	}
}

// The demo's Collector, in four layers, beside the compose files that start it.
func TestOpenTelemetryDemo(t *testing.T) {
	t.Parallel()
	corpus := os.Getenv("ASHLAR_CORPUS")
	if corpus == "" {
		t.Skip("ASHLAR_CORPUS names no folder with public systems")
	}
	r, err := discover.Run(t.Context(), []discover.Source{compose.New(), otelcol.New()}, []string{filepath.Join(corpus, "otel-demo")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	uses := r.System.Services["otel-collector"].Uses
	for _, to := range []arch.Ref{"service/jaeger", "service/prometheus", "store/valkey-cart", "service/ad"} {
		if _, ok := uses[arch.CallID(to, 1)]; !ok {
			t.Errorf("no call to %s: %v", to, arch.Sorted(uses))
		}
	}
	if n := len(discover.Of[*otelcol.Config](r.Documents)); n != 4 {
		t.Errorf("%d configurations", n)
	}
}
