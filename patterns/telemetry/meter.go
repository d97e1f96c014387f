package telemetry

import (
	"context"
	"maps"
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
	for {
		old := o.codes.Load()
		if old != nil {
			if opts, ok := (*old)[code]; ok {
				return opts
			}
			if len(*old) >= maxOutcomes {
				return o.outcome("_OTHER")
			}
		}
		kv := []attribute.KeyValue{attribute.Int("http.response.status_code", code)}
		if failed {
			kv = append(kv, attribute.String("error.type", strconv.Itoa(code)))
		}
		next := map[int][]metric.RecordOption{code: o.prepare(kv...)}
		if old != nil {
			maps.Copy(next, *old)
		}
		if o.codes.CompareAndSwap(old, &next) {
			return next[code]
		}
	}
}
