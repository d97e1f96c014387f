// Command bus measures the drivers of package bus beside the clients they stand
// on and other libraries, on one broker in one run: every row runs once in each
// round. A limit is judged by the median of the rounds' ratios, since what
// disturbs a machine disturbs the rows of one round alike. It ends with status 1
// when a limit is missed or was not judged; without a Kafka broker that is so
// under CI only.
//
//	go run ./bus -kafka 127.0.0.1:39092     Kafka, and NATS in a process of its own
//	go run ./bus -o FILE                    writes the table too
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
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
	rounds = flag.Int("rounds", 9, "how often each row runs")
	only   = flag.String("only", "", "run only rows whose title and name contain one of these, separated by |")
	scale  = flag.Float64("scale", 1, "multiplies the records of each run")
	cpu    = flag.String("cpuprofile", "", "file for a profile of the processor's time")
)

func main() {
	serve()
	flag.Parse()
	os.Exit(run())
}

func run() int {
	defer pprof.StopCPUProfile()
	var b bytes.Buffer
	held, err := compare(&b, kafkaProduce, kafkaConsume, natsPublish)
	if err != nil {
		return broken(err)
	}
	fmt.Print(b.String())
	if *out != "" {
		if err := os.WriteFile(*out, b.Bytes(), 0o644); err != nil {
			return broken(err)
		}
	}
	if !held {
		return 1
	}
	return 0
}

// compare writes all tables and reports whether every limit was judged and held.
func compare(b *bytes.Buffer, tables ...func() (table, func(), error)) (held bool, err error) {
	fmt.Fprintf(b, "# Bus beside other clients\n\n%s, %s, %d CPUs. Records of 200 bytes, 64 keys, 8 partitions. Medians of %d rounds, all rows in turns; the last column is the processor's time of this program, without the broker's.\n",
		time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), *rounds)
	if err := versions(b); err != nil {
		return false, err
	}
	held = true
	for _, prepare := range tables {
		t, end, err := prepare()
		if err == nil && len(t.rows) == 0 {
			fmt.Fprintf(b, "\n## %s\n\n- not judged: ASHLAR_KAFKA is not set, and there is no -kafka; `make servers` starts a broker\n", t.title)
			held = held && os.Getenv("CI") != "true"
		} else if err == nil {
			var ok bool
			ok, err = t.measure(b)
			held = held && ok
		}
		if end != nil {
			end()
		}
		if err != nil {
			return false, err
		}
	}
	return held, nil
}

// versions names the modules that are compared, as they were built in, and the broker.
func versions(b *bytes.Buffer) error {
	if *kafka != "" {
		p, err := kafkaBus(nil)
		if err != nil {
			return err
		}
		defer closeBus(p)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		d, err := p.Describe(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s %s.", d.Product, d.Version)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/twmb/franz-go", "github.com/IBM/sarama", "github.com/segmentio/kafka-go", "github.com/ThreeDotsLabs/watermill-kafka/v3",
			"github.com/ThreeDotsLabs/watermill-nats/v2", "github.com/nats-io/nats.go", "github.com/nats-io/nats-server/v2":
			fmt.Fprintf(b, " %s %s.", strings.TrimPrefix(m.Path, "github.com/"), m.Version)
		}
	}
	fmt.Fprintln(b)
	return nil
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

// profile begins with the first row that is measured: what prepares a table is no part of it.
func profile() error {
	if *cpu == "" {
		return nil
	}
	f, err := os.Create(*cpu)
	if err != nil {
		return err
	}
	*cpu = "" // once
	return pprof.StartCPUProfile(f)
}

func (t table) measure(b *bytes.Buffer) (ok bool, err error) {
	rates, costs := map[string][]float64{}, map[string][]float64{}
	for round := range *rounds + 1 { // the first warms up
		for i := range t.rows {
			r := t.rows[(i+round)%len(t.rows)] // no row is always behind the same other one
			n := max(1, int(float64(r.n)**scale))
			if !slices.ContainsFunc(strings.Split(*only, "|"), func(part string) bool { return strings.Contains(t.title+r.name, part) }) {
				continue
			}
			if err := profile(); err != nil {
				return false, err
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
	for _, r := range t.rows {
		if s := rates[r.name]; len(s) > 0 {
			fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f | %.0f |\n", r.name, median(s), slices.Min(s), slices.Max(s), median(costs[r.name]))
		}
	}
	fmt.Fprintln(b)
	return t.judge(b, rates), nil
}

func (t table) judge(b *bytes.Buffer, rates map[string][]float64) (ok bool) {
	ok = true
	for _, l := range t.limits {
		row, beside := rates[l.row], rates[l.beside]
		if len(row) == 0 || len(row) != len(beside) {
			ok = false
			fmt.Fprintf(b, "- not judged: %s beside %s did not both run\n", l.row, l.beside)
			continue
		}
		ratios := make([]float64, len(row))
		for i := range row {
			ratios[i] = row[i] / beside[i]
		}
		got, word := median(ratios), "holds"
		if got < l.ratio {
			ok, word = false, "MISSED"
		}
		fmt.Fprintf(b, "- %s: %s has %.2f of %s, at least %.2f (rounds: %.2f to %.2f)\n", word, l.row, got, l.beside, l.ratio, slices.Min(ratios), slices.Max(ratios))
	}
	return ok
}

func median(s []float64) float64 {
	s = slices.Sorted(slices.Values(s))
	return s[len(s)/2]
}
