package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"path"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
)

// GitHub's limits on what it shows of a SARIF file.
const (
	sarifMaxResults   = 5000
	sarifMaxLocations = 100
	sarifMaxText      = 1024
)

type obj = map[string]any

// SARIF prints SARIF 2.1.0 as code scanning services read it: fingerprints that
// survive edits, related locations, and the way of a chain as a code flow.
func SARIF(w io.Writer, r *Report) error {
	rules, index := []obj{}, map[string]int{}
	results := []obj{}
	for _, f := range redacted(r.Result.Findings) {
		if len(results) == sarifMaxResults {
			break // the worst come first
		}
		if _, ok := index[f.Rule]; !ok {
			index[f.Rule] = len(rules)
			rules = append(rules, sarifRule(r.rule(f.Rule)))
		}
		results = append(results, sarifResult(f, index[f.Rule]))
	}
	doc := obj{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []obj{{
			"tool":       obj{"driver": obj{"name": "Ashlar", "informationUri": "https://github.com/ashlar-dev/ashlar", "semanticVersion": r.Version, "rules": rules}},
			"results":    results,
			"columnKind": "unicodeCodePoints",
		}},
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(doc)
}

func sarifRule(r review.Rule) obj {
	numbers, numbersMD := "", ""
	if r.Advice != "" {
		numbers = "\nThe numbers: ashlar advise " + r.Advice + " CALLER CALLEE"
		numbersMD = "The numbers: `ashlar advise " + r.Advice + " CALLER CALLEE`\n\n"
	}
	return obj{
		"id": r.ID, "name": name(r.ID),
		"shortDescription":     obj{"text": limit(r.Title)},
		"fullDescription":      obj{"text": limit(r.Why)},
		"help":                 obj{"text": limit(r.Why + "\n\nBad: " + r.Bad + "\nGood: " + r.Good + numbers), "markdown": limit(r.Why + "\n\n**Bad**\n```\n" + r.Bad + "\n```\n**Good**\n```\n" + r.Good + "\n```\n" + numbersMD + r.Source)},
		"defaultConfiguration": obj{"level": level(r.Severity)},
		"properties":           obj{"tags": []string{"architecture", r.Family()}, "precision": precision(r.Confidence)},
	}
}

func sarifResult(f review.Finding, rule int) obj {
	text := f.Title
	if f.Detail != "" {
		text += ". " + f.Detail
	}
	if f.Fix != "" {
		text += " " + f.Fix
	}
	if f.Advice != "" {
		text += " The numbers: " + f.Advice
	}
	sum := sha256.Sum256([]byte(f.Key))
	res := obj{
		"ruleId": f.Rule, "ruleIndex": rule, "level": level(f.Severity),
		"message":             obj{"text": limit(text)},
		"partialFingerprints": obj{"ashlar/v1": hex.EncodeToString(sum[:16])},
		"rank":                math.Min(100, math.Round(1000*math.Log2(1+f.Consequence)/11)/10), // 0..100; 2^11 is a critical one with a hundred behind it
		"properties":          obj{"severity": f.Severity.String(), "confidence": f.Confidence},
	}
	var places, flow []obj
	for _, e := range f.Evidence {
		if loc := location(e); loc != nil && len(places) < sarifMaxLocations {
			places = append(places, loc)
			flow = append(flow, obj{"location": loc})
		}
	}
	if len(places) == 0 { // seen in a trace: name the element
		var logical []obj
		for _, of := range f.Of {
			logical = append(logical, obj{"fullyQualifiedName": string(of), "kind": string(of.Kind())})
		}
		res["locations"] = []obj{{"logicalLocations": logical}}
		return res
	}
	res["locations"] = places[:1]
	if len(places) > 1 {
		for i, p := range places[1:] {
			p["id"] = i + 1
		}
		res["relatedLocations"] = places[1:]
	}
	if len(f.Path) > 1 {
		res["codeFlows"] = []obj{{"threadFlows": []obj{{"locations": flow}}}}
	}
	return res
}

func location(e review.Evidence) obj {
	if e.File == "" {
		return nil
	}
	uri := strings.TrimPrefix(path.Clean(e.File), "./")
	phys := obj{"artifactLocation": obj{"uri": uri}}
	if e.Line > 0 {
		region := obj{"startLine": e.Line}
		if e.Col > 0 {
			region["startColumn"] = e.Col
		}
		phys["region"] = region
	}
	loc := obj{"physicalLocation": phys}
	if e.Note != "" {
		loc["message"] = obj{"text": limit(e.Note)}
	}
	return loc
}

func level(s review.Severity) string {
	switch {
	case s >= review.High:
		return "error"
	case s == review.Medium:
		return "warning"
	}
	return "note"
}

func precision(c float64) string {
	switch {
	case c >= .9:
		return "very-high"
	case c >= .7:
		return "high"
	case c >= .4:
		return "medium"
	}
	return "low"
}

func limit(s string) string {
	if len(s) <= sarifMaxText {
		return s
	}
	return strings.ToValidUTF8(s[:sarifMaxText-3], "") + "..."
}
