package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// percent prints a share with as many nines as it has.
func percent(a float64) string {
	s := strings.TrimRight(fmt.Sprintf("%.3f", a*100), "0")
	return strings.TrimRight(s, ".") + " %"
}

func minutes(m float64) string {
	if m >= 120 {
		return fmt.Sprintf("%.1f hours", m/60)
	}
	return fmt.Sprintf("%.0f minutes", m)
}

// round drops digits that nobody reads.
func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// list names up to n elements, and how many more there are.
func list(refs []arch.Ref, n int) string {
	var s []string
	for i, r := range refs {
		if i == n {
			s = append(s, fmt.Sprintf("%d more", len(refs)-n))
			break
		}
		s = append(s, r.Short())
	}
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}

// timeFactor makes a count a factor of durations.
func timeFactor(n float64) time.Duration { return time.Duration(n + .5) }
