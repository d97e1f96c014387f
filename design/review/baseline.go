package review

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// Baseline is a list of findings that are accepted as they are, until a day, so
// that a review of an old system tells what is new.
type Baseline struct {
	Format   int            `json:"format"`
	Expires  string         `json:"expires,omitempty"` // last day, 2027-03-31; "" for good
	Findings []KnownFinding `json:"findings"`
}

// KnownFinding is one finding of a baseline; the title is for people.
type KnownFinding struct {
	Key   string `json:"key"`
	Title string `json:"title"`
}

// NewBaseline accepts what a review found. A span is a duration such as 90d;
// "" accepts for good.
func NewBaseline(res *Result, span string, now time.Time) (Baseline, error) {
	b := Baseline{Format: 1, Findings: []KnownFinding{}}
	if span != "" {
		d, err := parseSpan(span)
		if err != nil || d <= 0 {
			return b, fmt.Errorf("want a time such as 90d, not %q", span)
		}
		b.Expires = now.UTC().Add(d).Format(time.DateOnly)
	}
	for _, f := range res.Findings {
		b.Findings = append(b.Findings, KnownFinding{f.Key, f.Title})
	}
	slices.SortFunc(b.Findings, func(x, y KnownFinding) int { return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Title, y.Title)) })
	return b, nil
}

// ParseBaseline reads what [Baseline] writes as JSON.
func ParseBaseline(b []byte) (Baseline, error) {
	var x Baseline
	if err := json.Unmarshal(b, &x); err != nil {
		return x, fmt.Errorf("no baseline: %w; `ashlar baseline` writes one", err)
	}
	if x.Format != 1 {
		return x, fmt.Errorf("a baseline of format %d; this program reads format 1", x.Format)
	}
	if _, err := time.Parse(time.DateOnly, x.Expires); x.Expires != "" && err != nil {
		return x, fmt.Errorf("expires: %q is no date such as 2027-03-31", x.Expires)
	}
	return x, nil
}

// Subtract moves the findings of a baseline out of Findings; one that has expired
// accepts nothing, and Notes says so. Name is what people call it.
func (res *Result) Subtract(b Baseline, name string, now time.Time) {
	if end, err := time.Parse(time.DateOnly, b.Expires); err == nil && end.Before(now.UTC().Truncate(24*time.Hour)) {
		res.Notes = append(res.Notes, fmt.Sprintf("%s: the baseline ended on %s", name, b.Expires))
		return
	}
	old := map[string]bool{}
	for _, f := range b.Findings {
		old[f.Key] = true
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool {
		if !old[f.Key] {
			return false
		}
		res.Accepted = append(res.Accepted, Accepted{f, "in the baseline", b.Expires, arch.Source{Origin: arch.Hand, By: "baseline", File: name}})
		return true
	})
}

// OnlyNew keeps the findings that another result does not have.
func (res *Result) OnlyNew(before *Result) {
	old := map[string]bool{}
	for _, f := range before.Findings {
		old[f.Key] = true
	}
	for _, a := range before.Accepted {
		old[a.Key] = true
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool { return old[f.Key] })
}
