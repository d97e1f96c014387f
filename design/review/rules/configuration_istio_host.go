package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var istioHost = review.Rule{
	ID:    "configuration/istio-host",
	Cure:  "fix",
	Title: "A short host name means another namespace than was meant",
	Why:   "Istio completes a short name with the namespace of the resource that names it, not of the service that is meant: the route leads to a host that does not exist.",
	Bad:   "VirtualService in front: destination: {host: order}   # the Service order is in back",
	Good:  "destination: {host: order.back.svc.cluster.local}",
	Since: "0.1", Severity: review.Critical, Confidence: .9,
	Needs:   []review.Need{review.Routes, review.Manifests},
	Source:  "Istio documentation, Destination.host (short names are interpreted by the rule's namespace)",
	Silent:  "FudanSELab/train-ticket@813dd01 deployment/ (no namespaces are named)",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		in := map[string][]string{} // Service -> namespaces
		named := true
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			if _, ok := o.V.Typed.(*corev1.Service); ok {
				in[o.V.Name] = append(in[o.V.Name], o.V.Namespace)
				named = named && o.V.Namespace != ""
			}
		}
		for _, h := range httpRoutes(c) {
			for k, d := range h.GetRoute() {
				host := d.GetDestination().GetHost()
				if host == "" || strings.ContainsAny(host, ".*") || len(in[host]) == 0 || slices.Contains(in[host], h.V.Namespace) {
					continue
				}
				if h.V.Namespace == "" || !named { // where a file is applied is not in the file
					r.NotJudged("some resources name no namespace", serviceOfHost(c, host)...)
					continue
				}
				f := review.Finding{Of: serviceOfHost(c, host), Evidence: []review.Evidence{h.at("host "+host, "route", strconv.Itoa(k), "destination", "host")}}
				f.Title = fmt.Sprintf("%s leads to %s.%s, but the Service %s is in %s", h.V, host, h.V.Namespace, host, strings.Join(in[host], ", "))
				f.Fix = fmt.Sprintf("Write %s.%s.svc.cluster.local.", host, in[host][0])
				if len(in[host]) == 1 {
					f.Edits = review.EditAt(f.Evidence[0].Source, review.Set, host+"."+in[host][0]+".svc.cluster.local")
				}
				r.Find(f, h.V.String(), host)
			}
		}
	},
}
