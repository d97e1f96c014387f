package gatewayapi

import (
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
)

// rule is what HTTP and gRPC rules have in common.
type rule struct {
	matches  []match
	backends []gatewayapi.BackendRef
	policy   arch.Policy
	limits   bool // policy says anything
}

type match struct {
	path, method   string
	headers, query int // that have to fit too
}

// precedence is larger for what the API has match first: full host names, then
// exact paths, regular expressions (where the API leaves it open), the longest
// prefix, a method, the number of headers and of query parameters.
func (m match) precedence(hosts []string) []int {
	host := 2
	for _, h := range hosts {
		if strings.HasPrefix(h, "*") {
			host = 1
		}
	}
	if len(hosts) == 0 {
		host = 0
	}
	kind := 2
	switch {
	case strings.HasPrefix(m.path, "~"):
		kind = 1
	case strings.HasSuffix(m.path, "*"):
		kind = 0
	}
	method := 0
	if m.method != "" {
		method = 1
	}
	return []int{host, kind, len(m.path), method, m.headers, m.query}
}

// all reports whether every request matches.
func (m match) all() bool {
	return m.headers+m.query == 0 && m.method == "" && (m.path == "/*" || m.path == "*")
}

func httpRules(t *gatewayapi.HTTPRoute) []rule {
	var out []rule
	for _, h := range t.Spec.Rules {
		r := rule{}
		for _, m := range h.Matches {
			r.matches = append(r.matches, httpMatch(m))
		}
		if len(h.Matches) == 0 {
			r.matches = []match{{path: "/*"}} // the API's default match
		}
		for _, b := range h.BackendRefs {
			r.backends = append(r.backends, b.BackendRef)
		}
		r.policy, r.limits = policy(h)
		out = append(out, r)
	}
	return out
}

// httpMatch writes a path as arch.Route has it. A prefix of the API ends at a
// slash: /v1 is /v1 and /v1/x, not /v1x.
func httpMatch(m gatewayapi.HTTPMatch) match {
	out := match{path: "/*", headers: len(m.Headers), query: len(m.QueryParams)}
	if m.Method != nil {
		out.method = string(*m.Method)
	}
	if m.Path == nil || m.Path.Value == nil {
		return out
	}
	v := *m.Path.Value
	switch {
	case m.Path.Type != nil && *m.Path.Type == gatewayapi.PathExact:
		out.path = v
	case m.Path.Type != nil && *m.Path.Type == gatewayapi.PathRegex:
		out.path = "~" + v
	default:
		out.path = strings.TrimSuffix(v, "/") + "/*"
	}
	return out
}

// policy is what a rule does. The API's attempts count re-tries; a time of 0
// means no limit.
func policy(h gatewayapi.HTTPRule) (p arch.Policy, limits bool) {
	re := &arch.Retry{}
	retries := false
	if t := h.Timeouts; t != nil {
		if d, ok := gatewayapi.ParseDuration(t.Request); ok {
			p.Timeout, limits = arch.Some(d), true
		}
		if d, ok := gatewayapi.ParseDuration(t.BackendRequest); ok {
			re.PerTry, retries = arch.Some(d), true
		}
	}
	if x := h.Retry; x != nil {
		if x.Attempts != nil {
			re.Attempts, retries = arch.Some(1+max(0, *x.Attempts)), true
		}
		if d, ok := gatewayapi.ParseDuration(x.Backoff); ok {
			re.Backoff, retries = arch.Some(d), true
		}
		for _, c := range x.Codes {
			re.On, retries = append(re.On, strconv.Itoa(int(c))), true
		}
	}
	if retries {
		p.Retry = re
	}
	return p, limits || retries
}

func grpcRules(t *gatewayapi.GRPCRoute) []rule {
	var out []rule
	for _, g := range t.Spec.Rules {
		r := rule{}
		for _, m := range g.Matches {
			r.matches = append(r.matches, grpcMatch(m))
		}
		if len(g.Matches) == 0 {
			r.matches = []match{{path: "/*"}}
		}
		for _, b := range g.BackendRefs {
			r.backends = append(r.backends, b.BackendRef)
		}
		out = append(out, r)
	}
	return out
}

// grpcMatch writes a gRPC method as the path that it has in HTTP:
// /package.Service/Method.
func grpcMatch(m gatewayapi.GRPCMatch) match {
	out := match{path: "/*", headers: len(m.Headers)}
	if m.Method == nil {
		return out
	}
	any := "*"
	regex := m.Method.Type != nil && *m.Method.Type == gatewayapi.MethodRegex
	if regex {
		any = "[^/]+"
	}
	service, method := any, any
	if m.Method.Service != nil && *m.Method.Service != "" {
		service = *m.Method.Service
	}
	if m.Method.Method != nil && *m.Method.Method != "" {
		method = *m.Method.Method
	}
	switch {
	case regex:
		out.path = "~/" + service + "/" + method
	case service != any || method != any:
		out.path = "/" + service + "/" + method
	}
	return out
}
