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

// A text cannot end the annotation that it stands in, nor begin another.
func TestGitHubStaysOnItsLine(t *testing.T) {
	t.Parallel()
	r := hostile(12)
	r.Result.Findings[0].Title = "one\n::error file=etc::two"
	var b bytes.Buffer
	if err := report.GitHub(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 11 || lines[10] != "2 more of error are not annotated: GitHub shows 10" {
		t.Errorf("%d lines:\n%s", len(lines), b.String())
	}
	if !strings.HasPrefix(lines[0], "::error title=high%3A ") || !strings.Contains(lines[0], ",file=deploy.yaml,line=3::one%0A::error") {
		t.Errorf("%s", lines[0])
	}
}

// Lines of source code are shown without what looks like a secret, and those of
// files whose secrets show by their place are not shown.
func TestCodeLines(t *testing.T) {
	t.Parallel()
	r := hostile(1)
	r.Result.Findings[0].Evidence = []review.Evidence{{Source: arch.Source{Origin: arch.Code, File: "main.go", Line: 2}}, {Source: arch.Source{Origin: arch.Config, File: "broken.yaml", Line: 1}}}
	r.Read = func(file string) ([]byte, error) {
		if file == "broken.yaml" {
			return []byte("shown: never\n"), nil
		}
		return []byte("package main\nfunc main() { http.Get(url) }\nconst apiKey = \"hunter2\"\nvar password string = `hunter2`\n<password>hunter2</password>\nauth(\"hunter2\", tokenUrl)\n"), nil
	}
	var b bytes.Buffer
	if err := report.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, "http.Get(url)") || strings.Contains(s, "hunter2") || strings.Contains(s, "shown: never") {
		t.Errorf("%s", s[strings.Index(s, "<figure>"):])
	}
}

// A long list is folded, and what is folded is there.
func TestFold(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.HTML(&b, hostile(20)); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, `class="fold"><summary>14 more<`) || strings.Count(s, `class="finding"`) != 20 {
		t.Errorf("%d findings", strings.Count(s, `class="finding"`))
	}
}

// No line of a narrow terminal is longer than it, but for what cannot be broken.
func TestNarrowTerminal(t *testing.T) {
	t.Parallel()
	r := hostile(3)
	r.Width = 70
	r.Result.Findings[0].Title = strings.Repeat("some words ", 20)
	r.Result.Findings[0].Fix = strings.Repeat("more words ", 20)
	var b bytes.Buffer
	if err := report.Terminal(&b, r); err != nil {
		t.Fatal(err)
	}
	for l := range strings.SplitSeq(b.String(), "\n") {
		if len([]rune(l)) > 70 && strings.Contains(l, "words") {
			t.Errorf("%d columns: %s", len(l), l)
		}
	}
}
