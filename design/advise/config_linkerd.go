package advise

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// route takes an operation apart as a proxy sees it: "GET /orders/{id}", or a
// method of gRPC, "shop.v1.Cart/Get", which is a POST to that path.
func route(r arch.Ref) (method, path string, ok bool) {
	if r.Kind() != arch.KindOp {
		return "", "", false
	}
	method, path, ok = strings.Cut(r.Member(), " ")
	if ok && httpMethods[method] && strings.HasPrefix(path, "/") && !strings.ContainsAny(path, " ?#") {
		return method, path, true
	}
	if grpcMethod.MatchString(r.Member()) {
		return "POST", "/" + strings.TrimPrefix(r.Member(), "/"), true
	}
	return "", "", false
}

var (
	httpMethods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "DELETE": true, "CONNECT": true, "OPTIONS": true, "TRACE": true, "PATCH": true}
	grpcMethod  = regexp.MustCompile(`^/?[A-Za-z_]\w*(\.[A-Za-z_]\w*)+/[A-Za-z_]\w*$`)
	parameter   = regexp.MustCompile(`\{[^/}]*\}|:[A-Za-z_][A-Za-z0-9_]*`)
)

// pathMatch is how an HTTPRoute matches the path of an operation: as it is, by
// its first segments where a star follows, by a regular expression where a segment
// is a parameter.
func pathMatch(path string) (kind, value string) {
	if head, _, ok := strings.Cut(path, "*"); ok && !parameter.MatchString(head) {
		return "PathPrefix", cmp.Or(strings.TrimSuffix(head, "/"), "/")
	}
	if parameter.MatchString(path) {
		return "RegularExpression", pathRegexp(path)
	}
	return "Exact", path
}

// pathRegexp matches the path of an operation from its beginning to its end,
// without the anchors.
func pathRegexp(path string) string {
	var b strings.Builder
	for path != "" {
		at := parameter.FindStringIndex(path)
		star := strings.IndexByte(path, '*')
		if star >= 0 && (at == nil || star < at[0]) {
			b.WriteString(regexp.QuoteMeta(path[:star]) + ".*")
			path = path[star+1:]
			continue
		}
		if at == nil {
			b.WriteString(regexp.QuoteMeta(path))
			break
		}
		b.WriteString(regexp.QuoteMeta(path[:at[0]]) + "[^/]+")
		path = path[at[1]:]
	}
	return b.String()
}

// linkerdConfig writes the limits of each callee as annotations of its Service,
// for a server-side apply: the widest that any of its operations needs. An
// operation that needs other ones gets an HTTPRoute, and then the rest of the
// Service one too: a Service that has routes answers 404 to what none of them
// matches. Linkerd's proxies have no bulkhead and send no hedge; its breaker
// counts failures in a row at each endpoint.
func linkerdConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("# Apply with: kubectl apply --server-side. Linkerd has no bulkhead and no hedge, and its breaker counts\n# failures in a row at each endpoint; keep these limits in the caller's code.\n")
	docs := 0
	sep := func() {
		if docs++; docs > 1 {
			b.WriteString("---\n")
		}
	}
	answers = byCallee(answers)
	named := map[string]int{}
	for _, c := range byHost(answers) {
		limits := linkerdLimits(c.answer, true)
		if limits == "" {
			continue
		}
		sep()
		fmt.Fprintf(b, "apiVersion: v1\nkind: Service\nmetadata:\n  name: %q\n  annotations:\n%s", c.host, limits)
		routes := 0
		for i := range answers {
			a := &answers[i]
			method, path, ok := route(a.To)
			own := linkerdLimits(a, false)
			if !ok || host(a.To) != c.host || own == "" || own == linkerdLimits(c.answer, false) {
				continue
			}
			name := label(c.host + "-" + a.To.Member())
			if named[name]++; named[name] > 1 {
				name += fmt.Sprintf("-%d", named[name])
			}
			kind, value := pathMatch(path)
			sep()
			fmt.Fprintf(b, "# %s, by any caller\n", a.To.Short())
			linkerdRoute(b, name, c.host, own, fmt.Sprintf("matches: [{method: %s, path: {type: %s, value: %q}}], ", method, kind, value))
			routes++
		}
		if routes > 0 {
			sep()
			fmt.Fprintf(b, "# what no route of %s matches would be answered with 404\n", c.host)
			linkerdRoute(b, label(c.host+"-rest"), c.host, "", "")
		}
	}
	if docs == 0 {
		return errors.New("linkerd: none of these calls goes to a service over HTTP or gRPC")
	}
	return nil
}

func linkerdRoute(b *strings.Builder, name, host, annotations, match string) {
	fmt.Fprintf(b, "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: %q\n", name)
	if annotations != "" {
		b.WriteString("  annotations:\n" + annotations)
	}
	fmt.Fprintf(b, "spec:\n  parentRefs: [{group: \"\", kind: Service, name: %q}]\n  rules:\n    - {%sbackendRefs: [{name: %q, port: 80}]} # the Service's own port\n", host, match, host)
}

// linkerdLimits are the annotations of a route, and with the breaker those of a
// Service.
func linkerdLimits(a *Answer, breaker bool) string {
	var b strings.Builder
	l := lines{&b, a}
	l.put("    timeout.linkerd.io/request: %s\n", Timeout, milli)
	if tries, _ := a.value(Tries); tries > 1 {
		fmt.Fprintf(&b, "    retry.linkerd.io/http: gateway-error\n    retry.linkerd.io/grpc: unavailable\n    retry.linkerd.io/limit: \"%g\"\n", tries-1) // what comes after the first
		l.put("    retry.linkerd.io/timeout: %s\n", PerTry, milli)
	}
	if row, ok := a.inARow(7); ok && breaker { // 7 is Linkerd's own default
		fmt.Fprintf(&b, "    balancer.linkerd.io/failure-accrual: consecutive\n    balancer.linkerd.io/failure-accrual-consecutive-max-failures: \"%g\"\n    balancer.linkerd.io/failure-accrual-consecutive-min-penalty: 5s\n    balancer.linkerd.io/failure-accrual-consecutive-max-penalty: 60s\n", row)
	}
	return b.String()
}

// byCallee joins the settings of several callers of one operation, in the order
// in which the operations come.
func byCallee(answers []Answer) []Answer {
	var out []Answer
	at := map[arch.Ref]int{}
	for _, a := range answers {
		if i, ok := at[a.To]; ok {
			out[i] = *widest(&out[i], &a)
			continue
		}
		at[a.To] = len(out)
		out = append(out, a)
	}
	return out
}

// host is a callee's name as platforms take it: a DNS name.
func host(r arch.Ref) string {
	parts := strings.Split(r.Name(), ".")
	for i, p := range parts {
		parts[i] = label(p)
	}
	return strings.Join(parts, ".")
}

// label makes a Kubernetes name of words.
func label(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.TrimRight(b.String()[:min(b.Len(), 60)], "-")
	if name == "" {
		return "x"
	}
	return name
}
