// Command bus measures the drivers of package bus beside the clients they stand
// on and other libraries, on one broker in one run: every row runs once in each
// round, and the median of the rounds counts. It ends with status 1 when a limit
// is missed.
//
//	go run ./bus -kafka 127.0.0.1:39092     Kafka, and NATS in a process of its own
//	go run ./bus -o FILE                    writes the table too
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

// row does n records and says how long they took.
type row struct {
	name string
	n    int
	run  func(n int) (time.Duration, error)
}

// limit demands that a row has at least ratio of another's rate.
type limit struct {
	row, beside string
	ratio       float64
}

type table struct {
	title  string
	rows   []row
	limits []limit
}

var (
	kafka  = flag.String("kafka", os.Getenv("ASHLAR_KAFKA"), "address of a Kafka broker; empty: no Kafka")
	out    = flag.String("o", "", "file to write the tables to")
	rounds = flag.Int("rounds", 5, "how often each row runs")
	only   = flag.String("only", "", "run only rows whose title and name contain this")
	scale  = flag.Float64("scale", 1, "multiplies the records of each run")
	cpu    = flag.String("cpuprofile", "", "file for a profile of the processor's time")
)

func main() {
	serve()
	flag.Parse()
	os.Exit(run())
}

func run() int {
	if *cpu != "" {
		f, err := os.Create(*cpu)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			return broken(err)
		}
		defer pprof.StopCPUProfile()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Bus beside other clients\n\n%s, %s, %d CPUs. Records of 200 bytes, 64 keys, 8 partitions. Median of %d rounds, all rows in turns.\n",
		time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), *rounds)
	ok := true
	for _, make := range []func() (table, func(), error){kafkaProduce, kafkaConsume, natsPublish} {
		t, end, err := make()
		if err == nil && t.rows != nil {
			var held bool
			held, err = t.measure(&b)
			ok = ok && held
		}
		if end != nil {
			end()
		}
		if err != nil {
			return broken(err)
		}
	}
	fmt.Print(b.String())
	if *out != "" {
		if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
			return broken(err)
		}
	}
	if !ok {
		return 1
	}
	return 0
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 2
}

// processorTime is what this process has used so far: what a busy machine takes
// away from a row's rate does not change it.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails only for a bad address
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (t table) measure(b *bytes.Buffer) (ok bool, err error) {
	rates, costs := map[string][]float64{}, map[string][]float64{}
	for round := range *rounds + 1 { // the first warms up
		for _, r := range t.rows {
			n := max(1, int(float64(r.n)**scale))
			if *only != "" && !strings.Contains(t.title+r.name, *only) {
				continue
			}
			before := processorTime()
			d, err := r.run(n)
			if err != nil {
				return false, fmt.Errorf("%s: %s: %w", t.title, r.name, err)
			}
			if round > 0 {
				rates[r.name] = append(rates[r.name], float64(n)/d.Seconds())
				costs[r.name] = append(costs[r.name], float64(processorTime()-before)/float64(n))
			}
		}
	}
	fmt.Fprintf(b, "\n## %s\n\n| row | records/s | lowest | highest | CPU ns/record |\n|---|---:|---:|---:|---:|\n", t.title)
	median := map[string]float64{}
	for _, r := range t.rows {
		s := rates[r.name]
		if len(s) == 0 {
			continue
		}
		slices.Sort(s)
		slices.Sort(costs[r.name])
		median[r.name] = s[len(s)/2]
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f | %.0f |\n", r.name, s[len(s)/2], s[0], s[len(s)-1], costs[r.name][len(s)/2])
	}
	fmt.Fprintln(b)
	ok = true
	for _, l := range t.limits {
		if len(rates[l.row]) == 0 || len(rates[l.beside]) == 0 {
			ok = false
			fmt.Fprintf(b, "- not judged: %s beside %s did not both run\n", l.row, l.beside)
			continue
		}
		got, word := median[l.row]/median[l.beside], "holds"
		if got < l.ratio {
			ok, word = false, "MISSED"
		}
		fmt.Fprintf(b, "- %s: %s has %.2f of %s, at least %.2f\n", word, l.row, got, l.beside, l.ratio)
	}
	return ok, nil
}
