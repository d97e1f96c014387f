package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// collector takes all three signals, over gRPC and HTTP, and notes what came.
type collector struct {
	mu        sync.Mutex
	spans     []string
	metrics   []string
	logs      []string // body and trace ID
	traceIDs  []string
	resources []*resourcepb.Resource
	keys      []string // the header "api" of every call
}

type traceServer struct {
	tracepb.UnimplementedTraceServiceServer
	c *collector
}

func (t traceServer) Export(ctx context.Context, r *tracepb.ExportTraceServiceRequest) (*tracepb.ExportTraceServiceResponse, error) {
	t.c.takeTraces(key(ctx), r)
	return &tracepb.ExportTraceServiceResponse{}, nil
}

type logsServer struct {
	logspb.UnimplementedLogsServiceServer
	c *collector
}

func (l logsServer) Export(ctx context.Context, r *logspb.ExportLogsServiceRequest) (*logspb.ExportLogsServiceResponse, error) {
	l.c.takeLogs(key(ctx), r)
	return &logspb.ExportLogsServiceResponse{}, nil
}

type metricsServer struct {
	metricspb.UnimplementedMetricsServiceServer
	c *collector
}

func (m metricsServer) Export(ctx context.Context, r *metricspb.ExportMetricsServiceRequest) (*metricspb.ExportMetricsServiceResponse, error) {
	m.c.takeMetrics(key(ctx), r)
	return &metricspb.ExportMetricsServiceResponse{}, nil
}

func key(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	return strings.Join(md.Get("api"), "")
}

func (c *collector) takeTraces(key string, r *tracepb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, key)
	for _, rs := range r.GetResourceSpans() {
		c.resources = append(c.resources, rs.GetResource())
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.spans = append(c.spans, s.GetName())
				c.traceIDs = append(c.traceIDs, string(s.GetTraceId()))
			}
		}
	}
}

func (c *collector) takeLogs(key string, r *logspb.ExportLogsServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, key)
	for _, rl := range r.GetResourceLogs() {
		c.resources = append(c.resources, rl.GetResource())
		for _, sl := range rl.GetScopeLogs() {
			for _, l := range sl.GetLogRecords() {
				c.logs = append(c.logs, l.GetBody().GetStringValue()+string(l.GetTraceId()))
			}
		}
	}
}

func (c *collector) takeMetrics(key string, r *metricspb.ExportMetricsServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, key)
	for _, rm := range r.GetResourceMetrics() {
		c.resources = append(c.resources, rm.GetResource())
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				c.metrics = append(c.metrics, m.GetName())
			}
		}
	}
}

func (c *collector) serveGRPC(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	tracepb.RegisterTraceServiceServer(s, traceServer{c: c})
	logspb.RegisterLogsServiceServer(s, logsServer{c: c})
	metricspb.RegisterMetricsServiceServer(s, metricsServer{c: c})
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(s.Stop)
	return "http://" + ln.Addr().String()
}

func (c *collector) serveHTTP(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k := r.Header.Get("Api")
		var err error
		switch r.URL.Path {
		case "/v1/traces":
			m := &tracepb.ExportTraceServiceRequest{}
			err = proto.Unmarshal(body, m)
			c.takeTraces(k, m)
		case "/v1/metrics":
			m := &metricspb.ExportMetricsServiceRequest{}
			err = proto.Unmarshal(body, m)
			c.takeMetrics(k, m)
		case "/v1/logs":
			m := &logspb.ExportLogsServiceRequest{}
			err = proto.Unmarshal(body, m)
			c.takeLogs(k, m)
		default:
			err = errors.New("no such path")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestAllSignalsArriveByOTLP(t *testing.T) {
	t.Parallel()
	for _, overHTTP := range []bool{false, true} {
		t.Run(map[bool]string{false: "gRPC", true: "HTTP"}[overHTTP], func(t *testing.T) {
			t.Parallel()
			c := &collector{}
			endpoint := ""
			if overHTTP {
				endpoint = c.serveHTTP(t)
			} else {
				endpoint = c.serveGRPC(t)
			}
			tel, _ := start(t, func(o *telemetry.Options) {
				o.OTLP = telemetry.OTLP{Endpoint: endpoint, HTTP: overHTTP, Headers: map[string]string{"api": "k"}}
			})
			ctx, call := tel.Operation("charge", telemetry.Internal).Start(t.Context())
			call.Set(slog.String("order", "17"), slog.Group("g", slog.Int("n", 1)))
			tel.Logger().With("a", 1).WithGroup("g").InfoContext(ctx, "hello", "password", "hunter2")
			call.End(errors.New("no"))
			if err := tel.Shutdown(t.Context()); err != nil { // flushes
				t.Fatal(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if !slices.Equal(c.spans, []string{"charge"}) || !slices.Contains(c.metrics, "ashlar.operation.duration") {
				t.Errorf("spans %v, metrics %v", c.spans, c.metrics)
			}
			if len(c.logs) == 0 || c.logs[0] != "hello"+c.traceIDs[0] {
				t.Errorf("logs %q, trace %q", c.logs, c.traceIDs)
			}
			for _, r := range c.resources {
				got := map[string]string{}
				for _, kv := range r.GetAttributes() {
					got[kv.GetKey()] = kv.GetValue().GetStringValue()
				}
				if got["service.name"] != "payments" || got["deployment.environment.name"] != "test" || got["service.namespace"] != "shop" || got["service.instance.id"] == "" {
					t.Errorf("resource %v", got)
				}
			}
			if len(c.resources) < 3 || slices.ContainsFunc(c.keys, func(k string) bool { return k != "k" }) {
				t.Errorf("%d resources, keys %q", len(c.resources), c.keys)
			}
		})
	}
}
