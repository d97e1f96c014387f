package main

import (
	"os"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/bench/side"
)

// Every row runs, and what is promised to allocate nothing does. Times are for
// `make bench`: here others use the machine too.
// Not parallel: allocations are counted for the whole process.
func TestRowsRun(t *testing.T) {
	results := side.Run(rows(), side.Options{Rounds: 1, Run: time.Microsecond})
	by := map[string]side.Result{}
	for _, r := range results {
		by[r.Name] = r
	}
	for _, l := range limits() {
		got := by[l.Row].Allocs
		if l.Over != "" {
			got -= by[l.Over].Allocs
		}
		if l.Allocs >= 0 && got > l.Allocs {
			t.Errorf("%s: %.0f allocations, at most %.0f", l.Row, got, l.Allocs)
		}
	}
}

// BenchmarkTelemetry is the table of the command, for `make bench`.
func BenchmarkTelemetry(b *testing.B) {
	for range b.N {
		results := side.Run(rows(), side.Options{Limits: limits()})
		lines, ok := side.Check(results, limits())
		side.Write(os.Stdout, title, results, lines, modules...)
		if !ok {
			b.Error("a limit is missed")
		}
		for _, r := range results {
			if r.Name == unsampled {
				b.ReportMetric(r.Time, "ns/unsampled-call")
			}
		}
	}
}
