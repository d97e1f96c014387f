// Package side measures rows of code side by side in one run: short runs of
// each in turns, A B C A B C, and of every row the fastest run counts. On a
// shared machine absolute times drift; the minima of many short runs taken in
// turns, and their ratios, hardly do.
package side

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Row is one thing to measure.
type Row struct {
	Name string
	// Make readies the row and returns a function that does it n times.
	Make func() func(n int)
}

// Result is what a row took for doing it once.
type Result struct {
	Name   string
	Time   float64 // ns, of the fastest run
	Allocs float64
}

// Limit demands that one row takes at most Ratio of another (0: the ratio is
// only told), and allocates at most Allocs; negative: any.
//
// With Over, what the row takes and allocates beyond that row counts.
type Limit struct {
	Row, Beside string
	Over        string
	Ratio       float64
	Allocs      float64
}

// Options of Run; zero values are the defaults.
type Options struct {
	Rounds int           // default 600
	Run    time.Duration // about how long one short run takes; default 300 us
	// Limits that are missed are measured again, five times at most: what others
	// do on the machine only ever lengthens a run, so that more of them bring
	// both minima of a ratio nearer to the truth.
	Limits []Limit
}

// Run measures the rows in turns.
func Run(rows []Row, o Options) []Result {
	if o.Rounds == 0 {
		o.Rounds = 600
	}
	if o.Run == 0 {
		o.Run = 300 * time.Microsecond
	}
	out := make([]Result, len(rows))
	do := make([]func(int), len(rows))
	times := make([]int, len(rows))
	for i, r := range rows {
		do[i] = r.Make()
		do[i](1000) // past windows that fill and pools that warm
		out[i] = Result{Name: r.Name, Allocs: testing.AllocsPerRun(500, func() { do[i](1) })}
		start := time.Now()
		do[i](1000)
		times[i] = max(10, int(o.Run/max(time.Since(start)/1000, 1)))
	}
	for range 6 {
		turns(do, times, o.Rounds, out)
		if _, ok := Check(out, o.Limits); ok {
			break
		}
	}
	return out
}

// turns measures every row once a round and keeps the fastest.
func turns(do []func(int), times []int, rounds int, out []Result) {
	for range rounds {
		for i := range do {
			runtime.Gosched()
			start := time.Now()
			do[i](times[i])
			if t := float64(time.Since(start)) / float64(times[i]); out[i].Time == 0 || t < out[i].Time {
				out[i].Time = t
			}
		}
	}
}

// Check returns a line for each limit and whether all hold.
func Check(results []Result, limits []Limit) (lines []string, ok bool) {
	by := map[string]Result{}
	for _, r := range results {
		by[r.Name] = r
	}
	ok = true
	for _, l := range limits {
		a, found := by[l.Row]
		b, beside := by[l.Beside]
		if !found || !beside {
			panic(fmt.Sprintf("limit names a row that is not there: %+v", l))
		}
		what := l.Row
		if l.Over != "" {
			over, found := by[l.Over]
			if !found {
				panic(fmt.Sprintf("limit names a row that is not there: %+v", l))
			}
			a.Time, a.Allocs = a.Time-over.Time, a.Allocs-over.Allocs
			what += ", beyond " + l.Over + ","
		}
		word := "holds"
		if l.Ratio == 0 && l.Allocs < 0 {
			word = "told"
		}
		if l.Ratio > 0 && a.Time > l.Ratio*b.Time || l.Allocs >= 0 && a.Allocs > l.Allocs {
			word, ok = "MISSED", false
		}
		s := fmt.Sprintf("%s: %s is %.2f of %s", word, what, a.Time/b.Time, l.Beside)
		if l.Ratio > 0 {
			s += fmt.Sprintf(", at most %.2f", l.Ratio)
		}
		if l.Allocs >= 0 {
			s += fmt.Sprintf("; %.0f allocations, at most %.0f", a.Allocs, l.Allocs)
		}
		lines = append(lines, s)
	}
	return lines, ok
}

// Write prints a page of results with what they were measured on. Modules are
// those whose versions matter.
func Write(w io.Writer, title string, results []Result, lines []string, modules ...string) {
	fmt.Fprintf(w, "# %s\n\n%s, %s %s/%s, %s, %d CPUs.\n", title, time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu(), runtime.NumCPU())
	if v := versions(modules); v != "" {
		fmt.Fprintf(w, "Beside: %s.\n", v)
	}
	fmt.Fprintf(w, "Minima of many short runs, all rows in turns in one run.\n\n| row | ns | allocations |\n|---|---:|---:|\n")
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %.1f | %.0f |\n", r.Name, r.Time, r.Allocs)
	}
	fmt.Fprintln(w)
	for _, l := range lines {
		fmt.Fprintf(w, "- %s\n", l)
	}
}

func versions(modules []string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var out []string
	for _, d := range info.Deps {
		for _, m := range modules {
			if d.Path == m {
				out = append(out, d.Path+" "+d.Version)
			}
		}
	}
	return strings.Join(out, ", ")
}

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return "unknown CPU"
}
