//go:build race

package balance_test

// One goroutine: nothing for the race detector to find, which is slow.
const loadSeeds, loadCalls = 1, 50_000

const modelSteps = 50_000
