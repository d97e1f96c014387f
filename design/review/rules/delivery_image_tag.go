package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var imageTag = review.Rule{
	ID:    "delivery/image-tag",
	Title: "An image without a version: nobody knows what runs",
	Why:   "Each pod that starts may get another build: replicas differ, a restart is a release, and there is nothing to go back to.",
	Bad:   "image: shop/order:latest",
	Good:  "image: shop/order:1.4.2, or shop/order@sha256:...",
	Since: "0.1", Severity: review.Low, Confidence: .95,
	Needs:  []review.Need{review.Manifests},
	Source: "Kubernetes documentation, Images (avoid latest in production)",
	Fires:  "FudanSELab/train-ticket@813dd01 deployment/kubernetes-manifests/k8s-with-istio/ts-deployment-part1.yml (image: mongo)",
	Silent: "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/ (placeholders for a build tool)",
	Check: func(c *review.Case, r *review.Reporter) {
		images := map[string]bool{}
		f := review.Finding{Of: []arch.Ref{}}
		seen := map[arch.Ref]bool{}
		for _, w := range workloads(c) {
			for i, ct := range w.Pod.Spec.Containers {
				if ct.Image == "" || !floating(ct.Image) {
					continue
				}
				if ct.Image == w.V.Name || ct.Image == ct.Name || w.ref != "" && ct.Image == w.ref.Name() { // a build tool writes registry and tag in its place
					r.NotJudged("the image is a placeholder that a build tool replaces", w.of()...)
					continue
				}
				images[ct.Image] = true
				f.Evidence = append(f.Evidence, w.at(w.V.String()+": "+ct.Image, "spec", "containers", strconv.Itoa(i), "image"))
				if w.ref != "" {
					seen[w.ref] = true
				}
			}
		}
		if len(images) == 0 {
			return
		}
		f.Of = append(f.Of, refs(seen)...)
		names := arch.Sorted(images)
		more := ""
		if len(names) > 2 {
			more = fmt.Sprintf(" and %d more", len(names)-2)
			names = names[:2]
		}
		f.Title = fmt.Sprintf("%d container%s run whatever the tag means today: %s%s", len(f.Evidence), map[bool]string{true: "s"}[len(f.Evidence) > 1], strings.Join(names, ", "), more)
		f.Fix = "Name the version, best the digest, and let the pipeline write it."
		r.Find(f)
	},
}

// floating: no tag, or one without a number, which means another build with every
// release: latest, stable, alpine. Placeholders of templates are left alone.
func floating(image string) bool {
	if strings.ContainsAny(image, "@${") {
		return false
	}
	base := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, ok := strings.Cut(base, ":")
	return !ok || !strings.ContainsAny(tag, "0123456789")
}
