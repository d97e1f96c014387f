package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Skipped *junitSkipped `xml:"skipped,omitempty"`
	}
	junitFailure struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// JUnit prints the XML that build servers show as tests: a suite for each family
// of rules, a failed case for each finding, a passed one for each rule that found
// nothing, a skipped one for each that could not judge anything.
func JUnit(w io.Writer, r *Report) error {
	out := junitSuites{Name: "ashlar"}
	unjudged := map[string]string{}
	for _, u := range r.Result.NotJudged {
		if len(u.Of) == 0 {
			unjudged[u.Rule] = u.Why
		}
	}
	by := map[string][]review.Finding{}
	for _, f := range redacted(r.Result.Findings) {
		by[f.Rule] = append(by[f.Rule], f)
	}
	at := map[string]int{}
	for _, rule := range r.Rules {
		i, ok := at[rule.Family()]
		if !ok {
			i = len(out.Suites)
			at[rule.Family()] = i
			out.Suites = append(out.Suites, junitSuite{Name: rule.Family()})
		}
		s := &out.Suites[i]
		for _, f := range by[rule.ID] {
			s.Cases = append(s.Cases, junitOf(f))
			s.Failures++
		}
		if len(by[rule.ID]) > 0 {
			continue
		}
		c := junitCase{Class: rule.ID, Name: rule.Title}
		if why, ok := unjudged[rule.ID]; ok {
			c.Skipped = &junitSkipped{"not judged: " + why}
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	for i := range out.Suites {
		s := &out.Suites[i]
		s.Tests = len(s.Cases)
		out.Tests, out.Failures, out.Skipped = out.Tests+s.Tests, out.Failures+s.Failures, out.Skipped+s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitOf(f review.Finding) junitCase {
	c := junitCase{Class: f.Rule, Name: f.Title}
	var text []string
	for _, s := range []string{f.Detail, f.Fix, f.Advice} {
		if s != "" {
			text = append(text, strings.TrimSpace(s))
		}
	}
	for _, e := range f.Evidence {
		text = append(text, strings.TrimSpace(e.Source.String()+"  "+doc.Redact(e.Note)))
		if c.File == "" && e.File != "" {
			c.File, c.Line = e.File, e.Line
		}
	}
	c.Failure = &junitFailure{f.Severity.String(), fmt.Sprintf("%s: %s", f.Severity, f.Title), strings.Join(text, "\n")}
	return c
}
