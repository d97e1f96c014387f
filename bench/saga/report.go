package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// limit is what must hold at a level: a's rate at least Ratio of b's.
type limit struct {
	a, b, store string
	at          int
	ratio       float64
}

var limits = []limit{
	{"ashlar", "bare-writer", "sqlite", 64, 0.4}, {"ashlar", "bare-writer", "postgres", 64, 0.4},
	{"ashlar", "dbos", "sqlite", 64, 8}, {"ashlar", "dbos", "postgres", 64, 8},
	{"ashlar", "dbos", "sqlite", 1, 1}, {"ashlar", "dbos", "postgres", 1, 1},
}

const (
	maxCommits = 1   // a saga, at 64 at once
	maxCPU     = 0.3 // ms a saga, at 64 at once
)

func report(w io.Writer, rows []*row, samples int, span time.Duration) (ok bool) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("# Sagas of three steps, side by side")
	p("date: %s\ncpus: %d, %s\ngo: %s\nturns: %d of %s each, alternating", time.Now().UTC().Format(time.RFC3339), runtime.NumCPU(), model(), runtime.Version(), samples, span)
	for _, r := range rows {
		p("%s/%s: %s", r.store, r.name, r.about)
	}
	p("calibration: %.0f write+fsync/s of 8 KiB appended to one file\n", calibrate())
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "STORE\tCONTENDER\tAT ONCE\tSAGAS/S (median)\tRANGE\tCPU MS/SAGA\tCOMMITS/SAGA")
	for _, at := range levels {
		for _, r := range rows {
			rate := r.column(at, func(s sample) float64 { return s.Rate })
			commits := ""
			if r.commits != nil {
				commits = fmt.Sprintf("%.3f", median(r.column(at, func(s sample) float64 { return s.Commits })))
			}
			_, _ = fmt.Fprintf(tw, "%s\t%s\t%d\t%.0f\t%.0f-%.0f\t%.3f\t%s\n", r.store, r.name, at, median(rate), slices.Min(rate), slices.Max(rate), median(r.column(at, func(s sample) float64 { return s.CPU })), commits)
		}
	}
	_ = tw.Flush()
	p("")
	ok = judge(p, rows)
	p("\n# Raw, for benchstat")
	for _, r := range rows {
		for _, at := range levels {
			for _, s := range r.samples[at] {
				p("BenchmarkSaga/store=%s/contender=%s/at=%d 1 %.0f ns/op %.1f sagas/s %.4f cpu-ms/op", r.store, r.name, at, 1e9/s.Rate, s.Rate, s.CPU)
			}
		}
	}
	return ok
}

// judge compares turn with turn: the ratio of neighbours in time, not of means.
func judge(p func(string, ...any), rows []*row) bool {
	ok := true
	verdict := func(good bool, format string, args ...any) {
		mark := "holds"
		if !good {
			mark, ok = "FAILS", false
		}
		p("%s  %s", mark, fmt.Sprintf(format, args...))
	}
	find := func(name, store string) *row {
		i := slices.IndexFunc(rows, func(r *row) bool { return r.name == name && r.store == store })
		if i < 0 {
			return nil
		}
		return rows[i]
	}
	for _, l := range limits {
		a, b := find(l.a, l.store), find(l.b, l.store)
		if a == nil || b == nil {
			continue
		}
		var ratios []float64
		for i := range a.samples[l.at] {
			ratios = append(ratios, a.samples[l.at][i].Rate/b.samples[l.at][i].Rate)
		}
		verdict(median(ratios) >= l.ratio, "%s: %s / %s at %d = %.2f (at least %.1f)", l.store, l.a, l.b, l.at, median(ratios), l.ratio)
	}
	for _, r := range rows {
		if r.name != "ashlar" {
			continue
		}
		c, cpu := median(r.column(64, func(s sample) float64 { return s.Commits })), median(r.column(64, func(s sample) float64 { return s.CPU }))
		verdict(c <= maxCommits, "%s: commits a saga at 64 = %.3f (at most %d)", r.store, c, maxCommits)
		verdict(cpu <= maxCPU, "%s: CPU ms a saga at 64 = %.3f (at most %.1f)", r.store, cpu, maxCPU)
	}
	return ok
}

func (r *row) column(at int, f func(sample) float64) []float64 {
	var out []float64
	for _, s := range r.samples[at] {
		out = append(out, f(s))
	}
	return out
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// calibrate measures what the disk can do.
func calibrate() float64 {
	f, err := os.Create(filepath.Join(".", fmt.Sprintf("calibrate%d", os.Getpid())))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	page, n, start := make([]byte, 8192), 0, time.Now()
	for time.Since(start) < time.Second {
		if _, err := f.Write(page); err != nil {
			return 0
		}
		if err := f.Sync(); err != nil {
			return 0
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds()
}

func model() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}
