package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
)

var istioRetryZero = review.Rule{
	ID:    "configuration/istio-retry-zero",
	Title: "Retries are switched off and configured at once",
	Why:   "attempts: 0 means no retries; Istio's validation refuses further fields beside it, and one of the two is a mistake.",
	Bad:   "retries: {attempts: 0, perTryTimeout: 1s}",
	Good:  "retries: {attempts: 0}",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Needs:   []review.Need{review.Routes},
	Source:  "Istio's validation of HTTPRetry: attempts 0 (disabled) takes no other fields",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, h := range httpRoutes(c) {
			if h.GetRetries() == nil || h.GetRetries().GetAttempts() != 0 {
				continue
			}
			var fields []string
			node := h.V.Node.Find("spec", "http", strconv.Itoa(h.index), "retries")
			if node == nil || node.Get("attempts") == nil {
				continue // what is left out is not the same as 0: Istio's default holds
			}
			for _, e := range node.Entries {
				if e.Key.Text != "attempts" {
					fields = append(fields, e.Key.Text)
				}
			}
			if len(fields) == 0 {
				continue
			}
			f := review.Finding{Of: serviceOfHost(c, destination(h)), Evidence: []review.Evidence{h.at("attempts: 0", "retries", "attempts")}}
			f.Title = fmt.Sprintf("%s sets attempts: 0 together with %s", h.V, strings.Join(fields, ", "))
			f.Fix = "Leave only attempts: 0, or set how many retries are meant."
			r.Find(f, h.V.String(), strconv.Itoa(h.index))
		}
	},
}
