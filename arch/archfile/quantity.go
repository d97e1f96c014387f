package archfile

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// quantity is a number with a unit. One pattern serves the reader and the
// schema, so that the two cannot disagree about the form.
type quantity struct {
	name    string
	want    string // for faults: "want a time such as 300ms"
	about   string // for the schema
	pattern *regexp.Regexp
	max     float64 // of a plain number; 0: no plain numbers but 0, negative: any
	parse   func(s string) (float64, error)
	format  func(f float64) string
}

const (
	decimal    = `[0-9]+(\.[0-9]+)?`
	goDuration = `([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))`
)

var (
	durationQ = &quantity{name: "duration", want: "want a time such as 300ms, 2s, 1m30s or 30d",
		about:   "A time: 300ms, 2s, 1m30s, 30d. 0 means none.",
		pattern: regexp.MustCompile(`^([0-9]+w)?([0-9]+d)?` + goDuration + `*$`),
		parse:   func(s string) (float64, error) { d, err := parseDuration(s); return float64(d), err },
		format:  func(f float64) string { return formatDuration(time.Duration(f)) }}
	secondsQ = &quantity{name: "seconds", want: "want a time such as 5s, or a number of seconds",
		about:   "A time such as 5s, or a number of seconds.",
		pattern: durationQ.pattern, max: -1,
		parse:  func(s string) (float64, error) { d, err := parseDuration(s); return d.Seconds(), err },
		format: formatSeconds}
	rateQ = &quantity{name: "rate", want: "want a rate such as 120rps, 30/min, or a number per second",
		about:   "A rate: 120rps, 30/min, 500/h, 2/d, or a number per second.",
		pattern: regexp.MustCompile(`^` + decimal + `(rps|/s|/min|/h|/d)$`), max: -1,
		parse:  suffixes(map[string]float64{"rps": 1, "/s": 1, "/min": 60, "/h": 3600, "/d": 86400}, true),
		format: func(f float64) string { return decimalText(f) + "rps" }}
	shareQ = &quantity{name: "share", want: "want a share such as 99.9% or 0.999",
		about:   "A share: 99.9%, or 0 to 1.",
		pattern: regexp.MustCompile(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`), max: 1, parse: percent, format: formatPercent}
	ratioQ = &quantity{name: "ratio", want: "want a ratio such as 20% or 1.5",
		about:   "A ratio: 20%, or a number; it may be above 1.",
		pattern: regexp.MustCompile(`^` + decimal + `%$`), max: -1, parse: percent, format: formatPercent}
	bytesQ = &quantity{name: "size", want: "want a size such as 512MiB, or a number of bytes",
		about:   "A size: 512MiB, 2GiB (Mi and Gi as Kubernetes writes them, MB and GB in thousands), or a number of bytes.",
		pattern: regexp.MustCompile(`^` + decimal + `(B|[KMGT]iB?|kB|[MGT]B|k|M|G|T)$`), max: -1,
		parse: suffixes(map[string]float64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
			"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}, false),
		format: formatBytes}
	coresQ = &quantity{name: "cores", want: "want cores such as 500m or 2",
		about:   "CPU: 500m (thousandths of a core), or a number of cores.",
		pattern: regexp.MustCompile(`^[0-9]+m$`), max: -1,
		parse:  func(s string) (float64, error) { return strconv.ParseFloat(strings.TrimSuffix(s, "m")+"e-3", 64) },
		format: formatCores}
)

func (q *quantity) read(r *reader, n *doc.Node, v reflect.Value, at arch.Fact) {
	r.mark(at, n)
	var f float64
	var err error
	switch n.Kind {
	case doc.Int, doc.Float:
		f, err = strconv.ParseFloat(n.Text, 64)
		if err != nil || f < 0 || math.IsInf(f, 0) || math.IsNaN(f) || q.max >= 0 && f > q.max {
			r.fault(n, doc.Value, at, q.want, "")
			return
		}
	case doc.String:
		if n.Text == "" || !q.pattern.MatchString(n.Text) {
			r.fault(n, doc.Type, at, q.want, "")
			return
		}
		if f, err = q.parse(n.Text); err != nil || math.IsInf(f, 0) {
			r.fault(n, doc.Value, at, "the value is out of range", "")
			return
		}
	default:
		r.fault(n, doc.Type, at, q.want, "")
		return
	}
	setOpt(v, func(x reflect.Value) {
		if x.Kind() == reflect.Float64 {
			x.SetFloat(f)
			return
		}
		d, _ := parseDuration(n.Text) // float64 does not hold every nanosecond
		x.SetInt(int64(d))
	})
}

func (q *quantity) tree(w *encoder, v reflect.Value, at arch.Fact) *tree {
	x, known := getOpt(v)
	if !known {
		return nil
	}
	if x.Kind() == reflect.Float64 {
		return w.scalar(at, q.format(x.Float()))
	}
	return w.scalar(at, formatDuration(time.Duration(x.Int())))
}

func (q *quantity) schema(d *definitions) map[string]any {
	return d.ref(q.name, func() map[string]any {
		number := map[string]any{"type": "number", "minimum": 0}
		switch {
		case q.max == 0:
			number = map[string]any{"type": "number", "const": 0}
		case q.max > 0:
			number["maximum"] = q.max
		}
		return map[string]any{"description": q.about, "anyOf": []any{number,
			map[string]any{"type": "string", "minLength": 1, "pattern": q.pattern.String()}}}
	})
}

// setOpt sets an Opt, or a plain value.
func setOpt(v reflect.Value, set func(reflect.Value)) {
	if v.Kind() == reflect.Struct {
		v.Field(1).SetBool(true)
		v = v.Field(0)
	}
	set(v)
}

// getOpt is a value and whether it is known; a plain zero is not.
func getOpt(v reflect.Value) (reflect.Value, bool) {
	if v.Kind() == reflect.Struct {
		return v.Field(0), v.Field(1).Bool()
	}
	return v, !v.IsZero()
}

// parseDuration is time.ParseDuration with weeks and days before the rest.
func parseDuration(s string) (time.Duration, error) {
	var total time.Duration
	for unit, length := range map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour} {
		i := strings.Index(s, unit)
		if i < 0 {
			continue
		}
		from := strings.LastIndexFunc(s[:i], func(c rune) bool { return c < '0' || c > '9' }) + 1
		n, err := strconv.ParseInt(s[from:i], 10, 64)
		if err != nil || n > int64(math.MaxInt64/length) {
			return 0, fmt.Errorf("%q is no time", s)
		}
		total += time.Duration(n) * length
		s = s[:from] + s[i+1:]
	}
	if s == "" {
		return total, nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && total+d < total {
		err = fmt.Errorf("%q is too long", s)
	}
	return total + d, err
}

func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func formatSeconds(f float64) string {
	if d := time.Duration(math.Round(f * 1e9)); f < 1e9 && d.Seconds() == f {
		return formatDuration(d)
	}
	return decimalText(f)
}

// suffixes reads a decimal and a unit.
func suffixes(units map[string]float64, per bool) func(string) (float64, error) {
	return func(s string) (float64, error) {
		i := strings.IndexFunc(s, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
		f, err := strconv.ParseFloat(s[:i], 64)
		if per {
			return f / units[s[i:]], err
		}
		return f * units[s[i:]], err
	}
}

// percent shifts the decimal point as text: 99.9 / 100 is not 0.999 in binary.
func percent(s string) (float64, error) {
	return strconv.ParseFloat(strings.TrimSuffix(s, "%")+"e-2", 64)
}

func formatPercent(f float64) string { return shift(decimalText(f), 2) + "%" }

// decimalText writes f without an exponent, which the patterns don't know.
func decimalText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// shift moves the decimal point to the right.
func shift(s string, by int) string {
	whole, frac, _ := strings.Cut(s, ".")
	frac += strings.Repeat("0", max(0, by-len(frac)))
	whole, frac = strings.TrimLeft(whole+frac[:by], "0"), strings.TrimRight(frac[by:], "0")
	if whole == "" {
		whole = "0"
	}
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}

func formatBytes(f float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if f >= u.size && math.Mod(f, u.size) == 0 {
			return decimalText(f/u.size) + u.name
		}
	}
	return decimalText(f)
}

func formatCores(f float64) string {
	if s := shift(decimalText(f), 3); f > 0 && f < 1 && !strings.Contains(s, ".") {
		return s + "m"
	}
	return decimalText(f)
}
