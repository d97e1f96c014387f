package advise

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// route takes an HTTP operation apart: "GET /orders/{id}".
func route(r arch.Ref) (method, path string, ok bool) {
	method, path, ok = strings.Cut(r.Member(), " ")
	if r.Kind() != arch.KindOp || !ok || method != strings.ToUpper(method) || !strings.HasPrefix(path, "/") {
		return "", "", false
	}
	return method, path, true
}

var parameter = regexp.MustCompile(`\{[^/}]*\}|:[A-Za-z_][A-Za-z0-9_]*`)

// linkerdConfig writes an HTTPRoute for each operation, with timeouts and retries
// as annotations, and the Service's annotations for its failure accrual, for a
// server-side apply. Linkerd's proxies have no bulkhead and send no hedge; its
// breaker counts failures in a row at each endpoint.
func linkerdConfig(b *strings.Builder, answers []Answer) error {
	b.WriteString("# Apply with: kubectl apply --server-side. Linkerd has no bulkhead and no hedge, and its breaker counts\n# failures in a row at each endpoint; keep these limits in the caller's code.\n")
	answers = byCallee(answers)
	docs, named := 0, map[string]int{}
	breakers := map[string]*Answer{}
	var hosts []string
	sep := func() {
		if docs++; docs > 1 {
			b.WriteString("---\n")
		}
	}
	for i := range answers {
		a := &answers[i]
		if k := a.To.Kind(); k != arch.KindOp && k != arch.KindService {
			continue
		}
		host := a.To.Name()
		if old, ok := breakers[host]; ok {
			breakers[host] = widest(old, a)
		} else {
			breakers[host] = a
			hosts = append(hosts, host)
		}
		_, bounded := a.value(Timeout)
		tries, tried := a.value(Tries)
		if !bounded && !tried {
			continue
		}
		sep()
		name := label(host + "-" + a.To.Member())
		if named[name]++; named[name] > 1 {
			name += fmt.Sprintf("-%d", named[name])
		}
		l := lines{b, a}
		fmt.Fprintf(b, "# %s, by any caller\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: %s\n  annotations:\n", a.To.Short(), name)
		l.put("    timeout.linkerd.io/request: %s\n", Timeout, milli)
		if tries > 1 {
			fmt.Fprintf(b, "    retry.linkerd.io/http: gateway-error\n    retry.linkerd.io/grpc: unavailable\n    retry.linkerd.io/limit: \"%g\"\n", tries-1) // what comes after the first
			l.put("    retry.linkerd.io/timeout: %s\n", PerTry, milli)
		}
		fmt.Fprintf(b, "spec:\n  parentRefs: [{group: \"\", kind: Service, name: %q}]\n  rules:\n", host)
		match := ""
		if method, path, ok := route(a.To); ok {
			kind, value := "Exact", path
			if parameter.MatchString(path) {
				kind, value = "RegularExpression", parameter.ReplaceAllString(path, "[^/]+")
			}
			match = fmt.Sprintf("matches: [{method: %s, path: {type: %s, value: %q}}], ", method, kind, value)
		}
		fmt.Fprintf(b, "    - {%sbackendRefs: [{name: %q, port: 80}]} # the Service's own port\n", match, host)
	}
	for _, host := range hosts {
		a := breakers[host]
		row, ok := a.value(InARow)
		if !ok {
			if calls, is := a.value(MinCalls); is {
				row, ok = min(calls, 7), true // Linkerd's own default
			}
		}
		if !ok {
			continue
		}
		sep()
		fmt.Fprintf(b, "apiVersion: v1\nkind: Service\nmetadata:\n  name: %q\n  annotations:\n    balancer.linkerd.io/failure-accrual: consecutive\n    balancer.linkerd.io/failure-accrual-consecutive-max-failures: \"%g\"\n    balancer.linkerd.io/failure-accrual-consecutive-min-penalty: 5s\n    balancer.linkerd.io/failure-accrual-consecutive-max-penalty: 60s\n", host, row)
	}
	if docs == 0 {
		return errors.New("linkerd: none of these calls goes to a service over HTTP or gRPC")
	}
	return nil
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
