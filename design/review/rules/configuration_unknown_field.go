package rules

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var unknownField = review.Rule{
	ID:    "configuration/unknown-field",
	Cure:  "fix",
	Title: "A field that does not exist, or a value of the wrong type",
	Why:   "The platform refuses the resource or drops the field without a word; what was meant does not happen.",
	Bad:   "readinesProbe: {httpGet: {path: /ready, port: 8080}}",
	Good:  "readinessProbe: {httpGet: {path: /ready, port: 8080}}",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Source: "the types of each platform's own API",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Fires:  "prometheus/prometheus@d15adb9 model/rulefmt/testdata/bad_field.bad.yaml; istio/istio@86c9f01 tests/testdata/config/rule-websocket-route.yaml",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, d := range c.Documents {
			for _, x := range d.Faults {
				if templated(d.Doc, x.Pos.Line) {
					r.NotJudged("it is a template of which nothing is known that renders it")
					continue
				}
				if strings.Contains(x.Path, "$patch") || strings.Contains(x.Path, "(") || strings.HasPrefix(d.Name, "(") {
					r.NotJudged("it is a patch, or what a test expects, and no whole resource")
					continue
				}
				f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{{Source: arch.Source{Origin: arch.Config, By: d.Source, File: x.Pos.File, Line: x.Pos.Line, Col: x.Pos.Col}, Note: string(x.Kind)}}}
				f.Title = fmt.Sprintf("%s: %s", d.Name, x.What)
				f.Fix = x.Hint
				if near := quoted(x.Hint); x.Kind == doc.Unknown && near != "" && !d.Doc.File.Inside {
					f.Edits = review.EditAt(f.Evidence[0].Source, review.Rename, near)
				}
				if x.Kind == doc.Type {
					f.Severity = review.Medium
				}
				r.Find(f, d.Kind, d.Name, x.Path, string(x.Kind))
			}
		}
	},
}

// templated: the line holds a placeholder, which YAML takes for a mapping.
func templated(d *doc.Document, line int) bool {
	if d == nil || d.File == nil || line < 1 {
		return false
	}
	src := d.File.Source
	for range line - 1 {
		_, rest, ok := bytes.Cut(src, []byte("\n"))
		if !ok {
			return false
		}
		src = rest
	}
	first, _, _ := bytes.Cut(src, []byte("\n"))
	return bytes.Contains(first, []byte("{{"))
}

// quoted is the name that a hint proposes.
func quoted(hint string) string {
	_, rest, ok := strings.Cut(hint, `did you mean "`)
	name, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
