package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/baggage"

	"github.com/ashlar-dev/ashlar/patterns/telemetry"
)

// forwarded is what a service with tel tells its callee when it was told header.
func forwarded(t *testing.T, tel *telemetry.Telemetry, header http.Header, edit func(context.Context) context.Context) (sent http.Header, kept http.Header) {
	t.Helper()
	base := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	client := tel.Transport(base)
	tel.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := edit(r.Context())
		out, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inventory/", nil)
		if err != nil {
			t.Fatal(err)
		}
		out.Header["X-Kept"] = append(make([]string, 0, 4), "a")
		if _, err := client.RoundTrip(out); err != nil {
			t.Fatal(err)
		}
		kept = out.Header
	})).ServeHTTP(httptest.NewRecorder(), func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = header
		return r
	}())
	return sent, kept
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// With and without metrics, an unsampled trace goes through a service as the
// propagators would carry it, and the request that was given stays as it was.
func TestAnUnsampledTraceGoesThrough(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	same := func(ctx context.Context) context.Context { return ctx }
	for _, bare := range []bool{false, true} {
		tel, _ := start(t, func(o *telemetry.Options) { o.NoMetrics = bare })
		for _, flags := range []string{"00", "02"} {
			parent := "00-" + trace + "-00f067aa0ba902b7-" + flags
			sent, kept := forwarded(t, tel, http.Header{"Traceparent": {parent}}, same)
			want := header(t, tel, tel.Extract(t.Context(), telemetry.Headers{"Traceparent": {parent}}))
			if sent.Get("Traceparent") != want.Get("Traceparent") || len(sent) != 2 {
				t.Errorf("bare %v: %v, want %v", bare, sent, want)
			}
			sent["X-Kept"] = append(sent["X-Kept"], "b")
			if len(kept) != 1 || kept["X-Kept"][:2][1] == "b" {
				t.Errorf("bare %v: the given request became %v", bare, kept)
			}
		}
		// Baggage that the handler adds goes too.
		member, err := baggage.NewMember("tenant", "7")
		if err != nil {
			t.Fatal(err)
		}
		bag, err := baggage.New(member)
		if err != nil {
			t.Fatal(err)
		}
		sent, _ := forwarded(t, tel, http.Header{"Traceparent": {"00-" + trace + "-00f067aa0ba902b7-00"}}, func(ctx context.Context) context.Context {
			return baggage.ContextWithBaggage(ctx, bag)
		})
		if sent.Get("Baggage") != "tenant=7" || sent.Get("Traceparent")[3:35] != trace {
			t.Errorf("bare %v: %v", bare, sent)
		}
		// A sampled parent is traced by both sides.
		sent, _ = forwarded(t, tel, http.Header{"Traceparent": {"00-" + trace + "-00f067aa0ba902b7-01"}}, same)
		if got := sent.Get("Traceparent"); got[3:35] != trace || got[36:52] == "00f067aa0ba902b7" || got[53:] != "01" {
			t.Errorf("bare %v: %s", bare, got)
		}
	}
}

// A stamped request of an unsampled trace is sent as it is; in every other case
// the transport sends a copy with the right trace, whatever was stamped.
func TestStampSavesTheCopy(t *testing.T) {
	t.Parallel()
	const trace, other = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
	for _, bare := range []bool{false, true} {
		tel, _ := start(t, func(o *telemetry.Options) { o.NoMetrics = bare })
		var sent *http.Request
		client := tel.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = r
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		}))
		within := func(id, flags string) context.Context {
			h := http.Header{"Traceparent": {"00-" + id + "-00f067aa0ba902b7-" + flags}}
			return tel.ExtractHeaders(t.Context(), h)
		}
		send := func(r *http.Request) {
			if _, err := client.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
		}
		r, err := http.NewRequestWithContext(within(trace, "00"), http.MethodGet, "http://inventory/", nil)
		if err != nil {
			t.Fatal(err)
		}
		tel.Stamp(r)
		if send(r); sent != r || sent.Header.Get("Traceparent")[3:35] != trace {
			t.Errorf("bare %v: a copy was sent, %v", bare, sent.Header)
		}
		again := r.Clone(within(other, "00")) // stamped for another trace
		if send(again); sent == again || sent.Header.Get("Traceparent")[3:35] != other || again.Header.Get("Traceparent")[3:35] != trace {
			t.Errorf("bare %v: %v of %v", bare, sent.Header, again.Header)
		}
		traced := r.Clone(within(trace, "01"))
		tel.Stamp(traced)
		if send(traced); sent == traced || sent.Header.Get("Traceparent")[36:52] == "00f067aa0ba902b7" || sent.Header.Get("Traceparent")[53:] != "01" {
			t.Errorf("bare %v: %v", bare, sent.Header)
		}
		none := (&http.Request{Method: http.MethodGet, URL: r.URL}).WithContext(t.Context())
		if tel.Stamp(none); len(none.Header) != 0 {
			t.Errorf("bare %v: no trace became %v", bare, none.Header)
		}
	}
}
