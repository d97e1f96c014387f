// Package openshift reads OpenShift's own resources from documents: Route,
// DeploymentConfig, ImageStream, and Template with its parameters filled in. The
// types are this package's, with the fields of the API's v1; what lies in them of
// Kubernetes itself is Kubernetes' own.
//
// It only reads.
package openshift

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Object is one resource.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Annotations                       map[string]string
	Doc                               *doc.Document
	Node                              *doc.Node // of the whole resource
	Typed                             any       // *Route, *DeploymentConfig or *ImageStream
	Faults                            []*doc.Fault
}

// kinds with the groups that they are in; "" is the API before groups (v1).
var kinds = map[string]struct {
	group string
	make  func() any
}{
	"Route":            {"route.openshift.io", func() any { return new(Route) }},
	"DeploymentConfig": {"apps.openshift.io", func() any { return new(DeploymentConfig) }},
	"ImageStream":      {"image.openshift.io", func() any { return new(ImageStream) }},
	"Template":         {"template.openshift.io", nil},

	"SecurityContextConstraints": {"security.openshift.io", func() any { return new(SecurityContextConstraints) }},
}

// is reports whether a node is a resource of this kind, or of any when kind is "".
func is(n *doc.Node, kind string) bool {
	k, ok := kinds[n.Str("kind")]
	if !ok || kind != "" && n.Str("kind") != kind {
		return false
	}
	group, _, grouped := strings.Cut(n.Str("apiVersion"), "/")
	return grouped && group == k.group || !grouped && group == "v1"
}

// IsTemplate reports whether a node is a Template.
func IsTemplate(n *doc.Node) bool { return is(n, "Template") }

// Objects lists the resources of a document that this package knows: itself, or
// the items of a List. For those of a Template see [Expand].
func Objects(d *doc.Document) []*Object {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Object
	for _, n := range nodes {
		if !is(n, "") || kinds[n.Str("kind")].make == nil {
			continue
		}
		o := &Object{APIVersion: n.Str("apiVersion"), Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Doc: d, Node: n, Typed: kinds[n.Str("kind")].make()}
		if as := n.Find("metadata", "annotations"); as != nil {
			o.Annotations = map[string]string{}
			for _, e := range as.Entries {
				o.Annotations[e.Key.Text] = e.Value.Text
			}
		}
		o.Faults = append(d.DecodeNode(n, o.Typed), check(o)...)
		out = append(out, o)
	}
	return out
}

// String names the object for people: "Route shop/order".
func (o *Object) String() string {
	if o.Namespace != "" {
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return o.Kind + " " + o.Name
}

// MaxWeight is the largest weight that a backend of a Route may have.
const MaxWeight = 256

// check finds what the types alone do not tell.
func check(o *Object) []*doc.Fault {
	var fs []*doc.Fault
	switch t := o.Typed.(type) {
	case *Route:
		weight := func(w *int32, path ...string) {
			if w != nil && (*w < 0 || *w > MaxWeight) {
				fs = append(fs, o.Doc.Fault(o.Node.Find(path...), doc.Value, path, strings.Join(path, ".")+": a weight is 0 to 256", ""))
			}
		}
		weight(t.Spec.To.Weight, "spec", "to", "weight")
		for i, b := range t.Spec.AlternateBackends {
			weight(b.Weight, "spec", "alternateBackends", strconv.Itoa(i), "weight")
		}
		if n := len(t.Spec.AlternateBackends); n > 3 {
			path := []string{"spec", "alternateBackends"}
			fs = append(fs, o.Doc.Fault(o.Node.Find(path...), doc.Value, path, "spec.alternateBackends: a Route takes 3 at most, here are "+strconv.Itoa(n), ""))
		}
	case *DeploymentConfig:
		for i, tr := range t.Spec.Triggers {
			if !slices.Contains([]string{"", "ConfigChange", "ImageChange"}, tr.Type) {
				path := []string{"spec", "triggers", strconv.Itoa(i), "type"}
				fs = append(fs, o.Doc.Fault(o.Node.Find(path...), doc.Value, path, strings.Join(path, ".")+": "+strconv.Quote(tr.Type)+" is neither ConfigChange nor ImageChange", ""))
			}
		}
	}
	return fs
}

// What the router does where a Route says nothing, and how a Route says it.
// Source: OpenShift's documentation of route-specific annotations and of the
// router's environment (ROUTER_DEFAULT_SERVER_TIMEOUT).
const (
	DefaultTimeout    = 30 * time.Second
	TimeoutAnnotation = "haproxy.router.openshift.io/timeout"
	// DefaultWeight is that of a backend whose weight is not given.
	DefaultWeight = 100
)

// ParseTimeout reads a time as HAProxy writes it: a whole number with us, ms, s,
// m, h or d; ms where there is no unit.
func ParseTimeout(s string) (time.Duration, bool) {
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	unit, ok := map[string]time.Duration{"": time.Millisecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[s[len(digits):]]
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || n > uint64((1<<63-1)/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
