package drivertest

import (
	"testing"

	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
)

// Process is a broker of the test's own, which it may kill.
type Process = crashtest.Server

// FreePort returns a port that nothing listens on now.
func FreePort(t testing.TB) int { return crashtest.FreePort(t) }

// Local is the loopback address of a port.
func Local(port int) string { return crashtest.Local(port) }
