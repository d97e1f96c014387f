// Package consul reads what Consul is told about services: definitions in the
// files of an agent (HCL and JSON, one service or many, with their checks, meta and
// upstreams), intentions and other configuration entries, and the same as resources
// of Kubernetes (consul.hashicorp.com), with the place of every part.
//
// Consul takes its keys in several spellings (deregister_critical_service_after,
// DeregisterCriticalServiceAfter); all of them are read.
package consul

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// MinDeregister is the shortest time after which Consul takes a critical service
// out; a shorter one counts as this. Source: Consul's documentation of
// deregister_critical_service_after, and its agent's check_deregister_interval_min.
const MinDeregister = time.Minute

// Service is a definition.
type Service struct {
	Name, ID  string // ID is the name where none is given
	Address   string
	Port      int
	Tags      []string
	Meta      map[string]string
	Checks    []Check
	Upstreams []Upstream
	Connect   bool // a sidecar handles its traffic

	Node *doc.Node
	Way  []string // in the document
}

// Check says how the health of a service is found out.
type Check struct {
	Name, ID   string
	Kind       string // http, tcp, udp, grpc, script, ttl, docker, h2ping, alias
	Target     string // what is asked, where something is
	Interval   time.Duration
	Timeout    time.Duration
	TTL        time.Duration
	Deregister *time.Duration // nil: never
	Service    string         // of a check of the agent: the service that it is for

	Node *doc.Node
	Way  []string
}

// Upstream is a service that a sidecar makes reachable on the local machine.
type Upstream struct {
	Name string
	Port int
	Way  []string
}

// Intention says who may reach a service.
type Intention struct {
	Destination string
	Sources     []Source
}

// Source of an intention.
type Source struct {
	Name   string // * for all
	Action string // allow, deny; "" where permissions decide
	Way    []string
}

// Config is what a document says.
type Config struct {
	Services  []Service
	Checks    []Check // that stand outside of a service
	Intention *Intention
	Entry     string // kind of a configuration entry: service-intentions, service-router, ...
	Doc       *doc.Document
	Node      *doc.Node
	Faults    []*doc.Fault
}

// Group of Consul's resources in Kubernetes.
const Group = "consul.hashicorp.com"

// fold makes one spelling of all.
func fold(key string) string { return strings.ToLower(strings.ReplaceAll(key, "_", "")) }

func get(n *doc.Node, key string) *doc.Node {
	if n == nil {
		return nil
	}
	for _, e := range n.Entries {
		if fold(e.Key.Text) == fold(key) {
			return e.Value
		}
	}
	return nil
}

// spelled is how the document spells a key.
func spelled(n *doc.Node, key string) string {
	for _, e := range n.Entries {
		if fold(e.Key.Text) == fold(key) {
			return e.Key.Text
		}
	}
	return key
}

func str(n *doc.Node, key string) string { return get(n, key).Str() }

// Is reports whether a node is something that Consul is told: definitions, a
// configuration entry, or a resource.
func Is(n *doc.Node) bool {
	if n == nil || n.Kind != doc.Map {
		return false
	}
	if g, _, _ := strings.Cut(n.Str("apiVersion"), "/"); g != "" {
		return g == Group
	}
	if kind := str(n, "kind"); kind != "" && str(n, "name") != "" {
		return slices.Contains(entries, kind)
	}
	for _, key := range []string{"service", "services"} {
		for _, s := range items(get(n, key)) {
			if s.node.Kind == doc.Map && str(s.node, "name") != "" && (get(s.node, "port") != nil || get(s.node, "check") != nil || get(s.node, "checks") != nil || get(s.node, "connect") != nil || get(s.node, "tags") != nil) {
				return true
			}
		}
	}
	return false
}

// entries are the kinds of configuration entries.
var entries = []string{"service-intentions", "service-defaults", "service-router", "service-resolver", "service-splitter", "proxy-defaults", "ingress-gateway", "terminating-gateway", "api-gateway", "http-route", "mesh", "exported-services", "sameness-group", "control-plane-request-limit", "jwt-provider"}

type item struct {
	node *doc.Node
	way  []string
}

// items are those of a list, or the one thing that stands in its place.
func items(n *doc.Node) []item {
	switch {
	case n == nil:
		return nil
	case n.Kind == doc.List:
		var out []item
		for i, it := range n.Items {
			out = append(out, item{it, []string{strconv.Itoa(i)}})
		}
		return out
	}
	return []item{{n, nil}}
}

// Read reads a document's node.
func Read(d *doc.Document, n *doc.Node) *Config {
	c := &Config{Doc: d, Node: n}
	switch {
	case n.Get("apiVersion") != nil:
		if n.Str("kind") == "ServiceIntentions" {
			c.Entry = "service-intentions"
			spec := n.Get("spec")
			c.Intention = &Intention{Destination: spec.Str("destination", "name")}
			c.sources(get(spec, "sources"), []string{"spec", "sources"})
		}
	case str(n, "kind") != "" && slices.Contains(entries, str(n, "kind")):
		c.Entry = str(n, "kind")
		if c.Entry == "service-intentions" {
			c.Intention = &Intention{Destination: str(n, "name")}
			c.sources(get(n, "sources"), []string{spelled(n, "sources")})
		}
	default:
		for _, key := range []string{"service", "services"} {
			for _, it := range items(get(n, key)) {
				if it.node.Kind == doc.Map {
					c.Services = append(c.Services, c.service(it.node, append([]string{spelled(n, key)}, it.way...)))
				}
			}
		}
		for _, key := range []string{"check", "checks"} {
			c.Checks = append(c.Checks, c.checks(n, key, nil)...)
		}
	}
	return c
}

func (c *Config) sources(n *doc.Node, way []string) {
	for _, it := range items(n) {
		c.Intention.Sources = append(c.Intention.Sources, Source{str(it.node, "name"), str(it.node, "action"), append(slices.Clone(way), it.way...)})
	}
}

func (c *Config) fault(n *doc.Node, kind doc.FaultKind, way []string, what, hint string) {
	c.Faults = append(c.Faults, c.Doc.Fault(n, kind, way, strings.Join(way, ".")+": "+what, hint))
}

var serviceKeys = []string{
	"name", "id", "address", "port", "ports", "tags", "meta", "check", "checks", "connect", "weights", "proxy", "kind", "enable_tag_override", "token", "tagged_addresses", "socket_path", "locality", "namespace", "partition", "service_type",
}

var checkKeys = []string{
	"name", "id", "check_id", "notes", "http", "tcp", "tcp_use_tls", "udp", "grpc", "grpc_use_tls", "h2ping", "h2ping_use_tls", "args", "script_args", "script", "shell", "docker_container_id", "ttl", "alias_service", "alias_node", "os_service", "interval", "timeout", "method", "header", "body", "disable_redirects",
	"tls_server_name", "tls_skip_verify", "status", "service_id", "service_name", "token", "output_max_size", "success_before_passing", "failures_before_warning", "failures_before_critical", "deregister_critical_service_after", "namespace", "partition",
}

// known reports the keys that Consul does not take there.
func (c *Config) known(n *doc.Node, way, keys []string) {
	for _, e := range n.Entries {
		if slices.ContainsFunc(keys, func(k string) bool { return fold(k) == fold(e.Key.Text) }) {
			continue
		}
		hint := ""
		if near := doc.Nearest(e.Key.Text, keys); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		at := append(slices.Clone(way), e.Key.Text)
		c.Faults = append(c.Faults, c.Doc.Fault(e.Key, doc.Unknown, at, fmt.Sprintf("unknown field %q", strings.Join(at, ".")), hint))
	}
}

func (c *Config) service(n *doc.Node, way []string) Service {
	c.known(n, way, serviceKeys)
	s := Service{Name: str(n, "name"), ID: str(n, "id"), Address: str(n, "address"), Node: n, Way: way, Connect: get(n, "connect") != nil}
	if s.ID == "" {
		s.ID = s.Name
	}
	if p := get(n, "port"); p != nil {
		v, err := strconv.Atoi(p.Text)
		if err != nil || v < 0 || v > 65535 {
			c.fault(p, doc.Type, append(slices.Clone(way), spelled(n, "port")), "a port is a number up to 65535", "")
		} else {
			s.Port = v
		}
	}
	if t := get(n, "tags"); t != nil {
		for _, it := range t.Items {
			s.Tags = append(s.Tags, it.Text)
		}
	}
	if m := get(n, "meta"); m != nil && len(m.Entries) > 0 {
		s.Meta = map[string]string{}
		for _, e := range m.Entries {
			s.Meta[e.Key.Text] = e.Value.Text
		}
	}
	for _, key := range []string{"check", "checks"} {
		s.Checks = append(s.Checks, c.checks(n, key, way)...)
	}
	s.upstreams(n)
	return s
}

// upstreams stand in the sidecar's proxy.
func (s *Service) upstreams(n *doc.Node) {
	way := slices.Clone(s.Way)
	for _, key := range []string{"connect", "sidecar_service", "proxy", "upstreams"} {
		if n == nil {
			return
		}
		way = append(way, spelled(n, key))
		n = get(n, key)
	}
	for _, it := range items(n) {
		u := Upstream{Name: str(it.node, "destination_name"), Way: append(slices.Clone(way), it.way...)}
		u.Port, _ = strconv.Atoi(str(it.node, "local_bind_port")) // 0 when it is none
		if u.Name != "" {
			s.Upstreams = append(s.Upstreams, u)
		}
	}
}

// checkKinds in the order in which the first that is given decides.
var checkKinds = []string{"http", "grpc", "tcp", "udp", "h2ping", "ttl", "docker_container_id", "args", "script", "alias_service", "os_service"}

func (c *Config) checks(n *doc.Node, key string, way []string) []Check {
	var out []Check
	for _, it := range items(get(n, key)) {
		if it.node.Kind != doc.Map {
			continue
		}
		at := append(append(slices.Clone(way), spelled(n, key)), it.way...)
		c.known(it.node, at, checkKeys)
		x := Check{Name: str(it.node, "name"), ID: str(it.node, "id"), Service: str(it.node, "service_id"), Node: it.node, Way: at}
		for _, k := range checkKinds {
			if v := get(it.node, k); v != nil {
				x.Kind, x.Target = strings.TrimSuffix(k, "_container_id"), v.Str()
				break
			}
		}
		x.Interval, x.Timeout, x.TTL = c.span(it.node, "interval", at), c.span(it.node, "timeout", at), c.span(it.node, "ttl", at)
		if d := get(it.node, "deregister_critical_service_after"); d != nil && d.Text != "" {
			if t, err := time.ParseDuration(d.Text); err == nil {
				x.Deregister = &t
			} else {
				c.span(it.node, "deregister_critical_service_after", at)
			}
		}
		out = append(out, x)
	}
	return out
}

func (c *Config) span(n *doc.Node, key string, way []string) time.Duration {
	v := get(n, key)
	if v == nil || v.Text == "" {
		return 0
	}
	t, err := time.ParseDuration(v.Text)
	if err != nil {
		c.fault(v, doc.Value, append(slices.Clone(way), spelled(n, key)), "want a time such as 10s or 1m30s", "")
	}
	return t
}

// Place is the path of a key of a definition or check, as the document spells it.
func Place(n *doc.Node, way []string, key string) []string {
	return append(slices.Clone(way), spelled(n, key))
}
