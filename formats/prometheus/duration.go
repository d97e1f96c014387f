package prometheus

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Duration is a time as Prometheus writes it: 1d, 1h30m, 15s, 100ms.
type Duration time.Duration

var durationForm = regexp.MustCompile(`^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$`)

var units = []time.Duration{365 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond}

var unitNames = []string{"y", "w", "d", "h", "m", "s", "ms"}

// UnmarshalText reads a time.
func (d *Duration) UnmarshalText(b []byte) error {
	s := string(b)
	if s == "0" {
		*d = 0
		return nil
	}
	m := durationForm.FindStringSubmatch(s)
	if s == "" || m == nil {
		return fmt.Errorf("%q is no time such as 15s, 1h30m or 7d", s)
	}
	var sum time.Duration
	for i, u := range units {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil || n > int64((1<<63-1)/u) || sum+time.Duration(n)*u < sum {
			return fmt.Errorf("%q is too long a time", s)
		}
		sum += time.Duration(n) * u
	}
	*d = Duration(sum)
	return nil
}

// MarshalText writes it in the units that Prometheus takes.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	rest, out := time.Duration(d), ""
	for i, u := range units[2:] {
		if n := rest / u; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + unitNames[i+2]
			rest -= n * u
		}
	}
	return out
}
