//go:build unix

package admin

import (
	"errors"
	"syscall"
)

// alive reports whether there is a process of this id; of another user's, too.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
