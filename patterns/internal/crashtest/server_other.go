//go:build !unix

package crashtest

import (
	"os"
	"os/exec"
)

// There are no groups to kill: a server's helpers outlive it.
func ownGroup(*exec.Cmd) {}

// alive cannot be asked; a server that ended is noticed by the deadline.
func alive(*os.Process) bool { return true }

func killGroup(p *os.Process) bool { return p.Kill() == nil }
