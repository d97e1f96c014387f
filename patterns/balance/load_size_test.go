//go:build !race

package balance_test

const loadSeeds, loadCalls = 3, 200_000

const modelSteps = 1_000_000
