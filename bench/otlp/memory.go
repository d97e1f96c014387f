package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
)

// fedAtOnce is a stretch of a stream that is made once and then moved on in
// time: longer than a trace is open.
const fedAtOnce = 150_000

// feed reads a stream of about so many spans and returns the most that its heap
// took, in KiB, beyond the messages themselves.
func feed(spans int) uint64 {
	shape := otlptest.Shape{Spans: fedAtOnce, Rate: 2500, Spread: 60}
	messages := otlptest.Messages(shape)
	read := assemble()
	runtime.GC() // what making them took
	before := heap()
	var peak uint64
	for round := range (spans + fedAtOnce - 1) / fedAtOnce {
		otlptest.Shift(messages, uint64(round+1), int64(float64(shape.Spans)/shape.Rate*1e9))
		for i, m := range messages {
			if err := read(m); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			if i%100 == 0 {
				now := heap()
				peak = max(peak, now-min(before, now))
			}
		}
	}
	return peak / 1024
}

// heap is what is in use, with what the collector has not freed yet.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// memory feeds streams of different lengths, each to a process of its own.
func memory(b *bytes.Buffer, most int) (ok bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	peak := map[int]float64{}
	lengths := []int{fedAtOnce, most / 10, most}
	fmt.Fprintf(b, "\n| spans of the stream | peak of the heap, MiB |\n|---:|---:|\n")
	for _, n := range lengths {
		out, err := exec.CommandContext(ctx, self, "-feed", strconv.Itoa(n)).Output()
		if err != nil {
			return false, fmt.Errorf("feed %d spans: %w", n, err)
		}
		kib, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			return false, err
		}
		peak[n] = kib / 1024
		fmt.Fprintf(b, "| %d | %.0f |\n", n, peak[n])
	}
	ratio, word := peak[most]/peak[most/10], "holds"
	if ok = ratio <= mostMemory; !ok {
		word = "MISSED"
	}
	fmt.Fprintf(b, "\nEach in a process of its own, beyond the messages that are fed, %d spans of them again and again.\n\n- %s: %d spans take %.2f times the memory of %d, at most %.2f\n", fedAtOnce, word, most, ratio, most/10, mostMemory)
	return ok, nil
}
