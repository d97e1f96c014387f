//go:build !race

package balance_test

const loadSeeds, loadCalls = 3, 200_000
