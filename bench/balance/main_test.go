package main

import (
	"io"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/bench/side"
)

// Every row runs and no pick allocates; times are for `make bench`.
// Not parallel: allocations are counted for the whole process.
func TestRowsRun(t *testing.T) {
	for _, r := range side.Run(rows(), side.Options{Rounds: 1, Run: time.Microsecond}) {
		if r.Allocs > 0 {
			t.Errorf("%s: %.0f allocations", r.Name, r.Allocs)
		}
	}
	if !loads(io.Discard, 50_000) {
		t.Error("one slow backend shows too much")
	}
}

// The run over real connections works; its figures are for `make bench`.
func TestSocketsRun(t *testing.T) {
	t.Parallel()
	if _, err := (sockets{rounds: 1, warm: 20 * time.Millisecond, length: 100 * time.Millisecond}).report(io.Discard); err != nil {
		t.Fatal(err)
	}
}
