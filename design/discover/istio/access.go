package istio

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

// access says who may call whom through the mesh's proxies, what they take, and
// how far out they see.
func (r *relation) access(objects []object) (of []arch.Ref) {
	pods := discover.Of[*kubernetes.Pods](r.ev.Documents)
	for _, p := range pods {
		d := arch.DeploymentRef(r.ev.Environment, p.V.Ref.Name())
		places := map[arch.Fact]arch.Source{}
		a := &arch.Access{}
		in, out := discover.NewGate(d, "in", arch.GateMesh, places), discover.NewGate(d, "out", arch.GateMesh, places)
		r.authorize(objects, pods, p.V, in)
		r.scope(objects, pods, p.V, out)
		a.In, a.Out = in.Add(nil), out.Add(nil)
		if mode, src, ok := peerTLS(objects, p); ok {
			a.TLS = mode
			places[arch.Fact{Of: d, At: "/access/tls"}] = src
		}
		if a.In == nil && a.Out == nil && a.TLS == "" {
			continue
		}
		of = append(of, p.V.Ref)
		s := arch.System{Deployments: map[string]arch.Deployment{arch.DeploymentKey(r.ev.Environment, p.V.Ref.Name()): {Of: p.V.Ref, Access: a}}}
		places[arch.Fact{Of: d, At: "/access"}] = cmp.Or(in.Place(), out.Place(), places[arch.Fact{Of: d, At: "/access/tls"}])
		s.Locate(places) // only these facts: that there is a deployment is not Istio's to say
		r.out.System(s)
	}
	return of
}

// holds reports whether a resource with a selector is about pods: those of its
// namespace, or of all where it stands in the root namespace.
func holds(o object, selector map[string]string, p *kubernetes.Pods) bool {
	if o.V.Namespace != istio.RootNamespace && !p.In(o.V.Namespace) {
		return false
	}
	for k, v := range selector {
		if p.Labels[k] != v {
			return false
		}
	}
	return true
}

// authorize adds what AuthorizationPolicies say of callers. As soon as one allows
// anything, or nothing, what none allows is refused; one that denies comes first.
func (r *relation) authorize(objects []object, pods []discover.Typed[*kubernetes.Pods], p *kubernetes.Pods, g *discover.Gate) {
	closed := false
	for _, o := range objects {
		spec, ok := o.V.Spec.(*istio.AuthorizationPolicy)
		if !ok || !r.targets(o, spec, p) {
			continue
		}
		action := spec.GetAction().String()
		if action != "ALLOW" && action != "DENY" && action != "CUSTOM" {
			continue // AUDIT lets everything through
		}
		if action == "ALLOW" {
			closed = true
			g.Shut(o.At(arch.Config))
		}
		for i, rule := range spec.GetRules() {
			at := o.At(arch.Config, "spec", "rules", strconv.Itoa(i))
			for _, c := range callers(rule, pods) {
				switch action {
				case "ALLOW":
					g.Allow(c.key, c.what, at)
				case "DENY":
					g.Deny(c.key, c.what, at)
				case "CUSTOM": // asked before all others, and what it answers is not known here
					g.Deny(c.key, strings.TrimSpace(c.what+" unless "+cmp.Or(spec.GetProvider().GetName(), "its provider")+" lets it through"), at)
				}
			}
		}
		if action != "ALLOW" && len(spec.GetRules()) > 0 {
			g.Shut(o.At(arch.Config))
		}
	}
	if !closed && g.Denies() {
		src := g.Place()
		src.Reason = "Istio's default: what no policy denies is let through where none allows"
		g.Allow(arch.Anyone, "", src)
	}
}

// targets reports whether an AuthorizationPolicy is about pods: by its selector, or
// by a Service that it is attached to.
func (r *relation) targets(o object, spec *istio.AuthorizationPolicy, p *kubernetes.Pods) bool {
	refs := spec.GetTargetRefs()
	if one := spec.GetTargetRef(); one != nil {
		refs = append(slices.Clone(refs), one)
	}
	if len(refs) == 0 {
		return holds(o, spec.GetSelector().GetMatchLabels(), p)
	}
	for _, t := range refs {
		if to, ok := r.ev.Hosts.Resolve(t.GetName(), o.V.Namespace); ok && t.GetKind() == "Service" && to == p.Ref {
			return true
		}
	}
	return false
}

// caller is a key of a gate with what it may do.
type caller struct{ key, what string }

// callers lists who a rule is about.
func callers(rule *istio.AuthorizationRule, pods []discover.Typed[*kubernetes.Pods]) []caller {
	whats := operations(rule)
	var when []string
	for _, c := range rule.GetWhen() {
		when = append(when, c.GetKey())
	}
	var out []caller
	add := func(key string, more ...string) {
		conditions := slices.Concat(more, when)
		for _, w := range whats {
			if len(conditions) > 0 {
				w = strings.TrimPrefix(w+", by "+strings.Join(conditions, " and "), ", ")
			}
			out = append(out, caller{key, w})
		}
	}
	if len(rule.GetFrom()) == 0 {
		add(arch.Anyone)
	}
	for _, f := range rule.GetFrom() {
		src := f.GetSource()
		conditions := conditionsOf(src)
		if !identified(src) {
			add(arch.Anyone, conditions...)
			continue
		}
		found := false
		for _, p := range pods {
			if isFrom(src, p.V) {
				found = true
				add(string(p.V.Ref), conditions...)
			}
		}
		if !found || len(src.GetPrincipals())+len(src.GetServiceAccounts()) == 0 {
			add(described(src), conditions...)
		}
	}
	return out
}

// operations writes what a rule is about: "GET /orders", one each.
func operations(rule *istio.AuthorizationRule) []string {
	if len(rule.GetTo()) == 0 {
		return []string{""}
	}
	var out []string
	for _, t := range rule.GetTo() {
		op := t.GetOperation()
		what := strings.TrimSpace(strings.Join(op.GetMethods(), ", ") + " " + strings.Join(op.GetPaths(), ", "))
		for _, x := range []struct {
			word string
			of   []string
		}{{"port", op.GetPorts()}, {"host", op.GetHosts()}, {"not", slices.Concat(op.GetNotMethods(), op.GetNotPaths(), op.GetNotPorts(), op.GetNotHosts())}} {
			if len(x.of) > 0 {
				what = strings.TrimSpace(what + " " + x.word + " " + strings.Join(x.of, ", "))
			}
		}
		out = append(out, what)
	}
	return out
}

// identified reports whether a source is about who calls, and not only about
// tokens and addresses.
func identified(s *istio.AuthorizationSource) bool {
	return len(s.GetPrincipals())+len(s.GetNotPrincipals())+len(s.GetNamespaces())+len(s.GetNotNamespaces())+len(s.GetServiceAccounts())+len(s.GetNotServiceAccounts()) > 0
}

func conditionsOf(s *istio.AuthorizationSource) []string {
	var out []string
	if len(s.GetRequestPrincipals())+len(s.GetNotRequestPrincipals()) > 0 {
		out = append(out, "token")
	}
	if len(s.GetIpBlocks())+len(s.GetNotIpBlocks())+len(s.GetRemoteIpBlocks())+len(s.GetNotRemoteIpBlocks()) > 0 {
		out = append(out, "address")
	}
	return out
}

// isFrom reports whether pods may be a source: all of its parts fit.
func isFrom(s *istio.AuthorizationSource, p *kubernetes.Pods) bool {
	principal := func(pattern string) bool { return isPrincipal(pattern, p) }
	account := func(a string) bool {
		ns, name, ok := strings.Cut(a, "/")
		if !ok {
			ns, name = "", a
		}
		return p.In(ns) && name == p.Account
	}
	namespace := func(pattern string) bool { return p.Namespace == "" || fits(pattern, p.Namespace) }
	sure := func(pattern string) bool { return p.Namespace != "" && fits(pattern, p.Namespace) }
	all := func(yes, no []string, is, surely func(string) bool) bool {
		return (len(yes) == 0 || slices.ContainsFunc(yes, is)) && !slices.ContainsFunc(no, surely)
	}
	return all(s.GetPrincipals(), s.GetNotPrincipals(), principal, principal) &&
		all(s.GetServiceAccounts(), s.GetNotServiceAccounts(), account, account) &&
		all(s.GetNamespaces(), s.GetNotNamespaces(), namespace, sure)
}

// isPrincipal fits cluster.local/ns/shop/sa/web, of whatever trust domain. Where
// manifests name no namespace, any fits.
func isPrincipal(pattern string, p *kubernetes.Pods) bool {
	if p.Namespace != "" {
		return fits(pattern, "cluster.local/ns/"+p.Namespace+"/sa/"+p.Account) || fits(strings.TrimPrefix(pattern, "spiffe://"), "cluster.local/ns/"+p.Namespace+"/sa/"+p.Account)
	}
	_, account, ok := strings.Cut(pattern, "/sa/")
	return ok && fits(account, p.Account) || !ok && fits(pattern, "cluster.local/ns/default/sa/"+p.Account)
}

// fits matches as Istio does: exactly, by prefix*, by *suffix, or * for anything.
func fits(pattern, s string) bool {
	switch {
	case pattern == "*":
		return s != ""
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(s, pattern[1:])
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(s, pattern[:len(pattern)-1])
	}
	return pattern == s
}

// described writes a source that is none of the known workloads.
func described(s *istio.AuthorizationSource) string {
	var out []string
	for _, x := range []struct {
		word string
		of   []string
	}{{"account", slices.Concat(s.GetPrincipals(), s.GetServiceAccounts())}, {"namespace", s.GetNamespaces()}, {"not account", slices.Concat(s.GetNotPrincipals(), s.GetNotServiceAccounts())}, {"not namespace", s.GetNotNamespaces()}} {
		if len(x.of) > 0 {
			out = append(out, x.word+" "+strings.Join(x.of, ", "))
		}
	}
	return strings.Join(out, ", ")
}

// peerTLS is what a workload's proxy takes: the policy that selects it, else its
// namespace's, else the mesh's, else Istio's default where it is in the mesh. Ports
// with a mode of their own are in the claim's reason: "but port 8080: disable".
func peerTLS(objects []object, pods discover.Typed[*kubernetes.Pods]) (mode string, src arch.Source, ok bool) {
	p := pods.V
	best := -1
	var ports string
	for _, o := range objects {
		spec, is := o.V.Spec.(*istio.PeerAuthentication)
		m := spec.GetMtls().GetMode().String()
		sel := spec.GetSelector().GetMatchLabels()
		if !is || !holds(o, sel, p) {
			continue
		}
		rank := 0
		switch {
		case len(sel) > 0 && o.V.Namespace == istio.RootNamespace && p.Namespace != istio.RootNamespace:
			continue // a selector in the root namespace selects there only
		case len(sel) > 0:
			rank = 2
			if ports == "" { // ports count only where pods are selected; what the mode leaves open comes from around it
				ports = ofPorts(spec)
			}
		case o.V.Namespace != istio.RootNamespace:
			rank = 1
		}
		if m != "UNSET" && rank > best {
			best, mode, src = rank, strings.ToLower(m), o.At(arch.Config, "spec", "mtls", "mode")
		}
	}
	if best < 0 && p.Mesh != Name {
		return "", src, false
	}
	if best < 0 {
		mode, src = "permissive", pods.At(arch.Config)
		src.By, src.Reason = Name, "Istio's default: plain text and mutual TLS are both taken where no PeerAuthentication says otherwise"
	}
	src.Reason = strings.TrimPrefix(src.Reason+ports, ", ")
	return mode, src, true
}

// ofPorts writes the modes of ports, in their order.
func ofPorts(spec *istio.PeerAuthentication) string {
	var b strings.Builder
	for _, port := range slices.Sorted(maps.Keys(spec.GetPortLevelMtls())) {
		if mode := spec.GetPortLevelMtls()[port].GetMode().String(); mode != "UNSET" {
			b.WriteString(", but port " + strconv.Itoa(int(port)) + ": " + strings.ToLower(mode))
		}
	}
	return b.String()
}

// scope adds what a Sidecar lets its pods see. That is no wall by itself: unless
// the mesh passes nothing on but what is registered, the rest is passed on, too.
func (r *relation) scope(objects []object, pods []discover.Typed[*kubernetes.Pods], p *kubernetes.Pods, g *discover.Gate) {
	var of object
	var spec *istio.Sidecar
	best := -1
	for _, o := range objects {
		s, is := o.V.Spec.(*istio.Sidecar)
		sel := s.GetWorkloadSelector().GetLabels()
		if !is || !holds(o, sel, p) {
			continue
		}
		rank := 0
		switch {
		case len(sel) > 0:
			rank = 2
		case o.V.Namespace != istio.RootNamespace:
			rank = 1
		}
		if rank > best {
			best, of, spec = rank, o, s
		}
	}
	if spec == nil || len(spec.GetEgress()) == 0 && spec.GetOutboundTrafficPolicy() == nil {
		return
	}
	g.Shut(of.At(arch.Config))
	if len(spec.GetEgress()) == 0 {
		g.Allow(arch.Anyone, "in the mesh", of.At(arch.Config))
	}
	for i, e := range spec.GetEgress() {
		for _, h := range e.GetHosts() {
			src := of.At(arch.Config, "spec", "egress", strconv.Itoa(i), "hosts")
			keys := r.seen(h, cmp.Or(of.V.Namespace, p.Namespace), pods)
			if len(keys) > len(pods) { // all that is known: who reads it need not read them one by one
				g.Allow(arch.Anyone, "in "+keys[0], src)
				continue
			}
			for _, key := range keys {
				g.Allow(key, "", src)
			}
		}
	}
	if out := spec.GetOutboundTrafficPolicy(); out == nil || out.GetMode().String() != "REGISTRY_ONLY" { // one that is there says REGISTRY_ONLY by its zero value
		src := of.At(arch.Config, "spec", "outboundTrafficPolicy")
		src.Reason = "Istio's default, ALLOW_ANY: what the Sidecar does not name is passed on as it comes"
		g.Allow(arch.Anyone, "not by the mesh's rules", src)
	}
}

// seen lists what a host of a Sidecar, "shop/cart.shop.svc.cluster.local" or
// "./*", stands for.
func (r *relation) seen(host, namespace string, pods []discover.Typed[*kubernetes.Pods]) []string {
	ns, name, ok := strings.Cut(host, "/")
	if !ok {
		ns, name = namespace, host
	}
	switch ns {
	case ".":
		ns = namespace
	case "~":
		return nil
	}
	if name != "*" {
		from := ns
		if ns == "*" {
			from = namespace
		}
		if to, ok := r.ev.Hosts.Resolve(name, from); ok {
			return []string{string(to)}
		}
		if strings.HasPrefix(name, "*") {
			return []string{"?" + host}
		}
		return []string{"host " + name}
	}
	if ns == "*" {
		return []string{arch.Anyone}
	}
	out := []string{"namespace " + ns}
	for _, p := range pods {
		if p.V.In(ns) {
			out = append(out, string(p.V.Ref))
		}
	}
	return out
}
