// Command balance measures what a choice of package balance costs, and what the
// choices do to latency when one of ten backends is ten times slower. It ends
// with status 1 when a limit is missed.
//
//	go run ./balance            prints the tables
//	go run ./balance -o FILE    writes them too
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ashlar-dev/ashlar/bench/side"
	"github.com/ashlar-dev/ashlar/patterns/balance"
)

func main() {
	out := flag.String("o", "", "file to write the tables to")
	rounds := flag.Int("rounds", 0, "short runs of each row (default 600)")
	calls := flag.Int("calls", 200_000, "calls of each simulation")
	pairs := flag.Int("pairs", 12, "pairs of runs over real connections, 10 s each; 0: none")
	flag.Parse()
	results := side.Run(rows(), side.Options{Rounds: *rounds, Limits: limits()})
	lines, ok := side.Check(results, limits())
	var b bytes.Buffer
	side.Write(&b, "Balancing", results, lines)
	ok = loads(&b, *calls) && ok
	if *pairs > 0 {
		held, err := sockets{rounds: *pairs, warm: time.Second, length: 4 * time.Second}.report(&b)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		ok = held && ok
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

const (
	rowNow   = "calibration: time.Now"
	rowSince = "calibration: time.Since"
	rowRand  = "calibration: rand.Uint64"
)

func rowPick(a balance.Algorithm) string {
	return a.String() + ": pick among 100, with its clock reading and random number"
}

func rowDone(a balance.Algorithm) string { return a.String() + ": pick and done, two clock readings" }

func limits() (ls []side.Limit) {
	for a := balance.PeakEWMA; a <= balance.Hash; a++ {
		ls = append(ls, side.Limit{Row: rowPick(a), Beside: rowNow, Ratio: 1.5})
	}
	return ls
}

//lint:ignore U1000 keeps the compiler from dropping what is measured
var sink uint64

func rows() []side.Row {
	zero := time.Now()
	rs := []side.Row{
		{Name: rowNow, Make: func() func(int) { return repeat(func() { sink += uint64(time.Now().Nanosecond()) }) }},
		{Name: rowSince, Make: func() func(int) { return repeat(func() { sink += uint64(time.Since(zero)) }) }},
		{Name: rowRand, Make: func() func(int) { return repeat(func() { sink += rand.Uint64() }) }},
	}
	for a := balance.PeakEWMA; a <= balance.Hash; a++ {
		pick := func(end func(*balance.Balancer, balance.Pick)) func() func(int) {
			return func() func(int) {
				b := warm(a)
				return repeat(func() {
					u := rand.Uint64()
					p, err := b.Pick(int64(time.Since(zero)), u, balance.Request{Key: u})
					if err != nil {
						panic(err)
					}
					end(b, p)
				})
			}
		}
		rs = append(rs,
			// The pick has to be given back; as ignored that is one addition.
			side.Row{Name: rowPick(a), Make: pick(func(b *balance.Balancer, p balance.Pick) { b.Done(p, 0, balance.Ignored) })},
			side.Row{Name: rowDone(a), Make: pick(func(b *balance.Balancer, p balance.Pick) { b.Done(p, int64(time.Since(zero)), balance.Answered) })})
	}
	return rs
}

// warm is a balancer over 100 endpoints that have all answered.
func warm(a balance.Algorithm) *balance.Balancer {
	var es []balance.Endpoint
	for i := range 100 {
		es = append(es, balance.Endpoint{ID: fmt.Sprint("e", i), Weight: 1 + i%3})
	}
	b, err := balance.New(balance.Config{Algorithm: a}, es)
	if err != nil {
		panic(err)
	}
	for i := range 10_000 {
		p, _ := b.Pick(int64(i), rand.Uint64(), balance.Request{Key: uint64(i)})
		b.Done(p, int64(i)+int64(time.Millisecond), balance.Answered)
	}
	return b
}

func repeat(f func()) func(int) {
	return func(n int) {
		for range n {
			f()
		}
	}
}
