//go:build !race

package policy_test

// modelSteps is how many random events each machine goes through beside its
// reference.
const modelSteps = 1_000_000
