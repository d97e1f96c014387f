package treesitter

import "syscall"

// memoryMax of a child's address space: a grammar takes some twenty times the
// source, and Go's runtime reserves a good deal that it never uses.
const memoryMax = 6 << 30

// limit keeps a grammar that runs away from taking the machine along.
func limit() {
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: memoryMax, Max: memoryMax})
}
