package saga

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// place names this run of the machine and the namespace of its pids; "" when
// the system does not tell.
func place() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, string(boot), ns)
	return fmt.Sprintf("%08x", h.Sum32())
}

// started is when a process started, in ticks since the machine did; "" when
// there is none of this pid.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return "" // both: /proc may hide the processes of other users
	}
	// pid (name) state ppid …: the name may hold anything, so count from its end;
	// the start is field 22.
	s := string(b)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if err != nil || len(fields) < 20 {
		return unreadable
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "" // killed; its parent has not asked for it yet
	}
	return fields[19]
}
