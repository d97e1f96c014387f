//go:build unix

package saga_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/journal"
	"github.com/ashlar-dev/ashlar/patterns/journal/sqlitestore"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// BenchmarkSaga runs sagas of three steps that do nothing; bench/saga compares
// with others.
func BenchmarkSaga(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("at-once=%d", n), func(b *testing.B) {
			store, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			var commits atomic.Int64
			j, err := journal.Open(b.Context(), store, &journal.Options{Observe: func(journal.Commit) { commits.Add(1) }})
			if err != nil {
				b.Fatal(err)
			}
			nop := func(name string) *saga.Step[order, receipt] {
				return &saga.Step[order, receipt]{
					Name: name,
					Do:   func(context.Context, *saga.Call[order]) (receipt, error) { return receipt{"number 17"}, nil },
					Undo: func(context.Context, *saga.Call[order], receipt) error { return nil },
				}
			}
			d, err := saga.New[order]("bench", 1, nil, nop("a"), nop("b"), nop("c"))
			if err != nil {
				b.Fatal(err)
			}
			o, err := saga.Open(b.Context(), j, nil, d)
			if err != nil {
				b.Fatal(err)
			}
			var seq atomic.Int64
			b.SetParallelism(max(1, n/runtime.GOMAXPROCS(0)))
			before := cpu()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := d.Run(context.Background(), o, fmt.Sprint("bench-", seq.Add(1)), order{Item: "pen", Cents: 100}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sagas/s")
			b.ReportMetric(float64(commits.Load())/float64(b.N), "commits/saga")
			b.ReportMetric((cpu()-before)*1000/float64(b.N), "cpu-ms/saga")
			_ = o.Close(context.Background())
			_ = j.Close(context.Background())
		})
	}
}

// cpu returns the processor time of this process in seconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
