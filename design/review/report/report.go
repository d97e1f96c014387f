// Package report prints what a review found, one file a format.
package report

import (
	"io"
	"path/filepath"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
)

// Report is what every format prints.
type Report struct {
	Summary string // one line on what was reviewed
	Sources string // one line on what was read of it; may be empty
	Paths   []string
	Version string
	Result  *review.Result
	Rules   []review.Rule
	Skipped []discover.Skip
	// System and Documents are for formats that draw the map and show the lines.
	System    arch.System
	Documents []discover.Document
	// Read returns a file that evidence stands in and that is none of Documents:
	// source code. nil, or an error: its lines are not shown.
	Read    func(file string) ([]byte, error)
	Verbose bool // terminal: every finding
	Color   bool // terminal
	Width   int  // terminal: columns; 0: 100
}

// Formats by name.
var Formats = map[string]func(io.Writer, *Report) error{
	"terminal": Terminal,
	"json":     JSON,
	"sarif":    SARIF,
	"junit":    JUnit,
	"markdown": Markdown,
	"html":     HTML,
	"github":   GitHub,
}

// Names lists the formats for people.
func Names() string { return strings.Join(arch.Sorted(Formats), ", ") }

// rule finds a rule's declaration.
func (r *Report) rule(id string) review.Rule {
	for _, x := range r.Rules {
		if x.ID == id {
			return x
		}
	}
	return review.Rule{ID: id}
}

// group is the findings of one rule, the worst first.
type group struct {
	rule     review.Rule
	findings []review.Finding
}

// groups puts findings of one rule together; the worst finding decides the place.
func (r *Report) groups() []group {
	var out []group
	at := map[string]int{}
	for _, f := range r.Result.Findings {
		i, ok := at[f.Rule]
		if !ok {
			i = len(out)
			at[f.Rule] = i
			out = append(out, group{rule: r.rule(f.Rule)})
		}
		out[i].findings = append(out[i].findings, f)
	}
	return out
}

// what is the summary with what was read.
func (r *Report) what() string {
	if r.Sources == "" {
		return r.Summary
	}
	return r.Summary + "  (" + r.Sources + ")"
}

// rel is a place without the folder that was reviewed: who reads the report knows
// which one, and a page that is sent on need not tell where it lay.
func (r *Report) rel(place string) string {
	if len(r.Paths) != 1 || r.Paths[0] == "-" {
		return place
	}
	root := strings.TrimSuffix(filepath.ToSlash(filepath.Clean(r.Paths[0])), "/") + "/"
	if rest, ok := strings.CutPrefix(place, root); ok && rest != "" {
		return rest
	}
	return place
}
