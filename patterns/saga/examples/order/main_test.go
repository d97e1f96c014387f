package main

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSurvivesKill9 kills the program while it charges and starts it again.
func TestSurvivesKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bin := filepath.Join(dir, "order")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"-journal", filepath.Join(dir, "orders.db"), "-pause"}
	first := exec.CommandContext(t.Context(), bin, append(args, "1h")...)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var before []string
	for lines.Scan() {
		before = append(before, lines.Text())
		if strings.HasPrefix(lines.Text(), "charging") {
			break
		}
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // "signal: killed" is what we wanted
	if got := strings.Join(before, ";"); !strings.HasPrefix(got, "reserving;charging, key order-1") {
		t.Fatalf("before the kill: %s", got)
	}
	after, err := exec.CommandContext(t.Context(), bin, append(args, "0")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(after); strings.Contains(got, "reserving") || !strings.Contains(got, "charging, key order-1") || !strings.HasSuffix(got, "shipping chisel from shelf 7\ndone\n") {
		t.Errorf("after the restart:\n%s", got)
	}
}
