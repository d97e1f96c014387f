// Command otlp measures how fast traces of the OpenTelemetry protocol are read,
// put together and aggregated, beside the collector's own reader, and what memory
// ten times the spans take. It ends with status 1 when a limit is missed.
//
//	go run ./otlp            prints the tables
//	go run ./otlp -o FILE    writes them too
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

// Limits of issue and table: spans per CPU-second, and the peak of ten times the
// spans beside that of the spans.
const (
	leastSpans = 1_000_000
	mostMemory = 1.2
)

func main() {
	out := flag.String("o", "", "file to write the tables to")
	rounds := flag.Int("rounds", 30, "how often each row runs")
	spans := flag.Int("spans", 100_000, "spans of one run of a row")
	most := flag.Int("memory", 10_000_000, "spans of the longer stream whose memory is measured; the shorter one has a tenth; 0: none")
	fed := flag.Int("feed", 0, "only feed a stream of so many spans and print the peak of the heap; for -memory")
	flag.Parse()
	if *fed > 0 {
		fmt.Println(feed(*fed))
		return
	}
	var b bytes.Buffer
	ok, err := report(&b, *rounds, *spans, *most)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Print(b.String())
	if *out != "" {
		if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	if !ok {
		os.Exit(1)
	}
}

func report(b *bytes.Buffer, rounds, spans, most int) (ok bool, err error) {
	// 2,500 spans a second: with a minute's spread and a minute's wait for late ones
	// 300,000 spans are open at any time.
	shape := otlptest.Shape{Spans: spans, Rate: 2500, Spread: 60}
	messages := otlptest.Messages(shape)
	size := 0
	for _, m := range messages {
		size += len(m)
	}
	fmt.Fprintf(b, "# OTLP traces, protobuf\n\n%s, %s %s/%s, %d CPUs%s. Spans of %d bytes with 12 attributes, the ten of a trace\nspread over %.0f s between those of others. Spans per second of processor time, all threads of the process; every row runs once in each of\n%d rounds, in turns. What else the machine does only ever takes away, caches above all, so the fastest round counts.\n\n",
		time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), pdata(), size/spans, shape.Spread, rounds)
	rows, end, err := ways()
	if err != nil {
		return false, err
	}
	defer end()
	if err := measure(rows, messages, shape, rounds); err != nil {
		return false, err
	}
	fmt.Fprintf(b, "| row | fastest | median | slowest |\n|---|---:|---:|---:|\n")
	for _, w := range rows {
		slices.Sort(w.rates)
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f |\n", w.name, w.rates[len(w.rates)-1], w.rates[len(w.rates)/2], w.rates[0])
	}
	got, word := slices.Max(rows[assembled].rates), "holds"
	ok = got >= leastSpans
	if !ok {
		word = "MISSED"
	}
	fmt.Fprintf(b, "\n- %s: %s: %.0f spans per CPU-second, at least %d (median %.0f)\n", word, rows[assembled].name, got, leastSpans, rows[assembled].rates[rounds/2])
	fmt.Fprintf(b, "- told: %.2f times what pdata decodes alone\n", slices.Max(rows[assembled].rates)/slices.Max(rows[collector].rates))
	if most == 0 {
		return ok, nil
	}
	held, err := memory(b, most)
	return ok && held, err
}

// measure runs every row once a round; the first rounds fill the windows of open traces.
func measure(rows []*way, messages [][]byte, shape otlptest.Shape, rounds int) error {
	length := float64(shape.Spans) / shape.Rate
	warm := int(2*60/length) + 2
	for round := range warm + rounds {
		otlptest.Shift(messages, uint64(round+1), int64(length*1e9))
		if round == warm {
			runtime.GC() // what making the messages left is not to be measured
		}
		for i := range rows {
			w := rows[(i+round)%len(rows)]
			if round < warm && !w.keeps {
				continue
			}
			before := processorTime()
			for _, m := range messages {
				if err := w.read(m); err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
			}
			if took := processorTime() - before; round >= warm {
				w.rates = append(w.rates, float64(shape.Spans)/max(took, time.Microsecond).Seconds())
			}
		}
	}
	return nil
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only for a bad address
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func pdata() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "go.opentelemetry.io/collector/pdata" {
				return ", pdata " + m.Version
			}
		}
	}
	return ""
}
