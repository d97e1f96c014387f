package saga

import (
	"os"
	"strconv"
	"strings"
)

// processName is the default of Options.Node: host:pid, and where the system
// tells (Linux) the place and the time of the process's start, so that no other
// process ever has it: host:pid:place:start.
func processName() string {
	name := hostname() + ":" + strconv.Itoa(os.Getpid())
	place, start := place(), started(os.Getpid())
	if place == "" || start == "" {
		return name
	}
	return name + ":" + place + ":" + start
}

// gone reports whether a node of the default form is certain to be a process of
// this machine that has ended. It saves its sagas the rest of the lease. A pid
// alone would not do: it is soon another process's, or, where the host's name is
// shared with another container, one that cannot be seen from here.
func gone(node string) bool {
	parts := strings.Split(node, ":")
	if len(parts) < 4 {
		return false
	}
	parts = parts[len(parts)-3:]
	host := strings.TrimSuffix(node, ":"+strings.Join(parts, ":"))
	pid, err := strconv.Atoi(parts[0])
	if err != nil || pid <= 0 || host != hostname() || parts[1] == "" || parts[1] != place() {
		return false
	}
	start := started(pid)
	return start != unreadable && start != parts[2]
}

// unreadable is the start of a process that there is, but hidden from us.
const unreadable = "?"

func hostname() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "localhost"
	}
	return strings.ToValidUTF8(h, "_")
}
