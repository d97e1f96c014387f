// Package bridge carries OpenTelemetry's types from package telemetry, whose
// public signatures show none, to the adapter packages, whose purpose they are.
package bridge

import (
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Providers is what one Telemetry consists of.
type Providers struct {
	Traces     trace.TracerProvider
	Metrics    metric.MeterProvider
	Logs       log.LoggerProvider
	Propagator propagation.TextMapPropagator
}
