package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progressBar draws what is being done, how far it is, and when it will be done,
// going by the time that it took so far.
func progressBar(w io.Writer) func(what string, done float64) {
	start := time.Now()
	return func(what string, done float64) {
		if done >= 1 {
			_, _ = fmt.Fprint(w, "\r\x1b[K")
			return
		}
		left := ""
		if spent := time.Since(start); spent > time.Second && done > .02 {
			left = fmt.Sprintf("  about %v left", time.Duration(float64(spent)*(1-done)/done).Round(time.Second))
		}
		full := int(20 * done)
		_, _ = fmt.Fprintf(w, "\r%s%s %3.0f %%  %s%s\x1b[K", strings.Repeat("█", full), strings.Repeat("░", 20-full), 100*done, what, left)
	}
}
