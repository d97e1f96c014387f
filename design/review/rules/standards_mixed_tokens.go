package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
)

var mixedTokens = review.Rule{
	ID:    "standards/mixed-tokens",
	Title: "Services check tokens in different ways",
	Why:   "A token that one service takes is refused by the next, or worse: a leaked shared secret lets anybody make tokens, and a token that was revoked still opens the services that check it by themselves.",
	Bad:   "order checks tokens with a shared secret, billing by the issuer's public keys",
	Good:  "the issuer's published keys (JWKS), one audience a service, and one library or the gateway that checks them alike",
	Since: "0.1", Severity: review.Medium, Confidence: .75,
	Source:  "RFC 8725, JSON Web Token Best Current Practices; RFC 7662, Token Introspection; S. Newman, Building Microservices, 2nd ed., ch. 11",
	Silent:  "sqshq/piggymetrics@6bb2cf9 (all of them ask the issuer)",
	Untried: "no public system at hand on which it fires",
	Check: func(c *review.Case, r *review.Reporter) {
		ways := map[arch.Ref]map[string]review.Evidence{}
		add := func(of arch.Ref, way string, ev review.Evidence) {
			if of == "" || !domain(c, of) { // gateways and issuers have reasons of their own
				return
			}
			if ways[of] == nil {
				ways[of] = map[string]review.Evidence{}
			}
			if _, ok := ways[of][way]; !ok {
				ways[of][way] = ev
			}
		}
		for _, m := range marksOf(c, marks.TokenCheck) {
			add(m.of, m.Value, m.evidence(m.Value))
		}
		for way, keys := range map[string][]string{
			"public keys":       {"spring.security.oauth2.resourceserver.jwt.issuer-uri", "spring.security.oauth2.resourceserver.jwt.jwk-set-uri", "security.oauth2.resource.jwk.key-set-uri"},
			"asking the issuer": {"spring.security.oauth2.resourceserver.opaquetoken.introspection-uri", "security.oauth2.resource.user-info-uri", "security.oauth2.resource.token-info-uri"},
		} {
			for _, s := range settingsOf(c, keys...) {
				add(s.of, way, s.evidence())
			}
		}
		by := map[string][]arch.Ref{}
		ev := map[string]review.Evidence{}
		for _, of := range arch.Sorted(ways) {
			for way, e := range ways[of] {
				by[way] = append(by[way], of)
				if _, ok := ev[way]; !ok {
					ev[way] = e
				}
			}
		}
		if len(by) < 2 || len(ways) < 2 {
			return
		}
		f := review.Finding{}
		var parts []string
		for _, way := range arch.Sorted(by) {
			parts = append(parts, fmt.Sprintf("%s by %s", list(by[way], 2), map[string]string{"shared secret": "a shared secret", "public keys": "the issuer's public keys", "asking the issuer": "asking the issuer"}[way]))
			for _, of := range by[way] {
				if !slices.Contains(f.Of, of) {
					f.Of = append(f.Of, of)
				}
			}
			f.Evidence = append(f.Evidence, ev[way])
		}
		f.Title = "tokens are checked in different ways: " + strings.Join(parts, ", ")
		f.Fix = "Check them alike: by the issuer's published keys, with issuer, audience and expiry; ask the issuer only where a revoked token must be refused at once."
		f.Key = "all"
		r.Find(f)
	},
}
