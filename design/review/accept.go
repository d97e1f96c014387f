package review

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

// Accepted is a finding that does not count, and why.
type Accepted struct {
	Finding
	Reason string      `json:"reason"`
	Until  string      `json:"until,omitempty"` // last day, 2027-03-31
	By     arch.Source `json:"by"`
}

// Accept moves findings that somebody accepts out of Findings:
//
//   - by a suppression in ashlar.yaml, with its reason;
//   - by a comment on the line of the first evidence or the line above it:
//     # ashlar:accept resilience/single-replica until 2027-03-31: it holds a lock
//
// An acceptance whose last day is over holds no longer, and Notes says so.
func (res *Result) Accept(c *Case, list []archfile.Suppression, now time.Time) {
	used := make([]bool, len(list))
	list = slices.Clone(list)
	for i := range list {
		list[i].Of = meant(c.System, list[i].Of)
	}
	today := now.UTC().Truncate(24 * time.Hour)
	var over []string
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool {
		for i, s := range list {
			if s.Rule != f.Rule || s.Of != "" && !slices.ContainsFunc(f.Of, func(of arch.Ref) bool { return of == s.Of || of.Parent() == s.Of }) {
				continue
			}
			used[i] = true
			if !s.Until.IsZero() && s.Until.Before(today) {
				over = append(over, fmt.Sprintf("%s: the suppression of %s ended on %s", s.At, s.Rule, s.Until.Format(time.DateOnly)))
				continue
			}
			res.Accepted = append(res.Accepted, Accepted{f, s.Reason, day(s.Until), s.At})
			return true
		}
		a, ok, note := commented(c, f, today)
		if note != "" {
			over = append(over, note)
		}
		if ok {
			res.Accepted = append(res.Accepted, a)
		}
		return ok
	})
	for i, s := range list {
		switch {
		case used[i]:
		case s.Of != "" && !c.System.Has(s.Of):
			note := fmt.Sprintf("%s: the suppression of %s fits nothing: no file that was read describes %s %s", s.At, s.Rule, s.Of.Kind(), s.Of.Short())
			if near := c.System.Nearest(s.Of); near != "" {
				note += "; did you mean " + near.Short() + "?"
			}
			over = append(over, note)
		default:
			over = append(over, fmt.Sprintf("%s: the suppression of %s fits no finding", s.At, s.Rule))
		}
	}
	slices.Sort(over)
	res.Notes = append(res.Notes, slices.Compact(over)...)
}

// meant is the element that a suppression names: where its own file does not
// describe it, the kind behind a short name is known only now.
func meant(s arch.System, of arch.Ref) arch.Ref {
	if of == "" || s.Has(of) {
		return of
	}
	for _, k := range []arch.Kind{arch.KindService, arch.KindOp, arch.KindStore, arch.KindTable, arch.KindTopic, arch.KindGateway, arch.KindExternal, arch.KindJourney, arch.KindSaga, arch.KindContext, arch.KindContract} {
		for _, r := range s.Refs(k) {
			if r.Short() == of.Short() {
				return r
			}
		}
	}
	return of
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

var acceptance = regexp.MustCompile(`#\s*ashlar:accept\s+([\w/-]+)(?:\s+until\s+(\S+?))?:\s*(\S.*)$`)

// commented looks for an acceptance at the finding's first place in a file.
func commented(c *Case, f Finding, today time.Time) (a Accepted, ok bool, note string) {
	for _, e := range f.Evidence {
		if e.File == "" || e.Line == 0 {
			continue
		}
		for _, n := range []int{e.Line, e.Line - 1} {
			m := acceptance.FindStringSubmatch(c.line(e.File, n))
			_, short, _ := strings.Cut(f.Rule, "/")
			if m == nil || m[1] != f.Rule && m[1] != short {
				continue
			}
			at := arch.Source{Origin: arch.Hand, By: "comment", File: e.File, Line: n}
			until, err := time.Parse(time.DateOnly, m[2])
			switch {
			case m[2] != "" && err != nil:
				return a, false, fmt.Sprintf("%s: %q is no date such as 2027-03-31, so the comment accepts nothing", at, m[2])
			case m[2] != "" && until.Before(today):
				return a, false, fmt.Sprintf("%s: the acceptance of %s ended on %s", at, f.Rule, m[2])
			}
			return Accepted{f, strings.TrimSpace(m[3]), m[2], at}, true, ""
		}
		return a, false, "" // where the finding stands, and nowhere else
	}
	return a, false, ""
}

// line returns a line of a file that was read as YAML or JSON, or "".
func (c *Case) line(file string, n int) string {
	for _, d := range c.Documents {
		if d.Doc == nil || d.Doc.File.Path != file || n < 1 {
			continue
		}
		for i, l := range bytes.SplitN(d.Doc.File.Source, []byte("\n"), n+1) {
			if i == n-1 {
				return string(bytes.TrimRight(l, "\r"))
			}
		}
		return ""
	}
	return ""
}

// parseSpan reads a duration that may be in days: 90d, 12h, 500ms.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is no number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}
