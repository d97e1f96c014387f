package telemetry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// OTLP says where traces, metrics and logs are sent.
type OTLP struct {
	// Endpoint is the collector's URL: http://host:4317 for gRPC without TLS,
	// https:// with; for HTTP http://host:4318, to which /v1/traces and so on are
	// appended. Empty: OTEL_EXPORTER_OTLP_ENDPOINT, and if that is empty as well
	// nothing is sent.
	Endpoint string
	// HTTP sends protobuf over HTTP in place of gRPC.
	HTTP    bool
	Headers map[string]string
	TLS     *tls.Config   // nil: the system's authorities
	Timeout time.Duration // of one export; default 10 s
}

func (o *OTLP) validate() error {
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("telemetry: OTLP.Endpoint %q is not a URL such as http://127.0.0.1:4317", o.Endpoint)
	}
	if u.Path != "" && u.Path != "/" {
		return fmt.Errorf("telemetry: OTLP.Endpoint %q has a path; the signals' own paths are appended", o.Endpoint)
	}
	return nil
}

// on reports whether anything is sent at all.
func (o *OTLP) on() bool {
	return o.Endpoint != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
}

// providers makes the three providers and notes how they are ended.
func (t *Telemetry) providers(ctx context.Context, res *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	prom, err := otelprom.New(otelprom.WithRegisterer(registry))
	if err != nil {
		return fmt.Errorf("telemetry: Prometheus endpoint: %w", err)
	}
	t.prom = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})

	traces := []sdktrace.TracerProviderOption{sdktrace.WithResource(res), sdktrace.WithSampler(sdktrace.ParentBased(t.sampler)), sdktrace.WithIDGenerator(idGenerator{})}
	metrics := []sdkmetric.Option{sdkmetric.WithResource(res), sdkmetric.WithReader(prom)}
	logs := []sdklog.LoggerProviderOption{sdklog.WithResource(res)}
	if o := &t.opts.OTLP; o.on() {
		span, metric, record, err := o.exporters(ctx)
		if err != nil {
			return fmt.Errorf("telemetry: OTLP: %w", err)
		}
		traces = append(traces, sdktrace.WithBatcher(span))
		metrics = append(metrics, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metric, sdkmetric.WithInterval(t.opts.MetricInterval))))
		logs = append(logs, sdklog.WithProcessor(sdklog.NewBatchProcessor(record)))
	}
	tp, mp, lp := sdktrace.NewTracerProvider(traces...), sdkmetric.NewMeterProvider(metrics...), sdklog.NewLoggerProvider(logs...)
	t.bridge.Traces, t.bridge.Metrics, t.bridge.Logs = tp, mp, lp
	// Logs last: the others' troubles may be in them.
	t.flush = append(t.flush, tp.Shutdown, mp.Shutdown, lp.Shutdown)
	return nil
}

func (o *OTLP) exporters(ctx context.Context) (sdktrace.SpanExporter, sdkmetric.Exporter, sdklog.Exporter, error) {
	if o.HTTP {
		return o.overHTTP(ctx)
	}
	return o.overGRPC(ctx)
}

func (o *OTLP) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 10 * time.Second
}

func (o *OTLP) overGRPC(ctx context.Context) (sdktrace.SpanExporter, sdkmetric.Exporter, sdklog.Exporter, error) {
	to := []otlptracegrpc.Option{otlptracegrpc.WithTimeout(o.timeout())}
	mo := []otlpmetricgrpc.Option{otlpmetricgrpc.WithTimeout(o.timeout())}
	lo := []otlploggrpc.Option{otlploggrpc.WithTimeout(o.timeout())}
	if o.Endpoint != "" {
		to, mo, lo = append(to, otlptracegrpc.WithEndpointURL(o.Endpoint)), append(mo, otlpmetricgrpc.WithEndpointURL(o.Endpoint)), append(lo, otlploggrpc.WithEndpointURL(o.Endpoint))
	}
	if len(o.Headers) > 0 {
		to, mo, lo = append(to, otlptracegrpc.WithHeaders(o.Headers)), append(mo, otlpmetricgrpc.WithHeaders(o.Headers)), append(lo, otlploggrpc.WithHeaders(o.Headers))
	}
	if o.TLS != nil {
		c := credentials.NewTLS(o.TLS)
		to, mo, lo = append(to, otlptracegrpc.WithTLSCredentials(c)), append(mo, otlpmetricgrpc.WithTLSCredentials(c)), append(lo, otlploggrpc.WithTLSCredentials(c))
	}
	te, err1 := otlptracegrpc.New(ctx, to...)
	me, err2 := otlpmetricgrpc.New(ctx, mo...)
	le, err3 := otlploggrpc.New(ctx, lo...)
	return te, me, le, errors.Join(err1, err2, err3)
}

func (o *OTLP) overHTTP(ctx context.Context) (sdktrace.SpanExporter, sdkmetric.Exporter, sdklog.Exporter, error) {
	to := []otlptracehttp.Option{otlptracehttp.WithTimeout(o.timeout())}
	mo := []otlpmetrichttp.Option{otlpmetrichttp.WithTimeout(o.timeout())}
	lo := []otlploghttp.Option{otlploghttp.WithTimeout(o.timeout())}
	if base, err := url.Parse(o.Endpoint); err == nil && o.Endpoint != "" {
		at := func(signal string) string { return base.JoinPath("v1", signal).String() }
		to, mo, lo = append(to, otlptracehttp.WithEndpointURL(at("traces"))), append(mo, otlpmetrichttp.WithEndpointURL(at("metrics"))), append(lo, otlploghttp.WithEndpointURL(at("logs")))
	}
	if len(o.Headers) > 0 {
		to, mo, lo = append(to, otlptracehttp.WithHeaders(o.Headers)), append(mo, otlpmetrichttp.WithHeaders(o.Headers)), append(lo, otlploghttp.WithHeaders(o.Headers))
	}
	if o.TLS != nil {
		to, mo, lo = append(to, otlptracehttp.WithTLSClientConfig(o.TLS)), append(mo, otlpmetrichttp.WithTLSClientConfig(o.TLS)), append(lo, otlploghttp.WithTLSClientConfig(o.TLS))
	}
	te, err1 := otlptracehttp.New(ctx, to...)
	me, err2 := otlpmetrichttp.New(ctx, mo...)
	le, err3 := otlploghttp.New(ctx, lo...)
	return te, me, le, errors.Join(err1, err2, err3)
}
