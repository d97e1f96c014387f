package probe_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/probe"
)

// 429 is a warning, and a warning does not pass: the instance gets no calls, and
// is not thrown out either.
func ExampleRun() {
	code := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
	defer srv.Close()
	for _, code = range []int{http.StatusOK, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s, _ := probe.Run(context.Background(), driver.Check{HTTP: srv.URL + "/healthz"})
		fmt.Println(code, s)
	}
	// Output:
	// 200 passing
	// 429 warning
	// 503 critical
}
