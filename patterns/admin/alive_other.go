//go:build !unix

package admin

import "os"

// alive reports whether there is a process of this id. Windows opens only those
// that there are; elsewhere nobody can tell, and a note is kept.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = p.Release()
	return true
}
