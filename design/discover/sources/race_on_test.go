//go:build race

package sources_test

// raced: the race detector takes several times the time.
const raced = true
