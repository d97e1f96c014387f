package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

var istioRetryOn = review.Rule{
	ID:    "configuration/istio-retry-on",
	Cure:  "fix",
	Title: "A retry condition that Envoy does not know",
	Why:   "Istio's own validation refuses the resource, or, where that is off, the condition never holds: what was to be retried is not.",
	Bad:   "retryOn: 5xx,gateway-eror",
	Good:  "retryOn: 5xx,gateway-error",
	Since: "0.1", Severity: review.High, Confidence: .95,
	Needs:   []review.Need{review.Routes},
	Source:  "Envoy documentation, x-envoy-retry-on and x-envoy-retry-grpc-on; Istio documentation, HTTPRetry.retryOn (status codes as well)",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, h := range httpRoutes(c) {
			for token := range strings.SplitSeq(h.GetRetries().GetRetryOn(), ",") {
				token = strings.TrimSpace(token)
				if token == "" || istio.RetryCondition(token) {
					continue
				}
				f := review.Finding{Of: serviceOfHost(c, destination(h)), Evidence: []review.Evidence{h.at("retryOn", "retries", "retryOn")}}
				f.Title = fmt.Sprintf("%s retries on %q, which is no condition", h.V, token)
				f.Fix = "Write one of " + strings.Join(istio.RetryConditions(), ", ") + ", or a status code."
				if near := doc.Nearest(token, istio.RetryConditions()); near != "" {
					f.Fix = fmt.Sprintf("Did you mean %s?", near)
					f.Edits = review.EditAt(f.Evidence[0].Source, review.Set, strings.Replace(h.GetRetries().GetRetryOn(), token, near, 1))
				}
				r.Find(f, h.V.String(), strconv.Itoa(h.index), token)
			}
		}
	},
}

func destination(h httpRoute) string {
	if len(h.GetRoute()) == 0 {
		return h.V.Name
	}
	return h.GetRoute()[0].GetDestination().GetHost()
}
