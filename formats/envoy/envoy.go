// Package envoy reads the static part of Envoy's configuration: listeners with
// their HTTP routes, and clusters, with the place of every part, and knows what
// Envoy does by default. What it does not read (filters, TLS, the rest of a large
// API) passes without a word; a value of the wrong type is a fault.
package envoy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// What Envoy does where the configuration says nothing. Source: Envoy's API
// reference: RouteAction.timeout, RetryPolicy, CircuitBreakers.Thresholds,
// OutlierDetection.
const (
	DefaultTimeout     = 15 * time.Second // of a whole request, retries included
	DefaultRetries     = 1                // after the first try, where a policy has retry_on
	DefaultBackoff     = 25 * time.Millisecond
	DefaultMaxRequests = 1024
	DefaultMaxPending  = 1024
	DefaultEjectAfter  = 5 // consecutive 5xx
	DefaultInterval    = 10 * time.Second
	DefaultEjection    = 30 * time.Second
)

// Duration is a time as protobuf writes it in JSON: 0.25s, 5s.
type Duration time.Duration

// UnmarshalText reads a time.
func (d *Duration) UnmarshalText(b []byte) error {
	s, ok := strings.CutSuffix(string(b), "s")
	v, err := time.ParseDuration(s + "s")
	if !ok || err != nil || strings.Trim(s, "0123456789.") != "" {
		return fmt.Errorf("%q is no time such as 0.25s or 5s", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it as protobuf does.
func (d Duration) MarshalText() ([]byte, error) {
	s := fmt.Sprintf("%d.%09d", int64(d)/1e9, int64(d)%1e9)
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "s"), nil
}

// Config is a bootstrap file.
type Config struct {
	Static Static `json:"static_resources"`

	Doc    *doc.Document `json:"-"`
	Node   *doc.Node     `json:"-"`
	Faults []*doc.Fault  `json:"-"`
}

// Static resources.
type Static struct {
	Listeners []Listener `json:"listeners"`
	Clusters  []Cluster  `json:"clusters"`
}

// Listener takes connections.
type Listener struct {
	Name    string   `json:"name"`
	Address *Address `json:"address"`
	Chains  []Chain  `json:"filter_chains"`
}

// Chain of filters.
type Chain struct {
	Filters []Filter `json:"filters"`
}

// Filter of a listener; only the HTTP connection manager's routes are read.
type Filter struct {
	Name   string   `json:"name"`
	Config *Manager `json:"typed_config"`
}

// Manager is the HTTP connection manager.
type Manager struct {
	Type   string       `json:"@type"`
	Stat   string       `json:"stat_prefix"`
	Routes *RouteConfig `json:"route_config"`
}

// RouteConfig is a list of virtual hosts.
type RouteConfig struct {
	Name  string        `json:"name"`
	Hosts []VirtualHost `json:"virtual_hosts"`
}

// VirtualHost has routes in the order in which they match.
type VirtualHost struct {
	Name    string   `json:"name"`
	Domains []string `json:"domains"`
	Routes  []Route  `json:"routes"`
	Retry   *Retry   `json:"retry_policy"` // of routes that have none
}

// Route leads requests that match to a cluster.
type Route struct {
	Name   string  `json:"name"`
	Match  Match   `json:"match"`
	Action *Action `json:"route"` // nil: a redirect, or an answer of its own
}

// Match of a route.
type Match struct {
	Prefix    string    `json:"prefix"`
	Separated string    `json:"path_separated_prefix"`
	Path      string    `json:"path"`
	Regex     *Regex    `json:"safe_regex"`
	Headers   *doc.Node `json:"headers"`
}

// Regex of a match.
type Regex struct {
	Regex string `json:"regex"`
}

// Action says where to, and within which limits.
type Action struct {
	Cluster  string    `json:"cluster"`
	Weighted *Weighted `json:"weighted_clusters"`
	Timeout  *Duration `json:"timeout"` // 0: none
	Retry    *Retry    `json:"retry_policy"`
}

// Weighted shares requests among clusters.
type Weighted struct {
	Clusters []Share `json:"clusters"`
}

// Share of a cluster.
type Share struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"`
}

// Retry policy.
type Retry struct {
	On      string    `json:"retry_on"`
	Retries *int      `json:"num_retries"`
	PerTry  *Duration `json:"per_try_timeout"`
	Backoff *Backoff  `json:"retry_back_off"`
}

// Backoff between tries; its jitter is full.
type Backoff struct {
	Base *Duration `json:"base_interval"`
	Max  *Duration `json:"max_interval"`
}

// Cluster is a group of hosts.
type Cluster struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`
	Connect  *Duration   `json:"connect_timeout"`
	Policy   string      `json:"lb_policy"`
	Assigned *Assignment `json:"load_assignment"`
	Breakers *Breakers   `json:"circuit_breakers"`
	Outliers *Outliers   `json:"outlier_detection"`
}

// Assignment lists the hosts of a cluster.
type Assignment struct {
	Cluster   string     `json:"cluster_name"`
	Endpoints []Locality `json:"endpoints"`
}

// Locality has endpoints.
type Locality struct {
	Endpoints []LbEndpoint `json:"lb_endpoints"`
}

// LbEndpoint is a host.
type LbEndpoint struct {
	Endpoint Endpoint `json:"endpoint"`
}

// Endpoint has an address.
type Endpoint struct {
	Address *Address `json:"address"`
}

// Address of a socket.
type Address struct {
	Socket *Socket `json:"socket_address"`
}

// Socket is host and port.
type Socket struct {
	Address string `json:"address"`
	Port    int    `json:"port_value"`
}

// Breakers are limits on what is under way.
type Breakers struct {
	Thresholds []Threshold `json:"thresholds"`
}

// Threshold of a priority.
type Threshold struct {
	Priority    string `json:"priority"`
	Connections *int   `json:"max_connections"`
	Pending     *int   `json:"max_pending_requests"`
	Requests    *int   `json:"max_requests"`
	Retries     *int   `json:"max_retries"`
}

// Outliers says when a host is left out.
type Outliers struct {
	Consecutive *int      `json:"consecutive_5xx"`
	Interval    *Duration `json:"interval"`
	Ejection    *Duration `json:"base_ejection_time"`
}

// Is reports whether a node is a bootstrap file with static resources.
func Is(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map || n.Get("apiVersion") != nil {
		return false
	}
	s := n.Get("static_resources")
	return s != nil && s.Kind == doc.Map && (s.Get("listeners") != nil || s.Get("clusters") != nil)
}

// Read reads a node of a document.
func Read(d *doc.Document, n *doc.Node) *Config {
	c := &Config{Doc: d, Node: n}
	c.Faults = slices.DeleteFunc(d.DecodeNode(n, c), func(f *doc.Fault) bool {
		// A text where a number or a truth is asked for is protobuf's way too, and
		// what is not known here may well be known there.
		return f.Kind == doc.Unknown || f.Kind == doc.Type
	})
	return c
}

// Place is host and port of the cluster's first endpoint that has a name; host is
// "" when it has none.
func (c Cluster) Place() (host string, port int) {
	if c.Assigned == nil {
		return "", 0
	}
	for _, l := range c.Assigned.Endpoints {
		for _, e := range l.Endpoints {
			if a := e.Endpoint.Address; a != nil && a.Socket != nil && a.Socket.Address != "" {
				return a.Socket.Address, a.Socket.Port
			}
		}
	}
	return "", 0
}

// Cluster of a name; nil when there is none.
func (c *Config) Cluster(name string) (*Cluster, int) {
	for i := range c.Static.Clusters {
		if c.Static.Clusters[i].Name == name {
			return &c.Static.Clusters[i], i
		}
	}
	return nil, -1
}

// YAML writes what was read; reading it gives an equal configuration.
func (c *Config) YAML() ([]byte, error) { return doc.Encode(c) }
