package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/metric"
)

// Observe exports numbers that something else keeps, such as the counters of a
// breaker. read is called whenever metrics are read, and hands over each value
// with its attributes; they must be few. rises: the numbers only grow (a
// counter), otherwise they come and go (a gauge). unit is UCUM's: "s", "{call}",
// "1". The error is the instrument's name.
func (t *Telemetry) Observe(name, unit, what string, rises bool, read func(yield func(value float64, attrs ...slog.Attr))) error {
	callback := metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
		read(func(v float64, attrs ...slog.Attr) { o.Observe(v, metric.WithAttributes(attributes(attrs)...)) })
		return nil
	})
	m := t.bridge.Metrics.Meter(scope)
	var err error
	if rises {
		_, err = m.Float64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(what), callback)
	} else {
		_, err = m.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what), callback)
	}
	if err != nil {
		return fmt.Errorf("telemetry: %s: %w", name, err)
	}
	return nil
}
