//go:build !unix

package drivertest

import (
	"os"
	"os/exec"
)

// There are no groups to kill: a broker's helpers outlive it.
func ownGroup(*exec.Cmd) {}

// alive cannot be asked; a broker that ended is noticed by the deadline.
func alive(*os.Process) bool { return true }

func killGroup(p *os.Process) bool { return p.Kill() == nil }
