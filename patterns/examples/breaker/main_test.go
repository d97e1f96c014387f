package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In virtual time: 14 s pass in a moment.
func TestTheBreakerOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		if err := show(t.Context(), &b, false); err != nil {
			t.Fatal(err)
		}
		rest := b.String()
		for _, want := range []string{
			"closed -> open (stalled calls)", "open -> half-open", "half-open -> open (probes)", "open -> half-open", "half-open -> closed (probes)",
		} {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Fatalf("no %q in its place:\n%s", want, b.String())
			}
			rest = after
		}
		var opened float64
		at := strings.Index(b.String(), "s  >>>")
		if _, err := fmt.Sscan(b.String()[at-6:at], &opened); err != nil {
			t.Fatal(err)
		}
		if latest := (stallsAt + breaker.DetectionTime(float64(time.Second/everyCall))).Seconds(); opened > latest {
			t.Errorf("opened after %.2f s, want %.2f s at the latest", opened, latest)
		}
	})
}
