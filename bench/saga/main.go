// Command saga measures sagas of three steps side by side with peers, in turns
// within one run, at equal durability: every store syncs before it acknowledges.
//
//	go run . -postgres "$ASHLAR_POSTGRES" -temporal path/of/temporal -out ../results/saga.txt
//
// The bare writer is the yardstick: the same five records a saga, by a loop that
// commits all that waits in one transaction and does nothing else.
//
// Every contender is a process of its own that is stopped (SIGSTOP) while others
// have their turn, so that nobody's polling costs anybody else.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// contender does one saga of three steps a call.
type contender struct {
	name, store string
	open        func(ctx context.Context, e *env) (do func(ctx context.Context, id string) error, end func(), about string, err error)
	commits     *atomic.Int64 // nil: not counted
	slow        bool          // a turn takes seconds: three of them do
}

// env is what contenders may use.
type env struct{ dir, postgres, temporal, only string }

func (e *env) contenders() []contender {
	all := []contender{bareSQLite(), ashlarSQLite(), dbosSQLite(), goWorkflows()}
	if e.postgres != "" {
		all = append(all, barePostgres(), ashlarPostgres(), dbosPostgres())
	}
	if e.temporal != "" {
		all = append(all, temporalDev())
	}
	if e.only != "" {
		names := strings.Split(e.only, ",")
		all = slices.DeleteFunc(all, func(c contender) bool { return !slices.Contains(names, c.name) })
	}
	return all
}

func main() {
	samples := flag.Int("samples", 10, "turns of each contender")
	span := flag.Duration("span", 500*time.Millisecond, "length of one turn")
	e := &env{}
	flag.StringVar(&e.postgres, "postgres", os.Getenv("ASHLAR_POSTGRES"), "URL of a PostgreSQL; empty: without")
	flag.StringVar(&e.temporal, "temporal", os.Getenv("TEMPORAL_BIN"), "Temporal's command line program, for its dev server; empty: without")
	flag.StringVar(&e.only, "only", "", "names of contenders, with commas; empty: all")
	flag.StringVar(&e.dir, "dir", "", "folder for the data; default a new one here, removed at the end")
	child := flag.Int("child", -1, "be the contender of this number, for the parent")
	out := flag.String("out", "", "file for the table and the raw lines (benchstat format) as well")
	check := flag.Bool("check", true, "fail when a limit does not hold")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if *child >= 0 {
		if err := serve(e, e.contenders()[*child]); err != nil {
			log.Fatal(err)
		}
		return
	}
	ok, err := compare(e, *samples, *span, *out)
	if err != nil {
		log.Fatal(err)
	}
	if !ok && *check {
		os.Exit(1)
	}
}

func compare(e *env, samples int, span time.Duration, out string) (ok bool, err error) {
	if e.dir == "" {
		if e.dir, err = os.MkdirTemp(".", "data"); err != nil {
			return false, err
		}
		defer func() { _ = os.RemoveAll(e.dir) }()
	}
	var rows []*row
	defer func() {
		for _, r := range rows {
			r.end()
		}
	}()
	for i, c := range e.contenders() {
		r, err := begin(e, i, c)
		if err != nil {
			return false, fmt.Errorf("%s on %s: %w", c.name, c.store, err)
		}
		rows = append(rows, r)
	}
	if err := turns(rows, samples, span); err != nil {
		return false, err
	}
	w := io.Writer(os.Stdout)
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			return false, err
		}
		defer func() { _ = f.Close() }()
		w = io.MultiWriter(w, f)
	}
	return report(w, rows, samples, span), nil
}

var levels = []int{1, 64} // sagas at once

const slowTurns = 3

// turns lets every contender have its turn, over and over.
func turns(rows []*row, samples int, span time.Duration) error {
	for n := -1; n < samples; n++ { // the first turn warms up
		for _, at := range levels {
			for _, r := range rows {
				if r.slow && n >= slowTurns {
					continue
				}
				s, err := r.turn(task{fmt.Sprintf("%d-%d", at, n), at, span})
				if err != nil {
					return fmt.Errorf("%s on %s, %d at once: %w", r.name, r.store, at, err)
				}
				if n >= 0 {
					r.samples[at] = append(r.samples[at], s)
				}
			}
		}
	}
	return nil
}
