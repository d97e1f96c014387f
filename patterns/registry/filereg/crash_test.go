package filereg_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
	"github.com/ashlar-dev/ashlar/patterns/registry/filereg"
)

const childFolder = "ASHLAR_FILEREG_CHILD"

// TestChild is the process that is killed: it registers and waits.
func TestChild(t *testing.T) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		t.Skip("runs only as the child of TestKilled")
	}
	r, err := filereg.Open(dir, &filereg.Options{Lease: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	in := driver.Instance{ID: "child", Service: "payments", Port: 80}
	if err := r.Register(context.Background(), driver.Registration{Instance: in, DeregisterAfter: 500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("registered")
	select {}
}

// A process killed with SIGKILL says no farewell: it must stop passing when its
// lease is over, and its file must be swept by whoever looks.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "registered") {
	}
	r, err := filereg.Open(dir, &filereg.Options{Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	w, err := r.Watch(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for n := -1; n != 1; {
		list, err := w.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n = len(list)
	}
	// It outlives several leases while it lives.
	alive, stop := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer stop()
	if list, err := w.Next(alive); err == nil {
		t.Fatalf("changed to %v while the process lives", list)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	killed := time.Now()
	if list, err := w.Next(ctx); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	if d := time.Since(killed); d > 3*time.Second {
		t.Errorf("it passed for %s after its death, with a lease of 1 s", d)
	}
	path := filepath.Join(dir, "payments", "child.json")
	again, stop := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer stop()
	if list, err := w.Next(again); err == nil {
		t.Fatalf("came back: %v", list)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("its file is still there: %v", err)
	}
}
