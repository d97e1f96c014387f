// Package otelapi hands out the OpenTelemetry providers behind a
// telemetry.Telemetry, for libraries that are instrumented with OpenTelemetry
// themselves.
package otelapi

import (
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// TracerProvider starts spans that are sampled and exported like all others.
func TracerProvider(t *telemetry.Telemetry) trace.TracerProvider { return t.Bridge().Traces }

// MeterProvider makes instruments that OTLP and the Prometheus endpoint show.
func MeterProvider(t *telemetry.Telemetry) metric.MeterProvider { return t.Bridge().Metrics }

// LoggerProvider takes log records past slog; they are not redacted.
func LoggerProvider(t *telemetry.Telemetry) log.LoggerProvider { return t.Bridge().Logs }

// Propagator reads and writes the configured trace headers.
func Propagator(t *telemetry.Telemetry) propagation.TextMapPropagator { return t.Bridge().Propagator }
