package kubernetes

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// access says as whom a workload runs and what network policies let through.
func (r *relation) access(w *workload, at func(arch.Fact, string, ...string), places map[arch.Fact]arch.Source) *arch.Access {
	a := &arch.Access{}
	of := arch.DeploymentRef(r.ev.Environment, w.name())
	if acc := w.account(); acc != "" {
		a.Account = strings.TrimPrefix(w.V.Namespace+"/"+acc, "/")
		at(arch.Fact{Of: of, At: "/access/account"}, "", append(slices.Clone(w.PodPath), "spec", "serviceAccountName")...)
	}
	if scc := w.Pod.Annotations["openshift.io/required-scc"]; scc != "" {
		a.SCC = scc
		at(arch.Fact{Of: of, At: "/access/scc"}, "", append(slices.Clone(w.PodPath), "metadata", "annotations", "openshift.io/required-scc")...)
	}
	in, out := discover.NewGate(of, "in", arch.GateNetwork, places), discover.NewGate(of, "out", arch.GateNetwork, places)
	for _, o := range r.objects {
		np, ok := o.V.Typed.(*networkingv1.NetworkPolicy)
		if !ok || o.V.Namespace != w.V.Namespace || !selects(&np.Spec.PodSelector, w.Pod.Labels) {
			continue
		}
		// Kubernetes' default: a policy is always about what comes in, and about what
		// goes out where it has rules for it.
		types := np.Spec.PolicyTypes
		if len(types) == 0 {
			types = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
			if len(np.Spec.Egress) > 0 {
				types = append(types, networkingv1.PolicyTypeEgress)
			}
		}
		if slices.Contains(types, networkingv1.PolicyTypeIngress) {
			in.Shut(o.At(arch.Config))
			for i, rule := range np.Spec.Ingress {
				r.rule(o, in, rule.From, rule.Ports, "ingress", i, "from")
			}
		}
		if slices.Contains(types, networkingv1.PolicyTypeEgress) {
			out.Shut(o.At(arch.Config))
			for i, rule := range np.Spec.Egress {
				r.rule(o, out, rule.To, rule.Ports, "egress", i, "to")
			}
		}
	}
	a.In, a.Out = in.Add(a.In), out.Add(a.Out)
	if a.Account == "" && a.SCC == "" && a.In == nil && a.Out == nil {
		return nil
	}
	return a
}

// rule lets the peers of one rule through a gate.
func (r *relation) rule(o object, g *discover.Gate, peers []networkingv1.NetworkPolicyPeer, on []networkingv1.NetworkPolicyPort, side string, i int, list string) {
	what := ports(on)
	if len(peers) == 0 {
		g.Allow(arch.Anyone, what, o.At(arch.Config, "spec", side, strconv.Itoa(i)))
	}
	for j, p := range peers {
		for _, key := range r.peer(o.V.Namespace, p) {
			g.Allow(key, what, o.At(arch.Config, "spec", side, strconv.Itoa(i), list, strconv.Itoa(j)))
		}
	}
}

// peer lists who a peer of a policy may be, as keys of a gate.
func (r *relation) peer(namespace string, p networkingv1.NetworkPolicyPeer) []string {
	if p.IPBlock != nil {
		key := "net " + p.IPBlock.CIDR
		if len(p.IPBlock.Except) > 0 {
			key += " but " + strings.Join(p.IPBlock.Except, ", ")
		}
		if net, err := netip.ParsePrefix(p.IPBlock.CIDR); err != nil || net.Bits() == 0 || net.Addr().IsPrivate() {
			key = "?" + key // pods have addresses, too
		}
		return []string{key}
	}
	within, unknown := func(ns string) bool { return ns == namespace }, false
	if p.NamespaceSelector != nil {
		within, unknown = r.within(p.NamespaceSelector)
	}
	var out []string
	for _, w := range r.workloads {
		if within(w.V.Namespace) && (p.PodSelector == nil || selects(p.PodSelector, w.Pod.Labels)) {
			out = append(out, string(w.ref))
		}
	}
	if len(out) > 0 && p.PodSelector != nil && !unknown {
		return out
	}
	var words []string
	if p.PodSelector != nil {
		words = append(words, "pods "+cmp.Or(metav1.FormatLabelSelector(p.PodSelector), "<all>"))
	}
	if p.NamespaceSelector != nil {
		words = append(words, "namespaces "+metav1.FormatLabelSelector(p.NamespaceSelector))
	} else if p.PodSelector == nil {
		return append(out, arch.Anyone) // a peer that says nothing
	}
	key := strings.ReplaceAll(strings.Join(words, " in "), "<none>", "<all>")
	if unknown {
		key = "?" + key
	}
	return append(out, key)
}

// within is the namespaces that a selector fits; unknown when some of those that
// workloads are in are not described, so that it may fit them.
func (r *relation) within(sel *metav1.LabelSelector) (fits func(string) bool, unknown bool) {
	known := map[string]map[string]string{}
	for _, n := range r.namespaces() {
		known[n.Name] = n.Labels
	}
	s, err := metav1.LabelSelectorAsSelector(sel)
	if err != nil {
		return func(string) bool { return false }, true
	}
	byName := s.Empty() || onlyName(sel)
	for _, w := range r.workloads {
		if _, ok := known[w.V.Namespace]; !ok && (!byName || w.V.Namespace == "" && !s.Empty()) {
			unknown = true
		}
	}
	return func(ns string) bool {
		set := labels.Set{"kubernetes.io/metadata.name": ns} // Kubernetes sets it
		for k, v := range known[ns] {
			set[k] = v
		}
		return s.Matches(set)
	}, unknown
}

func onlyName(sel *metav1.LabelSelector) bool {
	for k := range sel.MatchLabels {
		if k != "kubernetes.io/metadata.name" {
			return false
		}
	}
	for _, e := range sel.MatchExpressions {
		if e.Key != "kubernetes.io/metadata.name" {
			return false
		}
	}
	return true
}

// selects reports whether a policy's selector fits labels; an empty one fits all.
func selects(sel *metav1.LabelSelector, of map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(sel)
	return err == nil && s.Matches(labels.Set(of))
}

// ports writes the ports of a rule: "" for all.
func ports(ps []networkingv1.NetworkPolicyPort) string {
	var out []string
	for _, p := range ps {
		if p.Port == nil {
			return ""
		}
		s := p.Port.String()
		if p.EndPort != nil {
			s += fmt.Sprintf("-%d", *p.EndPort)
		}
		if p.Protocol != nil && *p.Protocol != "TCP" {
			s += "/" + strings.ToLower(string(*p.Protocol))
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return ""
	}
	return "port " + strings.Join(out, ", ")
}
