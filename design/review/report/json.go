package report

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// JSON prints everything that the review knows.
func JSON(w io.Writer, r *Report) error {
	out := struct {
		Version   string            `json:"version"`
		Summary   string            `json:"summary"`
		Findings  []review.Finding  `json:"findings"`
		NotJudged []review.Unjudged `json:"notJudged"`
		Skipped   []discover.Skip   `json:"skipped"`
		Rules     int               `json:"rules"`
		Accepted  []review.Accepted `json:"accepted,omitempty"`
		Notes     []string          `json:"notes,omitempty"`
	}{r.Version, r.what(), redacted(r.Result.Findings), r.Result.NotJudged, append([]discover.Skip{}, r.Skipped...), r.Result.Rules, accepted(r.Result.Accepted), r.Result.Notes}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// redacted masks what looks like a secret in the texts of findings.
func redacted(fs []review.Finding) []review.Finding {
	out := make([]review.Finding, len(fs))
	for i, f := range fs {
		f.Title, f.Detail, f.Fix, f.Advice = doc.Redact(f.Title), doc.Redact(f.Detail), doc.Redact(f.Fix), doc.Redact(f.Advice)
		f.Evidence = slices.Clone(f.Evidence)
		for j := range f.Evidence {
			f.Evidence[j].Note = doc.Redact(f.Evidence[j].Note)
		}
		out[i] = f
	}
	return out
}

// accepted masks the same in what was accepted.
func accepted(as []review.Accepted) []review.Accepted {
	out := make([]review.Accepted, len(as))
	for i, a := range as {
		a.Finding = redacted([]review.Finding{a.Finding})[0]
		a.Reason = doc.Redact(a.Reason)
		out[i] = a
	}
	return out
}
