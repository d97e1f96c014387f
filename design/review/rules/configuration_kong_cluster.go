package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var kongCluster = review.Rule{
	ID:    "configuration/kong-policy-cluster",
	Title: "Limits that are counted in a database that is not there",
	Why:   "Without a database Kong refuses the policy `cluster`, and with it the whole configuration: the change, and every later one, never comes into force.",
	Bad:   "KONG_DATABASE=off, rate-limiting: {policy: cluster}",
	Good:  "rate-limiting: {policy: redis, redis: {host: cache}}, or local, which counts on each node alone",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "Kong/kong@22246ef kong/plugins/rate-limiting/schema.lua (without a database one_of is local, redis); Kong Ingress Controller runs without one unless told otherwise",
	Silent:  "Kong/kubernetes-ingress-controller@1fa68f8 examples/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		databases := variables(c, "KONG_DATABASE")
		with := slices.ContainsFunc(databases, func(v string) bool { return v != "off" })
		without := slices.Contains(databases, "off")
		for _, p := range kongPlugins(c) {
			if p.Name != "rate-limiting" && p.Name != "response-ratelimiting" || p.Config.Str("policy") != "cluster" {
				continue
			}
			f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{p.at("policy: cluster", "policy")}}
			switch {
			case with && without:
				r.NotJudged("some Kongs run with a database, some without")
				continue
			case with:
				continue
			case without:
				f.Title = fmt.Sprintf("%s counts in a database, and Kong runs without one (KONG_DATABASE=off)", p.where)
			case p.crd:
				f.Title = fmt.Sprintf("%s counts in a database, and the ingress controller runs Kong without one unless KONG_DATABASE says otherwise", p.where)
				f.Confidence = .6
			default:
				r.NotJudged("whether Kong has a database is not known")
				continue
			}
			f.Fix = "Set policy: redis with its host, or local if each node may allow the limit."
			r.Find(f, p.doc.Name, p.where)
		}
	},
}
