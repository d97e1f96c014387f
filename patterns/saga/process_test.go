package saga_test

import (
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// TestGone must never call a process gone that may be alive.
func TestGone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells when a process started; elsewhere its lease must end")
	}
	own := saga.ProcessName()
	parts := strings.Split(own, ":")
	n := len(parts)
	if n < 4 {
		t.Fatalf("own name %s", own)
	}
	with := func(i int, v string) string {
		p := append([]string(nil), parts...)
		p[n-i] = v
		return strings.Join(p, ":")
	}
	child := exec.Command("sleep", "100")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	killed := with(3, strconv.Itoa(child.Process.Pid)) // another start than the child's
	for name, want := range map[string]bool{
		own:               false,
		killed:            true,  // its pid is another process's by now
		with(1, "1"):      true,  // ours is
		with(2, "0badf0"): false, // a container beside us, or another run of the machine
		"elsewhere" + own[strings.Index(own, ":"):]: false,
		"web-1":        false,
		"host:4711":    false,
		with(3, "0"):   false,
		with(3, "x"):   false,
		with(3, "-1"):  false,
		":::":          false,
		with(2, ""):    false,
		with(4, "odd"): false,
	} {
		if got := saga.Gone(name); got != want {
			t.Errorf("gone(%q) = %t", name, got)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed: it says so
	if !saga.Gone(killed) {
		t.Errorf("%s is gone", killed)
	}
}
