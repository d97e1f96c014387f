package report

import (
	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/view"
)

// Marks turns findings into marks on a map: on the calls between two elements
// where a finding is about exactly two, else on its first element.
func Marks(fs []review.Finding) []view.Finding {
	var out []view.Finding
	for _, f := range fs {
		if len(f.Of) == 0 {
			continue
		}
		b := view.Badge{Rule: f.Rule, Title: f.Title, Severity: view.Severity(f.Severity.String())}
		v := view.Finding{Of: f.Of[0], Badge: b}
		if len(f.Of) == 2 && f.Of[0].Kind() != arch.KindStore && len(f.Path) == 0 {
			v = view.Finding{From: f.Of[0], To: f.Of[1], Badge: b}
		}
		out = append(out, v)
	}
	return out
}
