// Package istio reads Istio's traffic and security configuration from documents
// into Istio's own messages, with the place of every field, and knows what Istio
// does by default and which fields it accepts and ignores.
//
// It only reads.
package istio

import (
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Object is one resource of an Istio API group.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Doc                               *doc.Document
	Node                              *doc.Node // of the whole resource
	// Spec is *networking.VirtualService and the like; see [VirtualService] and its
	// siblings for typed access.
	Spec   proto.Message
	Faults []*doc.Fault
}

var kinds = map[string]func() proto.Message{
	"VirtualService":        func() proto.Message { return new(networking.VirtualService) },
	"DestinationRule":       func() proto.Message { return new(networking.DestinationRule) },
	"Gateway":               func() proto.Message { return new(networking.Gateway) },
	"ServiceEntry":          func() proto.Message { return new(networking.ServiceEntry) },
	"Sidecar":               func() proto.Message { return new(networking.Sidecar) },
	"AuthorizationPolicy":   func() proto.Message { return new(security.AuthorizationPolicy) },
	"PeerAuthentication":    func() proto.Message { return new(security.PeerAuthentication) },
	"RequestAuthentication": func() proto.Message { return new(security.RequestAuthentication) },
}

// Aliases of the messages' types, so that users of this package need not know
// where Istio keeps them.
type (
	VirtualService  = networking.VirtualService
	DestinationRule = networking.DestinationRule
	Gateway         = networking.Gateway
	ServiceEntry    = networking.ServiceEntry
	HTTPRoute       = networking.HTTPRoute
	HTTPMatch       = networking.HTTPMatchRequest
	StringMatch     = networking.StringMatch
	Sidecar         = networking.Sidecar

	AuthorizationPolicy = security.AuthorizationPolicy
	AuthorizationRule   = security.Rule
	AuthorizationSource = security.Source
	Operation           = security.Operation
	PeerAuthentication  = security.PeerAuthentication
)

// Is reports whether a document is of one of Istio's API groups.
func Is(n *doc.Node) bool {
	switch group(n.Str("apiVersion")) {
	case "networking.istio.io", "security.istio.io":
		return true
	}
	return false
}

// Read returns the object of a document or of an item of a List; nil when it is
// not of a kind that this package knows.
func Read(d *doc.Document, n *doc.Node) *Object {
	mk, ok := kinds[n.Str("kind")]
	if !ok || !Is(n) {
		return nil
	}
	o := &Object{APIVersion: n.Str("apiVersion"), Kind: n.Str("kind"), Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"), Doc: d, Node: n, Spec: mk()}
	if spec := n.Get("spec"); spec != nil {
		o.Faults = decode(d, spec, o.Spec)
	}
	return o
}

// String names the object for people.
func (o *Object) String() string {
	if o.Namespace != "" {
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return o.Kind + " " + o.Name
}

// Specs lists the items of a document: itself, or those of a List.
func Specs(d *doc.Document) []*Object {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Object
	for _, n := range nodes {
		if n.Kind != doc.Map {
			continue
		}
		if o := Read(d, n); o != nil {
			out = append(out, o)
		}
	}
	return out
}

func group(apiVersion string) string {
	for i := range apiVersion {
		if apiVersion[i] == '/' {
			return apiVersion[:i]
		}
	}
	return ""
}

// What Istio does where the configuration says nothing. Source: Istio's
// documentation of HTTPRetry, HTTPRoute and MeshConfig.defaultHttpRetryPolicy.
const (
	// DefaultRetries are re-tries after the first try of an HTTP route.
	DefaultRetries = 2
	// DefaultRetryOn are the conditions of the default retries.
	DefaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled"
	// DefaultRetryBackoff is the first wait between tries, in milliseconds.
	DefaultRetryBackoff = 25
	// RootNamespace is where resources hold for the whole mesh, unless MeshConfig
	// names another.
	RootNamespace = "istio-system"
	// MeshGateway is the name under which a VirtualService addresses sidecars.
	MeshGateway = "mesh"
)

// Ignored tells of a field that the control plane accepts and does not use.
type Ignored struct {
	Node *doc.Node // of the key
	Path []string  // in the resource
	Why  string    // with what to write instead
}

// Ignored lists the fields of the object that have no effect.
func (o *Object) Ignored() []Ignored {
	if o.Kind != "DestinationRule" {
		return nil
	}
	var out []Ignored
	look := func(n *doc.Node, path []string) {
		if od := n.Get("outlierDetection"); od != nil {
			if k := od.KeyNode("consecutiveErrors"); k != nil {
				out = append(out, Ignored{k, append(path, "outlierDetection", "consecutiveErrors"), "the control plane does not read consecutiveErrors any more, so the default of 5 consecutive 5xx holds; write consecutive5xxErrors"})
			}
		}
	}
	spec := o.Node.Get("spec")
	look(spec.Get("trafficPolicy"), []string{"spec", "trafficPolicy"})
	if subsets := spec.Get("subsets"); subsets != nil {
		for i, s := range subsets.Items {
			look(s.Get("trafficPolicy"), []string{"spec", "subsets", itoa(i), "trafficPolicy"})
		}
	}
	return out
}
