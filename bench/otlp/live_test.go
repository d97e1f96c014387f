package main_test

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// OpenTelemetry's own SDK and exporters send to the program itself, one service by
// gRPC and one by HTTP; interrupted by a signal, it says who called whom.
func TestLiveReceiverTakesTheSDKsExporters(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	bin := filepath.Join(t.TempDir(), "ashlar")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/ashlar")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := exec.CommandContext(t.Context(), bin, "discover", "--listen", "127.0.0.1:0")
	var stdout bytes.Buffer
	run.Stdout = &stdout
	stderr, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() {
		t.Fatal("it says nothing")
	}
	m := regexp.MustCompile(`receiving traces on ([0-9.:]+)`).FindStringSubmatch(lines.Text())
	if m == nil {
		t.Fatal(lines.Text())
	}
	addr := m[1]

	g, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(addr), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(addr), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	order, payment := provider("order", g), provider("payment", h)
	for range 300 {
		ctx, entry := order.Tracer("test").Start(t.Context(), "POST /orders", api.WithSpanKind(api.SpanKindServer), api.WithAttributes(attribute.String("http.request.method", "POST"), attribute.String("http.route", "/orders")))
		ctx, exit := order.Tracer("test").Start(ctx, "pay.Payment/Charge", api.WithSpanKind(api.SpanKindClient), api.WithAttributes(attribute.String("rpc.system", "grpc"), attribute.String("rpc.service", "pay.Payment"), attribute.String("rpc.method", "Charge")))
		_, callee := payment.Tracer("test").Start(ctx, "pay.Payment/Charge", api.WithSpanKind(api.SpanKindServer), api.WithAttributes(attribute.String("rpc.system", "grpc"), attribute.String("rpc.service", "pay.Payment"), attribute.String("rpc.method", "Charge"), attribute.Int("rpc.grpc.status_code", 0)))
		callee.End()
		exit.End()
		entry.End()
	}
	for _, p := range []*trace.TracerProvider{order, payment} {
		if err := p.Shutdown(context.WithoutCancel(t.Context())); err != nil { // sends what is left
			t.Fatal(err)
		}
	}
	if err := run.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
	}
	if err := run.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if !strings.Contains(said.String(), "900 spans of 2 services") {
		t.Errorf("it says %q", said.String())
	}
	for _, want := range []string{"order", "POST /orders", "over 300 calls", "-> payment.Charge"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, stdout.String())
		}
	}
}

func provider(name string, e *otlptrace.Exporter) *trace.TracerProvider {
	return trace.NewTracerProvider(trace.WithBatcher(e), trace.WithResource(resource.NewSchemaless(attribute.String("service.name", name))))
}
