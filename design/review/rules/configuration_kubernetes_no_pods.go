package rules

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var kubernetesNoPods = review.Rule{
	ID:    "configuration/kubernetes-no-pods",
	Title: "A Service leads to no pods",
	Why:   "Its name resolves and every connection to it fails: the selector fits no workload of its namespace.",
	Bad:   "kind: Service, spec: {selector: {app: oder}}",
	Good:  "kind: Service, spec: {selector: {app: order}}",
	Since: "0.1", Severity: review.High, Confidence: .8,
	Needs:   []review.Need{review.Manifests},
	Source:  "Kubernetes documentation, Service (selectors)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		all := workloads(c)
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			s, ok := o.V.Typed.(*corev1.Service)
			if !ok || len(s.Spec.Selector) == 0 {
				continue
			}
			fits, near, neighbours := false, "", 0
			for _, w := range all {
				if w.V.Namespace != o.V.Namespace {
					continue
				}
				neighbours++
				fits = fits || kubernetes.Selects(s.Spec.Selector, w.Pod.Labels)
				for k, v := range s.Spec.Selector {
					if x := w.Pod.Labels[k]; x != "" && x != v && arch.Distance(x, v) <= max(1, len(v)/3) {
						near = k + "=" + x
					}
				}
			}
			if fits {
				continue
			}
			if neighbours == 0 { // its pods come from elsewhere
				r.NotJudged("no workloads of the Service's namespace were read")
				continue
			}
			f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{{Source: o.At(arch.Config, "spec", "selector"), Note: "selects " + labels(s.Spec.Selector)}}}
			f.Title = fmt.Sprintf("%s leads nowhere: no workload here is labelled %s", o.V, labels(s.Spec.Selector))
			f.Fix = "Select the labels of a pod template."
			if near != "" {
				f.Fix = fmt.Sprintf("Did you mean %s?", near)
			} else {
				f.Confidence = .6 // an operator may make the pods
			}
			r.Find(f, o.V.String())
		}
	},
}
