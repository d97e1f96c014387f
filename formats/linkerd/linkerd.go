// Package linkerd reads what Linkerd is told about calls: ServiceProfiles (routes
// with timeouts and retries, the budget of retries) and the annotations of
// Services, with the place of every part, and knows what Linkerd does by default.
package linkerd

import (
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// What Linkerd does where a profile says nothing. Source: linkerd2,
// controller/api/destination/profile_translator.go.
const (
	DefaultRetryRatio = 0.2 // retries per request
	DefaultMinRetries = 10  // a second, beyond the ratio
)

// What Linkerd does where annotations switch something on and say no more.
// Source: Linkerd's documentation, Retries, Circuit breakers.
const (
	DefaultRetryLimit  = 1
	DefaultMaxFailures = 7
	DefaultMinPenalty  = time.Second
)

// Annotations of Services, and of workloads (Inject).
const (
	Inject         = "linkerd.io/inject"
	RetryHTTP      = "retry.linkerd.io/http" // conditions: 5xx, gateway-error, 503
	RetryGRPC      = "retry.linkerd.io/grpc"
	RetryLimit     = "retry.linkerd.io/limit"   // retries after the first try
	RetryTimeout   = "retry.linkerd.io/timeout" // of a try
	RequestTimeout = "timeout.linkerd.io/request"
	Accrual        = "balancer.linkerd.io/failure-accrual" // consecutive
	MaxFailures    = "balancer.linkerd.io/failure-accrual-consecutive-max-failures"
	MinPenalty     = "balancer.linkerd.io/failure-accrual-consecutive-min-penalty"
)

// Group of ServiceProfiles.
const Group = "linkerd.io"

// Profile is a ServiceProfile. Its name is the full name of the Service.
type Profile struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Metadata   *doc.Node `json:"metadata"`
	Spec       Spec      `json:"spec"`

	Namespace, Name string        `json:"-"`
	Doc             *doc.Document `json:"-"`
	Node            *doc.Node     `json:"-"`
	Faults          []*doc.Fault  `json:"-"`
}

// Spec of a profile.
type Spec struct {
	Routes    []Route   `json:"routes"`
	Budget    *Budget   `json:"retryBudget"`
	Overrides *doc.Node `json:"dstOverrides"`
	Opaque    *doc.Node `json:"opaquePorts"`
}

// Route is a class of requests.
type Route struct {
	Name      string    `json:"name"`
	Condition *Match    `json:"condition"`
	Classes   *doc.Node `json:"responseClasses"`
	Retryable bool      `json:"isRetryable"`
	Timeout   string    `json:"timeout"`
}

// Match says which requests are meant.
type Match struct {
	Method    string   `json:"method"`
	PathRegex string   `json:"pathRegex"` // anchored
	All       []*Match `json:"all"`
	Any       []*Match `json:"any"`
	Not       *Match   `json:"not"`
}

// Budget bounds retries.
type Budget struct {
	Ratio     float64 `json:"retryRatio"`
	PerSecond int     `json:"minRetriesPerSecond"`
	TTL       string  `json:"ttl"`
}

// Wait is the timeout of a route; known is false where it has none, or one that
// cannot be read.
func (r Route) Wait() (t time.Duration, known bool) {
	t, err := time.ParseDuration(r.Timeout)
	return t, r.Timeout != "" && err == nil
}

// Profiles lists the ServiceProfiles of a document: itself, or the items of a List.
func Profiles(d *doc.Document) []*Profile {
	nodes := []*doc.Node{d.Root}
	if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
		nodes = items.Items
	}
	var out []*Profile
	for _, n := range nodes {
		if group, _, _ := strings.Cut(n.Str("apiVersion"), "/"); group != Group || n.Str("kind") != "ServiceProfile" {
			continue
		}
		p := &Profile{Doc: d, Node: n, Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name")}
		p.Faults = d.DecodeNode(n, p)
		for i, r := range p.Spec.Routes {
			if _, ok := r.Wait(); r.Timeout != "" && !ok {
				at := []string{"spec", "routes", strconv.Itoa(i), "timeout"}
				p.Faults = append(p.Faults, d.Fault(n.Find(at...), doc.Value, at, strings.Join(at, ".")+": want a time such as 300ms", ""))
			}
		}
		out = append(out, p)
	}
	return out
}

// String names the profile for people.
func (p *Profile) String() string {
	return "ServiceProfile " + strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
}

// YAML writes the profile; reading it gives an equal one.
func (p *Profile) YAML() ([]byte, error) { return doc.Encode(p) }
