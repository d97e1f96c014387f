// Package rounds measures things that wait for disks and servers: each row runs
// for a while, in turns, A B C A B C, in one run, ten times by default. Absolute
// numbers belong to the machine and the hour; what counts is the ratio of two
// rows within a round, of which the median is taken.
package rounds

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Row is one thing to measure.
type Row struct {
	Name string
	// Run does it for about d and reports how often, and how long that took.
	Run func(ctx context.Context, d time.Duration) (ops int, took time.Duration, err error)
}

// Sample is one row in one round.
type Sample struct {
	PerSecond float64
	CPU       time.Duration // of this process, per operation; servers not counted
}

// Table holds the samples: by row, then by round.
type Table struct {
	Title   string
	Names   []string
	Samples [][]Sample
	Notes   []string  // versions, settings
	load    [2]string // average over a minute, before and after
}

// Run measures the rows in turns. A first round warms up and is thrown away.
func Run(ctx context.Context, title string, rows []Row, n int, d time.Duration) (t Table, err error) {
	t = Table{Title: title, Samples: make([][]Sample, len(rows))}
	for _, r := range rows {
		t.Names = append(t.Names, r.Name)
	}
	t.load[0] = load()
	defer func() { t.load[1] = load() }()
	for round := range n + 1 {
		for i, r := range rows {
			runtime.GC()
			before := cpu()
			ops, took, err := r.Run(ctx, d)
			if err != nil {
				return t, fmt.Errorf("%s: %w", r.Name, err)
			}
			if ops == 0 {
				return t, fmt.Errorf("%s: nothing was done in %v", r.Name, took)
			}
			if round > 0 {
				t.Samples[i] = append(t.Samples[i], Sample{PerSecond: float64(ops) / took.Seconds(), CPU: (cpu() - before) / time.Duration(ops)})
			}
		}
	}
	return t, nil
}

// Limit demands that a row does at least Ratio times what another does.
type Limit struct {
	Row, Beside string
	Ratio       float64
}

// Check returns a line for each limit, and whether all hold.
func (t *Table) Check(limits []Limit) (lines []string, ok bool) {
	ok = true
	for _, l := range limits {
		a, b := t.row(l.Row), t.row(l.Beside)
		ratios := make([]float64, len(a))
		for i := range a {
			ratios[i] = a[i].PerSecond / b[i].PerSecond
		}
		slices.Sort(ratios)
		word, m := "holds", median(ratios)
		if m < l.Ratio {
			word, ok = "MISSED", false
		}
		lines = append(lines, fmt.Sprintf("%s: %s does %.2f times what %s does (%.2f to %.2f over the rounds), at least %.2f", word, l.Row, m, l.Beside, ratios[0], ratios[len(ratios)-1], l.Ratio))
	}
	return lines, ok
}

func (t *Table) row(name string) []Sample {
	i := slices.Index(t.Names, name)
	if i < 0 {
		panic("limit names a row that is not there: " + name)
	}
	return t.Samples[i]
}

// Write prints the table: medians with their spread, and all samples in the
// form that benchstat reads.
func (t *Table) Write(w io.Writer, lines []string) {
	fmt.Fprintf(w, "# %s\n\n%s, %s %s/%s, %d CPUs, load average %s before and %s after: beyond what this measures itself, it is other programs'.\n", t.Title, time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), t.load[0], t.load[1])
	for _, n := range t.Notes {
		fmt.Fprintf(w, "%s\n", n)
	}
	fmt.Fprintf(w, "\nMedians of %d rounds, all rows in turns in one run. CPU is this process's alone.\n\n| row | a second | spread | CPU each |\n|---|---:|---:|---:|\n", len(t.Samples[0]))
	for i, name := range t.Names {
		var rates []float64
		var cpus []float64
		for _, s := range t.Samples[i] {
			rates = append(rates, s.PerSecond)
			cpus = append(cpus, float64(s.CPU))
		}
		slices.Sort(rates)
		slices.Sort(cpus)
		fmt.Fprintf(w, "| %s | %.0f | %.0f to %.0f | %v |\n", name, median(rates), rates[0], rates[len(rates)-1], time.Duration(median(cpus)).Round(100*time.Nanosecond))
	}
	fmt.Fprintln(w)
	for _, l := range lines {
		fmt.Fprintf(w, "- %s\n", l)
	}
	fmt.Fprintf(w, "\nSamples for benchstat:\n\n```\n")
	for i, name := range t.Names {
		for _, s := range t.Samples[i] {
			fmt.Fprintf(w, "Benchmark%s 1 %.0f ns/op %d cpu-ns/op\n", label(name), 1e9/s.PerSecond, s.CPU)
		}
	}
	fmt.Fprintln(w, "```")
}

func label(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == ',' {
			return '_'
		}
		return r
	}, name)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// Module returns the version of a module in this program.
func Module(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == path {
			return d.Version
		}
	}
	return "of unknown version"
}

// Fsync is the row that says what the disk does: 8 KiB written and synced.
func Fsync(dir string) Row {
	return Row{Name: "write 8 KiB and fsync", Run: func(ctx context.Context, d time.Duration) (ops int, took time.Duration, err error) {
		f, err := os.OpenFile(filepath.Join(dir, "fsync"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return 0, 0, err
		}
		defer func() { _ = f.Close() }()
		page := make([]byte, 8192)
		start := time.Now()
		for time.Since(start) < min(d, 500*time.Millisecond) && ctx.Err() == nil {
			if _, err := f.WriteAt(page, int64(ops%1024)*8192); err != nil {
				return ops, 0, err
			}
			if err := f.Sync(); err != nil {
				return ops, 0, err
			}
			ops++
		}
		return ops, time.Since(start), ctx.Err()
	}}
}

// Workers runs f in n goroutines until d is over, and counts.
func Workers(ctx context.Context, n int, d time.Duration, f func(ctx context.Context, worker int) error) (ops int, took time.Duration, err error) {
	start := time.Now()
	type result struct {
		ops int
		err error
	}
	results := make(chan result, n)
	for w := range n {
		go func() {
			r := result{}
			for time.Since(start) < d && r.err == nil {
				if r.err = f(ctx, w); r.err == nil {
					r.ops++
				}
			}
			results <- r
		}()
	}
	for range n {
		r := <-results
		ops += r.ops
		if r.err != nil {
			err = r.err
		}
	}
	return ops, time.Since(start), err
}
