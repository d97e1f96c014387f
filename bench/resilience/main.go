// Command resilience measures the policies of package resilience beside those
// of other libraries. It ends with status 1 when a limit is missed.
//
//	go run ./resilience            prints the table
//	go run ./resilience -o FILE    writes it too
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/ashlar-dev/ashlar/bench/side"
)

func main() {
	out := flag.String("o", "", "file to write the table to")
	rounds := flag.Int("rounds", 0, "short runs of each row (default 600)")
	run := flag.Duration("run", 0, "length of one short run (default 300us)")
	flag.Parse()
	results := side.Run(rows(), side.Options{Rounds: *rounds, Run: *run, Limits: limits()})
	lines, ok := side.Check(results, limits())
	var b bytes.Buffer
	side.Write(&b, "Policies beside other libraries", results, lines, peers...)
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
