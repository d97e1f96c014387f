package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/policy"
	"github.com/ashlar-dev/ashlar/patterns/resilience"
)

var silent = &resilience.Options{Logger: slog.New(slog.DiscardHandler)}

func ExampleDo() {
	inventory, err := resilience.New("inventory", resilience.Config{
		Timeout: &policy.TimeoutConfig{Total: time.Second, Try: 300 * time.Millisecond},
		Retry:   &policy.RetryConfig{Tries: 3, BaseWait: time.Millisecond},
		Breaker: &policy.BreakerConfig{},
	}, silent)
	if err != nil {
		panic(err)
	}
	tries := 0
	stock, err := resilience.Do(context.Background(), inventory, resilience.Repeatable, func(context.Context) (int, error) {
		if tries++; tries < 3 {
			return 0, errors.New("connection reset")
		}
		return 42, nil
	})
	fmt.Println(stock, err, tries)
	// Output: 42 <nil> 3
}

func ExampleDoOr() {
	prices, err := resilience.New("prices", resilience.Config{Breaker: &policy.BreakerConfig{}}, silent)
	if err != nil {
		panic(err)
	}
	prices.Trip() // an operator, or a drill
	price, err := resilience.DoOr(context.Background(), prices, resilience.Op{Name: "quote"},
		func(context.Context) (string, error) { return "9.99", nil },
		func(_ context.Context, why error) (string, error) {
			return "10.49 (of yesterday)", nil
		})
	fmt.Println(price, err)
	// Output: 10.49 (of yesterday) <nil>
}

func ExampleTarget_RoundTripper() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "has a deadline: "+fmt.Sprint(r.Header.Get(resilience.HeaderTimeout) != ""))
	}))
	defer srv.Close()
	target, err := resilience.New("inventory", resilience.Config{Timeout: &policy.TimeoutConfig{Total: time.Second}}, silent)
	if err != nil {
		panic(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: target.RoundTripper(transport, nil)}
	resp, err := client.Get(srv.URL)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	fmt.Println(string(b))
	// Output: has a deadline: true
}

func ExampleTarget_Handler() {
	self, err := resilience.New("checkout", resilience.Config{
		Bulkhead: &policy.BulkheadConfig{Limit: 64}, Shed: &policy.ShedConfig{}, Rate: &policy.RateConfig{PerSecond: 1, Burst: 1},
	}, silent)
	if err != nil {
		panic(err)
	}
	h := self.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/checkout", nil))
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("Retry-After"))
	}
	// Output:
	// 200 ""
	// 429 "1"
}

func ExampleConfig_Warnings() {
	c := resilience.Config{Retry: &policy.RetryConfig{}, Bulkhead: &policy.BulkheadConfig{}, Order: []resilience.Stage{
		resilience.StageTotal, resilience.StageBulkhead, resilience.StageRetry, resilience.StageHedge, resilience.StageBreaker,
		resilience.StageShed, resilience.StageRate, resilience.StageAdaptive, resilience.StageTry,
	}}
	fmt.Println(c.Warnings())
	// Output: [bulkhead stands outside retry: a place is held while a call waits between tries]
}
