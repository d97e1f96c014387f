// Package telemetry sets up traces, metrics and logs of a service with one call
// on OpenTelemetry, and holds what belongs to its life: liveness, readiness and
// an orderly end.
//
//	tel, err := telemetry.Start(ctx, telemetry.Service{Name: "payments", Version: "1.4.2", Environment: "production"}, nil)
//	...
//	charge := tel.Operation("charge", telemetry.Internal) // once
//	...
//	ctx, call := charge.Start(ctx) // every time
//	err = doCharge(ctx)
//	call.End(err)
//
// Sampling is parent-based: a call whose caller was sampled is, one whose
// caller was not is not, and where a trace begins a share of them is. A call
// that is not sampled costs no span: the parent is asked first, and a root draws
// its decision from its trace ID before the SDK is troubled.
//
// Every operation has RED metrics (rate, errors, duration) from one histogram
// with attribute sets that are prepared once, and a gauge of calls under way.
//
// Without an OTLP endpoint nothing is sent anywhere; the Prometheus endpoint
// and the log work all the same. The standard variables OTEL_EXPORTER_OTLP_*
// and OTEL_RESOURCE_ATTRIBUTES count where the options say nothing.
package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/ashlar-dev/ashlar/patterns/telemetry/internal/bridge"
)

// scope names this package as the source of its spans and metrics.
const scope = "github.com/ashlar-dev/ashlar/patterns/telemetry"

// Service says who is measured. Name is required.
type Service struct {
	Name        string // service.name
	Version     string // service.version
	Namespace   string // service.namespace: the system that the service is a part of
	Environment string // deployment.environment.name: production, staging
	Instance    string // service.instance.id; default: random
	// Attributes are further resource attributes: cloud.region, k8s.pod.name.
	Attributes map[string]string
}

// Options of [Start]; nil and the zero value are the default.
type Options struct {
	OTLP OTLP
	// SampleRatio is the share of traces that are sampled where they begin, more
	// than 0 to 1; 0: default 1. SampleNone samples none of them.
	SampleRatio float64
	SampleNone  bool
	// B3 reads and writes Zipkin's B3 headers beside W3C's: single and multiple
	// are read, single is written.
	B3 bool
	// Global also makes this OpenTelemetry's global set, for libraries that look
	// there. A process can have one such.
	Global bool
	// NoMetrics leaves out the RED metrics of operations.
	NoMetrics bool
	// MetricInterval is how often metrics are sent by OTLP; default 15 s.
	MetricInterval time.Duration
	// Log is where logs are written as JSON lines; default os.Stderr.
	Log io.Writer
	// LogLevel is the least that is logged; default slog.LevelInfo.
	LogLevel slog.Leveler
	Redact   Redact
	// CheckTimeout bounds one readiness or liveness check; default 2 s.
	CheckTimeout time.Duration
	// Settle is how long Shutdown waits after leaving the registry, for callers
	// to notice; default 0. Behind Kubernetes some seconds are wise.
	Settle time.Duration
	// FlushTimeout bounds the last export, even if Shutdown's context has ended
	// by then; default 5 s.
	FlushTimeout time.Duration
}

// Validate joins all faults.
func (o *Options) Validate() error {
	var errs []error
	if o.SampleRatio < 0 || o.SampleRatio > 1 {
		errs = append(errs, fmt.Errorf("telemetry: SampleRatio %g is not between 0 and 1", o.SampleRatio))
	}
	if o.SampleNone && o.SampleRatio != 0 {
		errs = append(errs, fmt.Errorf("telemetry: SampleNone and SampleRatio %g contradict each other", o.SampleRatio))
	}
	for name, d := range map[string]time.Duration{"MetricInterval": o.MetricInterval, "CheckTimeout": o.CheckTimeout, "Settle": o.Settle, "FlushTimeout": o.FlushTimeout} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("telemetry: %s %s is negative", name, d))
		}
	}
	return errors.Join(append(errs, o.OTLP.validate())...)
}

func (o *Options) fill() {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.MetricInterval, 15 * time.Second}, {&o.CheckTimeout, 2 * time.Second}, {&o.FlushTimeout, 5 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.SampleRatio == 0 && !o.SampleNone {
		o.SampleRatio = 1
	}
	if o.Log == nil {
		o.Log = os.Stderr
	}
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelInfo
	}
}

// Telemetry is a service's set of traces, metrics and logs. All methods may be
// called concurrently. End it with Shutdown.
type Telemetry struct {
	service Service
	opts    Options
	bridge  bridge.Providers
	tracer  trace.Tracer
	sampler sampler
	logger  *slog.Logger
	prom    http.Handler
	flush   []func(context.Context) error // in order

	generic metric.Float64Histogram
	server  metric.Float64Histogram
	client  metric.Float64Histogram
	rpc     [2]metric.Float64Histogram // server, client

	mu         sync.Mutex
	operations []*Operation // for the gauge of calls under way
	ops        map[any]*Operation
	checks     [2][]check // readiness, liveness
	probes     [2]probeCache
	hooks      []hook
	stopping   chan struct{}
	end        sync.Once
	endErr     error
}

// Start sets everything up. It does not wait for a collector: one that is away
// now may come later.
func Start(ctx context.Context, service Service, opts *Options) (*Telemetry, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if service.Name == "" {
		return nil, errors.New("telemetry: Service.Name is empty; every signal is sorted by it")
	}
	if service.Instance == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails; see crypto/rand
		service.Instance = hex.EncodeToString(b[:])
	}
	o.fill()
	t := &Telemetry{service: service, opts: o, sampler: newSampler(o.SampleRatio), stopping: make(chan struct{}), ops: map[any]*Operation{}}
	res, err := service.resource(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.providers(ctx, res); err != nil {
		return nil, errors.Join(err, t.flushAll(ctx))
	}
	t.logger = t.newLogger()
	t.bridge.Propagator = propagators(o.B3)
	t.tracer = t.bridge.Traces.Tracer(scope)
	if err := t.instruments(); err != nil {
		return nil, errors.Join(err, t.flushAll(ctx))
	}
	if o.Global {
		otel.SetTracerProvider(t.bridge.Traces)
		otel.SetMeterProvider(t.bridge.Metrics)
		otel.SetLoggerProvider(t.bridge.Logs)
		otel.SetTextMapPropagator(t.bridge.Propagator)
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.logger.Warn("telemetry", "error", err) }))
	}
	return t, nil
}

// Logger returns the service's logger: JSON lines and OTLP, with the trace and
// span of the context, redacted.
func (t *Telemetry) Logger() *slog.Logger { return t.logger }

// MetricsHandler serves all metrics in Prometheus' format.
func (t *Telemetry) MetricsHandler() http.Handler { return t.prom }

// Bridge is for the adapter packages otelapi and grpctelemetry.
func (t *Telemetry) Bridge() *bridge.Providers { return &t.bridge }

func propagators(withB3 bool) propagation.TextMapPropagator {
	list := []propagation.TextMapPropagator{propagation.TraceContext{}, propagation.Baggage{}}
	if withB3 {
		// First, so that a W3C header, which knows more, wins when both are there.
		list = append([]propagation.TextMapPropagator{b3.New(b3.WithInjectEncoding(b3.B3SingleHeader))}, list...)
	}
	return propagation.NewCompositeTextMapPropagator(list...)
}

func (s Service) resource(ctx context.Context) (*resource.Resource, error) {
	kv := []attribute.KeyValue{}
	for k, v := range s.Attributes {
		kv = append(kv, attribute.String(k, v))
	}
	for k, v := range map[string]string{
		"service.name": s.Name, "service.version": s.Version, "service.namespace": s.Namespace,
		"service.instance.id": s.Instance, "deployment.environment.name": s.Environment,
	} {
		if v != "" {
			kv = append(kv, attribute.String(k, v))
		}
	}
	// Later ones win: what the program says goes before the environment.
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv(), resource.WithAttributes(kv...))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("telemetry: resource: %w", err)
	}
	return res, nil
}
