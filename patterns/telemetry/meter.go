package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meter measures a call over HTTP, whose operation may be known only at its end.
type meter struct {
	ctx   context.Context
	start time.Time
	on    bool
}

func (t *Telemetry) begin(ctx context.Context) meter {
	m := meter{ctx: ctx, on: !t.opts.NoMetrics}
	if m.on {
		m.start = time.Now()
	}
	return m
}

func (m *meter) record(o *Operation, status int, failed bool) {
	if !m.on {
		return
	}
	o.hist.Record(m.ctx, time.Since(m.start).Seconds(), o.status(status, failed)...)
}

// status returns the prepared attributes of an HTTP status. A server can answer
// with few statuses, but a server we call with any: at most maxOutcomes are kept.
func (o *Operation) status(code int, failed bool) []metric.RecordOption {
	name := strconv.Itoa(code) // statuses are small: no allocation below 100, one above
	for {
		old := o.by.Load()
		if opts, ok := (*old)[name]; ok {
			return opts
		}
		if len(*old) >= maxOutcomes {
			return o.outcome("_OTHER")
		}
		kv := []attribute.KeyValue{attribute.Int("http.response.status_code", code)}
		if failed {
			kv = append(kv, attribute.String("error.type", name))
		}
		next := make(map[string][]metric.RecordOption, len(*old)+1)
		for k, v := range *old {
			next[k] = v
		}
		next[name] = o.prepare(kv...)
		if o.by.CompareAndSwap(old, &next) {
			return next[name]
		}
	}
}
