package report_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/report"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// hostile is a report whose every text tries to break out of its format.
func hostile(n int) *report.Report {
	const (
		markup = `</script><img src=x onerror=alert(1)> | @all "]]> &`
		evil   = markup + " password=hunter2" // of findings only: the rest is the program's own
	)
	f := doc.Read("deploy.yaml", []byte("a: 1\nspec:\n  password: hunter2\n  note: \"</pre><b>\"\n"), nil)
	res := &review.Result{Rules: 2, NotJudged: []review.Unjudged{{Rule: "data/other", Why: markup}}}
	for i := range n {
		res.Findings = append(res.Findings, review.Finding{Rule: "data/rule", Key: string(rune('a' + i%26)), Title: evil, Detail: evil, Fix: evil, Severity: review.High, Confidence: 1, Of: []arch.Ref{"service/order"},
			Evidence: []review.Evidence{{Source: arch.Source{Origin: arch.Config, File: "deploy.yaml", Line: 3, Col: 3}, Note: evil}}})
	}
	return &report.Report{
		Summary: "1 service " + markup, Paths: []string{"."}, Version: "0", Result: res,
		Rules:     []review.Rule{{ID: "data/rule", Title: markup, Why: markup, Bad: markup, Good: markup, Severity: review.High}, {ID: "data/other", Title: "t"}, {ID: "data/quiet", Title: "t"}},
		System:    arch.System{Services: map[string]arch.Service{"order": {}}},
		Documents: []discover.Document{{Doc: f.Docs[0], Path: "deploy.yaml"}},
	}
}

// No format lets a text out of its place, or a secret out at all.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for name, write := range report.Formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			r := hostile(2)
			r.Verbose = true
			if err := write(&b, r); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "hunter2") {
				t.Errorf("a secret is printed:\n%s", b.String())
			}
			switch name {
			case "html", "markdown", "junit":
				if strings.Contains(b.String(), "<img") || strings.Contains(b.String(), "</pre><b>") {
					t.Errorf("markup comes through:\n%s", b.String())
				}
			}
		})
	}
}

// The JUnit file is well-formed, and its counts are those of its cases.
func TestJUnitCounts(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.JUnit(&b, hostile(3)); err != nil {
		t.Fatal(err)
	}
	var x struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Failure *struct{} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &x); err != nil {
		t.Fatal(err)
	}
	if x.Tests != 5 || x.Failures != 3 || x.Skipped != 1 || len(x.Cases) != 5 {
		t.Errorf("%+v", x)
	}
}

// A comment that is too long for a pull request is cut and says so.
func TestMarkdownFits(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.Markdown(&b, hostile(3000)); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 65_536 || !strings.Contains(b.String(), "do not fit into a comment") {
		t.Errorf("%d bytes", b.Len())
	}
}

// The same report has the same bytes.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	for name, write := range report.Formats {
		var a, b bytes.Buffer
		for _, w := range []io.Writer{&a, &b} {
			if err := write(w, hostile(5)); err != nil {
				t.Fatal(err)
			}
		}
		if a.String() != b.String() {
			t.Errorf("%s differs from run to run", name)
		}
	}
}
