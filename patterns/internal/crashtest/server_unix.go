//go:build unix

package crashtest

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup gives the process a group of its own, so that helpers of the server
// die with it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func alive(p *os.Process) bool { return p.Signal(syscall.Signal(0)) == nil }

// killGroup reports false when there is nobody left.
func killGroup(p *os.Process) bool {
	return !errors.Is(syscall.Kill(-p.Pid, syscall.SIGKILL), syscall.ESRCH)
}
