package bus

import (
	"testing"
	"time"
)

// What is remembered of one event must not change how the next one is read.
func FuzzSeenTime(f *testing.F) {
	for _, s := range []string{"2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5Z", "2026-11-22T10:00:00.123456789Z", "2026-11-22T10:00:00.Z",
		"2026-11-22T10:00:00.1234567891Z", "2026-11-22T10:00:00+02:00", "2026-11-22T10:00:00,5Z", "2026-11-22T24:00:00Z", "Z", ""} {
		f.Add("2026-11-22T10:00:00.25Z", s)
		f.Add(s, "2026-11-22T10:00:00.25Z")
	}
	f.Fuzz(func(t *testing.T, before, text string) {
		var s seen
		_, _ = s.time([]byte(before)) // only what it leaves behind counts
		got, err := s.time([]byte(text))
		want, wantErr := time.Parse(time.RFC3339Nano, text)
		if (err == nil) != (wantErr == nil) || !got.Equal(want) {
			t.Errorf("after %q: %q is read as %v, %v; want %v, %v", before, text, got, err, want, wantErr)
		}
	})
}
