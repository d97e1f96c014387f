//go:build race

package policy_test

// Under the race detector the models, which use one goroutine, only get a turn;
// the hammer tests are what it is for.
const modelSteps = 50_000
