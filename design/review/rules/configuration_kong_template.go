package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var kongTemplate = review.Rule{
	ID:    "configuration/kong-template",
	Title: "A template that names what Kong does not know",
	Why:   "The request-transformer's templates know headers, query_params, uri_captures and shared. Any other name is nothing: $(uuid) renders empty, so the header that was to tell requests apart is empty in all of them, and to call it, to take a part of it or to join it to a text fails the request.",
	Bad:   "request-transformer: {add: {headers: [\"x-request-id:$(uuid)\"]}}",
	Good:  "correlation-id: {header_name: x-request-id, generator: uuid}",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Source:  "Kong/kong@22246ef kong/plugins/request-transformer/access.lua (template environment), kong.conf untrusted_lua_sandbox_environment",
	Silent:  "Kong/deck@4657ee3 tests/integration/testdata/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		if slices.Contains(variables(c, "KONG_UNTRUSTED_LUA"), "on") {
			r.NotJudged("untrusted_lua is on, so that templates see every global name")
			return
		}
		granted := strings.Join(variables(c, "KONG_UNTRUSTED_LUA_SANDBOX_ENVIRONMENT"), ",")
		for _, p := range kongPlugins(c) {
			for _, u := range p.Unknown() {
				if slices.ContainsFunc(strings.Split(granted, ","), func(g string) bool {
					first, _, _ := strings.Cut(strings.TrimSpace(g), ".")
					return first == u.Name
				}) {
					continue
				}
				f := review.Finding{Of: []arch.Ref{}, Evidence: []review.Evidence{p.at(u.Text, u.Path...)}}
				f.Title = fmt.Sprintf("%s: %s renders empty, Kong knows no %s", p.where, u.Text, u.Name)
				if u.Fails {
					f.Title = fmt.Sprintf("%s: %s fails every request, Kong knows no %s", p.where, u.Text, u.Name)
					f.Severity = review.Critical
				}
				f.Fix = "Use headers, query_params, uri_captures or shared."
				if strings.Contains(strings.ToLower(u.Name), "uuid") || strings.Contains(strings.ToLower(u.Name), "request_id") {
					f.Fix = "Use the plugin correlation-id (generator: uuid), which sets the header."
				}
				r.Find(f, p.doc.Name, p.where, strings.Join(u.Path, "/"), u.Name)
			}
		}
	},
}
