package resilience_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/balance"
	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

func TestBalancedRetriesElsewhere(t *testing.T) {
	t.Parallel()
	var bad, good atomic.Int64
	start := func(id string, h http.HandlerFunc) balance.Endpoint {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return balance.Endpoint{ID: id, Address: srv.Listener.Addr().String()}
	}
	down := start("bad", func(w http.ResponseWriter, _ *http.Request) { bad.Add(1); w.WriteHeader(503) })
	up := start("good", func(w http.ResponseWriter, r *http.Request) {
		good.Add(1)
		_, _ = io.WriteString(w, r.Host)
	})
	b, err := balance.New(balance.Config{Algorithm: balance.RoundRobin, Outlier: balance.OutlierConfig{Off: true}}, []balance.Endpoint{down, up})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	tg := target(t, resilience.Config{Retry: &policy.RetryConfig{Tries: 2, BaseWait: time.Microsecond, Budget: policy.BudgetConfig{Unlimited: true}}}, resilience.Options{})
	client := &http.Client{Transport: tg.RoundTripper(resilience.Balanced(transport, b, nil), nil)}
	for range 50 {
		resp, err := client.Get("http://inventory/stock")
		if err != nil {
			t.Fatal(err)
		}
		host, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 200 || string(host) != "inventory" {
			t.Fatalf("%d, host %q", resp.StatusCode, host)
		}
	}
	if good.Load() != 50 || bad.Load() == 0 {
		t.Fatalf("%d good, %d bad", good.Load(), bad.Load())
	}
	for _, v := range b.Snapshot(0) {
		if v.UnderWay != 0 {
			t.Fatalf("%+v", v)
		}
	}
}
