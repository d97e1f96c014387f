package saga

// The names of processes, for tests.
var (
	ProcessName = processName
	Gone        = gone
)
