package rules

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
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
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, Service (selectors)",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Fires:  "istio/istio@86c9f01 pkg/config/analysis/analyzers/testdata/misannotated.yaml (details)",
	Check: func(c *review.Case, r *review.Reporter) {
		all := workloads(c)
		split := map[string]bool{}
		for _, m := range marksOf(c, marks.SplitName) {
			split[m.Value] = true
		}
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			s, ok := o.V.Typed.(*corev1.Service)
			if !ok || len(s.Spec.Selector) == 0 {
				continue
			}
			fits, near, neighbours := false, "", 0
			keys := map[string]bool{} // labels that pods of the namespace have
			for _, w := range all {
				if w.V.Namespace != o.V.Namespace {
					continue
				}
				neighbours++
				for k := range w.Pod.Labels {
					keys[k] = true
				}
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
			if near == "" && operated(s.Spec.Selector) || split[o.V.Name] {
				r.NotJudged("pods of that kind are made by an operator, or the traffic is split by name")
				continue
			}
			if near == "" && slices.ContainsFunc(arch.Sorted(s.Spec.Selector), func(k string) bool { return !keys[k] }) {
				r.NotJudged("no pod here is labelled in that way: they come from elsewhere")
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

// operated: the labels say that a program makes the pods.
func operated(selector map[string]string) bool {
	for k := range selector {
		if strings.HasSuffix(k, "/managed-by") || strings.HasSuffix(k, "/created-by") || strings.HasSuffix(k, "/gateway-name") || strings.HasSuffix(k, "/cluster") {
			return true
		}
	}
	return false
}
