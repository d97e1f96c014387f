package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var kubernetesSelector = review.Rule{
	ID:    "configuration/kubernetes-selector",
	Title: "A workload does not select its own pods",
	Why:   "The API server refuses it: the selector must fit the labels of the pod template.",
	Bad:   "selector: {matchLabels: {app: orders}}, template: {metadata: {labels: {app: order}}}",
	Good:  "the same labels in both",
	Since: "0.1", Severity: review.Critical, Confidence: 1,
	Needs:   []review.Need{review.Manifests},
	Source:  "Kubernetes API reference, DeploymentSpec.selector (must match the pod template's labels)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, w := range workloads(c) {
			if w.V.Node.Find("spec", "selector", "matchLabels") == nil || kubernetes.Selects(w.Selector, w.Pod.Labels) {
				continue
			}
			f := review.Finding{Of: w.of(), Evidence: []review.Evidence{
				{Source: w.At(arch.Config, "spec", "selector", "matchLabels"), Note: "selects " + labels(w.Selector)}, w.at("labelled "+labels(w.Pod.Labels), "metadata", "labels")}}
			f.Title = fmt.Sprintf("%s selects %s, but its pods are labelled %s", w.V, labels(w.Selector), labels(w.Pod.Labels))
			f.Fix = "Use the same labels in spec.selector.matchLabels and spec.template.metadata.labels."
			r.Find(f, w.V.String())
		}
	},
}

// labels prints labels in order.
func labels(m map[string]string) string {
	var out []string
	for _, k := range arch.Sorted(m) {
		out = append(out, k+"="+m[k])
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ",")
}
