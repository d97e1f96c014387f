package journaltest

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/driver"
)

// Bench measures appends of five records to new streams, one and 64 at once.
func Bench(b *testing.B, fresh func(b *testing.B) driver.Store) {
	b.Helper()
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) {
			var commits atomic.Int64
			j, err := journal.Open(b.Context(), fresh(b), &journal.Options{Observe: func(journal.Commit) { commits.Add(1) }})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = j.Close(context.Background()) }()
			var seq atomic.Int64
			data := make([]byte, 120)
			b.SetParallelism((n + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			if n == 1 {
				b.SetParallelism(1)
				old := runtime.GOMAXPROCS(1)
				defer runtime.GOMAXPROCS(old)
			}
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					u := journal.Unit{Stream: fmt.Sprintf("bench/%d", seq.Add(1)), Records: make([]journal.Record, 5)}
					for i := range u.Records {
						u.Records[i] = journal.Record{Type: "happened", Data: data}
					}
					if _, err := j.Append(context.Background(), u); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
			b.ReportMetric(float64(commits.Load())/float64(b.N), "commits/unit")
		})
	}
}
