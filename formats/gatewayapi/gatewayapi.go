// Package gatewayapi reads the Kubernetes Gateway API's resources from documents
// into the API's own types, with the place of every field, and checks what its
// schema checks: times, weights and paths.
//
// The types are those of v1; older versions of the same kinds have a subset of
// their fields.
//
// It only reads.
package gatewayapi

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Group of the API.
const Group = "gateway.networking.k8s.io"

// Aliases of the API's types, so that users of this package need not know where
// they are kept.
type (
	Gateway         = gatewayv1.Gateway
	HTTPRoute       = gatewayv1.HTTPRoute
	HTTPRule        = gatewayv1.HTTPRouteRule
	HTTPMatch       = gatewayv1.HTTPRouteMatch
	GRPCRoute       = gatewayv1.GRPCRoute
	GRPCMatch       = gatewayv1.GRPCRouteMatch
	BackendRef      = gatewayv1.BackendRef
	ParentReference = gatewayv1.ParentReference
	Duration        = gatewayv1.Duration
)

// Kinds of matches.
const (
	PathExact   = gatewayv1.PathMatchExact
	PathRegex   = gatewayv1.PathMatchRegularExpression
	MethodRegex = gatewayv1.GRPCMethodMatchRegularExpression
)

// Object is one resource of the API.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Doc                               *doc.Document
	Node                              *doc.Node // of the whole resource
	Typed                             any       // *Gateway, *HTTPRoute or *GRPCRoute
	Faults                            []*doc.Fault
}

var kinds = map[string]func() any{
	"Gateway":   func() any { return new(Gateway) },
	"HTTPRoute": func() any { return new(HTTPRoute) },
	"GRPCRoute": func() any { return new(GRPCRoute) },
}

// Is reports whether a node is a resource of the API's group.
func Is(n *doc.Node) bool {
	g, _, ok := strings.Cut(n.Str("apiVersion"), "/")
	return ok && g == Group
}

// Objects lists the resources of a document that this package knows: itself, or
// the items of a List.
func Objects(d *doc.Document) []*Object {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Object
	for _, n := range nodes {
		mk, ok := kinds[n.Str("kind")]
		if !ok || !Is(n) {
			continue
		}
		o := &Object{APIVersion: n.Str("apiVersion"), Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Doc: d, Node: n, Typed: mk()}
		o.Faults = append(d.DecodeNode(n, o.Typed), check(d, n)...)
		out = append(out, o)
	}
	return out
}

// String names the object for people: "HTTPRoute shop/order".
func (o *Object) String() string {
	if o.Namespace != "" {
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return o.Kind + " " + o.Name
}

// duration is the form that the API takes: four parts at most, each of up to five
// digits, no sign, no fractions.
var duration = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)

// ParseDuration reads a time of the API; a known 0 means no limit. ok is false
// for nil and for what the API does not take.
func ParseDuration(d *Duration) (t time.Duration, ok bool) {
	if d == nil || !duration.MatchString(string(*d)) {
		return 0, false
	}
	t, err := time.ParseDuration(string(*d))
	return t, err == nil
}

// check finds what the types alone do not tell.
func check(d *doc.Document, n *doc.Node) []*doc.Fault {
	var fs []*doc.Fault
	fault := func(n *doc.Node, path []string, what, hint string) {
		fs = append(fs, d.Fault(n, doc.Value, path, strings.Join(path, ".")+": "+what, hint))
	}
	rules := n.Find("spec", "rules")
	if rules == nil {
		return nil
	}
	for i, r := range rules.Items {
		at := []string{"spec", "rules", strconv.Itoa(i)}
		for _, p := range [][]string{{"timeouts", "request"}, {"timeouts", "backendRequest"}, {"retry", "backoff"}} {
			if v := r.Find(p...); v != nil && v.Kind == doc.String && !duration.MatchString(v.Text) {
				fault(v, append(at[:3:3], p...), "this is no time of the Gateway API", "write a time such as 500ms, 2s or 1m30s, without sign or fraction")
			}
		}
		if refs := r.Get("backendRefs"); refs != nil {
			for j, b := range refs.Items {
				if w := b.Get("weight"); w != nil && w.Kind == doc.Int && strings.HasPrefix(w.Text, "-") {
					fault(w, append(at[:3:3], "backendRefs", strconv.Itoa(j), "weight"), "a weight below zero", "")
				}
			}
		}
		matches := r.Get("matches")
		if matches == nil {
			continue
		}
		for j, m := range matches.Items {
			v := m.Find("path", "value")
			if v != nil && v.Kind == doc.String && m.Str("path", "type") != string(PathRegex) && !strings.HasPrefix(v.Text, "/") {
				fault(v, append(at[:3:3], "matches", strconv.Itoa(j), "path", "value"), "a path begins with a slash", "")
			}
		}
	}
	return fs
}
