package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var kongDeprecated = review.Rule{
	ID:    "configuration/kong-deprecated-field",
	Title: "A setting of a plugin that Kong drops",
	Why:   "The release without it refuses the configuration; a setting that is still taken and does nothing (retry_count of a logger) already protects nobody.",
	Bad:   "rate-limiting: {policy: redis, redis_host: cache}",
	Good:  "rate-limiting: {policy: redis, redis: {host: cache}}",
	Since: "0.1", Severity: review.Low, Confidence: .95,
	Source: "Kong/kong@22246ef kong/plugins/*/schema.lua (shorthand_fields, deprecation); breaking changes of 3.0 (whitelist, blacklist, functions)",
	Silent: "Kong/kubernetes-ingress-controller@1fa68f8 examples/",
	Fires:  "Kong/deck@4657ee3 tests/integration/testdata/sync/053-mask-short-values/kong.yaml:22 (redis_database)",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, p := range kongPlugins(c) {
			byVersion := map[string][]review.Evidence{}
			names := map[string][]string{}
			var fixes []string
			worst := ""
			for _, o := range p.Olds() {
				field := strings.Join(o.Path, ".")
				byVersion[o.Gone] = append(byVersion[o.Gone], p.key("config."+field+" is gone in "+o.Gone, o.Path...))
				names[o.Gone] = append(names[o.Gone], field)
				fixes = append(fixes, "config."+o.Instead+" for "+field)
				if o.Idle {
					worst = field
				}
			}
			for _, v := range arch.Sorted(byVersion) {
				f := review.Finding{Of: []arch.Ref{}, Evidence: byVersion[v]}
				f.Title = fmt.Sprintf("%s: Kong %s no longer takes %s", p.where, v, strings.Join(names[v], ", "))
				if v == "3.0" && p.doc.Kind != "kong 1.1" && p.doc.Kind != "kong 2.1" {
					f.Severity = review.High // what it is written for refuses it
				}
				if worst != "" {
					f.Detail = worst + " is still taken and has no effect."
				}
				f.Fix = "Write " + strings.Join(fixes, ", ") + "."
				r.Find(f, p.doc.Name, p.where, v)
			}
		}
	},
}
