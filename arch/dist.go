package arch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dist is a distribution: a law that a hand wrote, or a sketch of what was
// observed. Values are SI units, times in seconds.
//
// Laws: "4ms" or "3" (constant), "lognormal(p50=4ms, p99=20ms)",
// "exp(mean=4ms)", "uniform(min=1ms, max=5ms)".
//
// A sketch keeps counts in logarithmic buckets of relative width 2 %, so that a
// quantile is off by at most 1 % and two sketches add up exactly (the idea of
// DDSketch, Masson et al., VLDB 2019).
type Dist struct {
	Law     string   `json:"law,omitempty"`
	N       int64    `json:"n,omitempty"`
	Sum     float64  `json:"sum,omitempty"`
	Min     float64  `json:"min,omitempty"`
	Max     float64  `json:"max,omitempty"`
	Buckets []Bucket `json:"buckets,omitempty"` // sorted by Index
}

// Bucket counts values in (gamma^(Index-1), gamma^Index].
type Bucket struct {
	Index int32 `json:"i"`
	Count int64 `json:"c"`
}

const (
	gamma = 1.0202
	// bucketZero holds what is not above zero.
	bucketZero = math.MinInt32
)

var logGamma = math.Log(gamma)

// Const is the law of a value that never varies.
func Const(v float64) Dist { return Dist{Law: formatFloat(v)} }

// ConstTime is the law of a time that never varies.
func ConstTime(d time.Duration) Dist { return Dist{Law: d.String()} }

// IsZero reports whether nothing is known.
func (d Dist) IsZero() bool { return d.Law == "" && d.N == 0 }

// Observe adds one value to a sketch.
func (d *Dist) Observe(v float64) { d.ObserveN(v, 1) }

// ObserveN adds a value that stands for n, as a sampled trace does.
func (d *Dist) ObserveN(v float64, n int64) {
	if n <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	if d.N == 0 || v < d.Min {
		d.Min = v
	}
	if d.N == 0 || v > d.Max {
		d.Max = v
	}
	d.N += n
	d.Sum += v * float64(n)
	i := bucketOf(v)
	at, end := 0, len(d.Buckets)
	// Buckets are nearly without gaps: its distance from the first is where it is, or a little behind.
	if end > 0 {
		if g := int(i) - int(d.Buckets[0].Index); g >= 0 && g < end {
			if d.Buckets[g].Index == i {
				d.Buckets[g].Count += n
				return
			}
			end = g
		}
	}
	for at < end {
		if m := int(uint(at+end) >> 1); d.Buckets[m].Index < i {
			at = m + 1
		} else {
			end = m
		}
	}
	if at < len(d.Buckets) && d.Buckets[at].Index == i {
		d.Buckets[at].Count += n
		return
	}
	d.Buckets = slices.Insert(d.Buckets, at, Bucket{i, n})
}

// bucketOf is the index of the bucket that holds v.
func bucketOf(v float64) int32 {
	switch {
	case v <= 0:
		return bucketZero
	case v == 1: // how often a call happens, nearly always
		return 0
	}
	bits := math.Float64bits(v)
	exp := int(bits>>52) - 1023
	k := bits >> (52 - logBits) & (1<<logBits - 1)
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52) // v = m * 2^exp, m in [1, 2)
	// The logarithm from the middle of the table's slot: x is at most 1/512, so that
	// the first term left out, x^3/3, moves the index by less than 2e-7.
	x := (m - logTable[k].at) * logTable[k].inverse
	f := logTable[k].log + float64(exp)*octave + (x-x*x/2)*perLog
	c := math.Ceil(f)
	if c-f < 1e-6 || c-f > 1-1e-6 || exp == -1023 { // too near to a border to tell
		return int32(math.Ceil(math.Log(v)/logGamma - 1e-9))
	}
	return int32(c)
}

const logBits = 8

var (
	perLog = 1 / logGamma
	octave = math.Ln2 / logGamma // buckets of one power of two
)

// logTable has the logarithms, in buckets, of the middles of 256 slots of [1, 2).
// It is filled once, before anything reads it, so it needs no lock.
var logTable = func() (t [1 << logBits]struct{ at, inverse, log float64 }) {
	for i := range t {
		at := 1 + (float64(i)+.5)/float64(len(t))
		t[i].at, t[i].inverse, t[i].log = at, 1/at, math.Log(at)/logGamma
	}
	return t
}()

// Plus adds two sketches. A law wins over a sketch.
func (d Dist) Plus(e Dist) Dist {
	switch {
	case d.Law != "" || e.IsZero():
		return d
	case e.Law != "" || d.IsZero():
		return e
	}
	s := Dist{N: d.N + e.N, Sum: d.Sum + e.Sum, Min: min(d.Min, e.Min), Max: max(d.Max, e.Max)}
	s.Buckets = make([]Bucket, 0, len(d.Buckets)+len(e.Buckets))
	a, b := d.Buckets, e.Buckets
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Index < b[0].Index:
			s.Buckets, a = append(s.Buckets, a[0]), a[1:]
		case len(a) == 0 || b[0].Index < a[0].Index:
			s.Buckets, b = append(s.Buckets, b[0]), b[1:]
		default:
			s.Buckets = append(s.Buckets, Bucket{a[0].Index, a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		}
	}
	return s
}

// Quantile returns the value that a share q (0..1) of the distribution does not
// exceed; ok is false when nothing is known.
func (d Dist) Quantile(q float64) (v float64, ok bool) {
	if d.Law != "" {
		l, err := parseLaw(d.Law)
		if err != nil {
			return 0, false
		}
		return l.quantile(q), true
	}
	if d.N == 0 {
		return 0, false
	}
	rank := int64(math.Ceil(q * float64(d.N)))
	var seen int64
	for _, b := range d.Buckets {
		if seen += b.Count; seen >= rank {
			if b.Index == bucketZero {
				return d.Min, true
			}
			mid := 2 * math.Pow(gamma, float64(b.Index)) / (1 + gamma)
			return min(max(mid, d.Min), d.Max), true
		}
	}
	return d.Max, true
}

// Mean returns the expected value.
func (d Dist) Mean() (v float64, ok bool) {
	if d.Law != "" {
		l, err := parseLaw(d.Law)
		if err != nil {
			return 0, false
		}
		return l.mean(), true
	}
	if d.N == 0 {
		return 0, false
	}
	return d.Sum / float64(d.N), true
}

// Time returns a quantile as a duration.
func (d Dist) Time(q float64) (time.Duration, bool) {
	v, ok := d.Quantile(q)
	return time.Duration(v * float64(time.Second)), ok
}

// Check reports what is wrong with a law.
func (d Dist) Check() error {
	if d.Law == "" {
		return nil
	}
	_, err := parseLaw(d.Law)
	return err
}

// MarshalText writes a law as it is and a sketch as sketch(n, sum, min, max; i:c ...).
func (d Dist) MarshalText() ([]byte, error) {
	if d.Law != "" || d.N == 0 {
		return []byte(d.Law), nil
	}
	b := []byte("sketch(" + strconv.FormatInt(d.N, 10) + ", " + formatFloat(d.Sum) + ", " + formatFloat(d.Min) + ", " + formatFloat(d.Max) + ";")
	for _, k := range d.Buckets {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(k.Index), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, k.Count, 10)
	}
	return append(b, ')'), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Dist) UnmarshalText(text []byte) error {
	s := string(text)
	body, ok := strings.CutPrefix(s, "sketch(")
	if !ok {
		*d = Dist{Law: s}
		return d.Check()
	}
	*d = Dist{}
	head, tail, ok := strings.Cut(strings.TrimSuffix(body, ")"), ";")
	parts := strings.Split(head, ", ")
	if !ok || len(parts) != 4 {
		return fmt.Errorf("sketch %.40q: want sketch(n, sum, min, max; index:count ...)", s)
	}
	var err error
	if d.N, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
		return fmt.Errorf("sketch: n: %w", err)
	}
	for i, p := range []*float64{&d.Sum, &d.Min, &d.Max} {
		if *p, err = strconv.ParseFloat(parts[i+1], 64); err != nil {
			return fmt.Errorf("sketch: %w", err)
		}
	}
	for f := range strings.FieldsSeq(tail) {
		is, cs, _ := strings.Cut(f, ":")
		i, err1 := strconv.ParseInt(is, 10, 32)
		c, err2 := strconv.ParseInt(cs, 10, 64)
		if err1 != nil || err2 != nil || c < 0 || len(d.Buckets) > 0 && d.Buckets[len(d.Buckets)-1].Index >= int32(i) {
			return fmt.Errorf("sketch: bucket %q: want index:count in order", f)
		}
		d.Buckets = append(d.Buckets, Bucket{int32(i), c})
	}
	return nil
}

// law is a parsed Dist.Law.
type law struct {
	name string
	a, b float64
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

func parseLaw(s string) (law, error) {
	name, rest, isFunc := strings.Cut(s, "(")
	if !isFunc {
		v, err := parseQuantity(s)
		if err != nil {
			return law{}, fmt.Errorf("%q is neither a time such as 4ms, a number, nor a law such as lognormal(p50=4ms, p99=20ms)", s)
		}
		return law{name: "const", a: v}, nil
	}
	want, ok := map[string][2]string{"lognormal": {"p50", "p99"}, "exp": {"mean", ""}, "uniform": {"min", "max"}}[name]
	if !ok || !strings.HasSuffix(rest, ")") {
		return law{}, fmt.Errorf("%q: unknown law %q; known are lognormal(p50=, p99=), exp(mean=), uniform(min=, max=)", s, name)
	}
	got := map[string]float64{}
	for p := range strings.SplitSeq(strings.TrimSuffix(rest, ")"), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		f, err := parseQuantity(strings.TrimSpace(v))
		if err != nil || f < 0 {
			return law{}, fmt.Errorf("%q: %s=%s: want a time or a number that is not negative", s, k, v)
		}
		got[strings.TrimSpace(k)] = f
	}
	l := law{name: name, a: got[want[0]], b: got[want[1]]}
	for _, k := range want {
		if _, ok := got[k]; k != "" && !ok {
			return law{}, fmt.Errorf("%q: %s needs %s=", s, name, k)
		}
		delete(got, k)
	}
	for k := range got {
		return law{}, fmt.Errorf("%q: %s has no parameter %q", s, name, k)
	}
	if want[1] != "" && l.b < l.a {
		return law{}, fmt.Errorf("%q: %s is below %s", s, want[1], want[0])
	}
	if name == "lognormal" && l.a == 0 {
		return law{}, fmt.Errorf("%q: p50 must be above 0", s)
	}
	return l, nil
}

func (l law) sigma() float64 { return math.Log(l.b/l.a) / z99 }

func (l law) quantile(q float64) float64 {
	switch l.name {
	case "lognormal":
		return l.a * math.Exp(l.sigma()*math.Sqrt2*math.Erfinv(2*q-1))
	case "exp":
		return -l.a * math.Log(1-q)
	case "uniform":
		return l.a + q*(l.b-l.a)
	}
	return l.a
}

func (l law) mean() float64 {
	switch l.name {
	case "lognormal":
		return l.a * math.Exp(l.sigma()*l.sigma()/2)
	case "uniform":
		return (l.a + l.b) / 2
	}
	return l.a
}

// parseQuantity reads a time into seconds, or a plain number.
func parseQuantity(s string) (float64, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return f, nil
	}
	d, err := time.ParseDuration(s)
	return d.Seconds(), err
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func itoa(i int) string { return strconv.Itoa(i) }
