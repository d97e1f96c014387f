// Package kong reads Kong's declarative configuration (format versions 1.1, 2.1
// and 3.0, as decK and DB-less Kong take it) from documents, with the place of
// every field, and knows what Kong does by default.
package kong

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// What Kong does where a service says nothing. Source: Kong's reference of the
// Service object.
const (
	DefaultRetries     = 5      // tries after the first
	DefaultReadTimeout = 60_000 // ms between two reads from the upstream
	DefaultPort        = 80
	DefaultWeight      = 100 // of a target
)

// Versions of the format that this package knows.
var Versions = []string{"1.1", "2.1", "3.0"}

// Config is a file.
type Config struct {
	Version   string     `json:"_format_version"`
	Transform *doc.Node  `json:"_transform"`
	Comment   *doc.Node  `json:"_comment"`
	Ignore    *doc.Node  `json:"_ignore"`
	Info      *doc.Node  `json:"_info"`
	Konnect   *doc.Node  `json:"_konnect"`
	Configs   *doc.Node  `json:"_plugin_configs"`
	Workspace string     `json:"_workspace"`
	Services  []Service  `json:"services"`
	Routes    []Route    `json:"routes"`
	Upstreams []Upstream `json:"upstreams"`
	Targets   []Target   `json:"targets"`
	Plugins   []Plugin   `json:"plugins"`

	Doc    *doc.Document `json:"-"`
	Faults []*doc.Fault  `json:"-"`
}

// others are entities that say nothing about traffic, or hold secrets: they are
// taken and not read. Plugins may add entities of their own; those that are near
// none of the known names pass too.
var others = []string{
	"consumers", "consumer_groups", "consumer_group_consumers", "consumer_group_plugins", "certificates", "ca_certificates", "snis", "vaults", "keys", "key_sets", "licenses", "partials", "filter_chains",
	"acls", "basicauth_credentials", "hmacauth_credentials", "jwt_secrets", "keyauth_credentials", "mtls_auth_credentials", "oauth2_credentials", "rbac_roles", "rbac_endpoint_permissions", "service_packages", "workspaces", "parameters",
}

// Service is an upstream API with its routes.
type Service struct {
	common
	URL        string    `json:"url"` // protocol, host, port and path in one
	Protocol   string    `json:"protocol"`
	Host       string    `json:"host"` // a name in the network, or of an Upstream
	Port       int       `json:"port"`
	Path       string    `json:"path"`
	Retries    *int      `json:"retries"`         // 0..32767
	Connect    *int      `json:"connect_timeout"` // ms
	Write      *int      `json:"write_timeout"`   // ms between two writes
	Read       *int      `json:"read_timeout"`    // ms between two reads
	Enabled    *bool     `json:"enabled"`
	ClientCert *doc.Node `json:"client_certificate"`
	TLSVerify  *bool     `json:"tls_verify"`
	TLSDepth   *int      `json:"tls_verify_depth"`
	CACerts    *doc.Node `json:"ca_certificates"`
	TLSSans    *doc.Node `json:"tls_sans"`
	Routes     []Route   `json:"routes"`
	Plugins    []Plugin  `json:"plugins"`
}

// common is what all entities have.
type common struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Tags    []string  `json:"tags"`
	Created *doc.Node `json:"created_at"`
	Updated *doc.Node `json:"updated_at"`
	Comment *doc.Node `json:"_comment"`
	Ignore  *doc.Node `json:"_ignore"`
	Chains  *doc.Node `json:"filter_chains"`
	// Node is where the entity stands, Way the steps to it.
	Node *doc.Node `json:"-"`
	Way  []string  `json:"-"`
}

// Route says which requests go to a service.
type Route struct {
	common
	Protocols    []string            `json:"protocols"`
	Methods      []string            `json:"methods"`
	Hosts        []string            `json:"hosts"`
	Paths        []string            `json:"paths"`
	Headers      map[string][]string `json:"headers"`
	SNIs         []string            `json:"snis"`
	Sources      *doc.Node           `json:"sources"`
	Destinations *doc.Node           `json:"destinations"`
	Expression   string              `json:"expression"`
	Priority     *int                `json:"priority"`
	RegexPrio    *int                `json:"regex_priority"`
	StripPath    *bool               `json:"strip_path"`
	PathHandling string              `json:"path_handling"`
	PreserveHost *bool               `json:"preserve_host"`
	ReqBuffer    *bool               `json:"request_buffering"`
	RespBuffer   *bool               `json:"response_buffering"`
	Redirect     *int                `json:"https_redirect_status_code"`
	Service      *doc.Node           `json:"service"`
	Plugins      []Plugin            `json:"plugins"`
}

// Upstream is a virtual host with its targets.
type Upstream struct {
	common
	Targets    []Target  `json:"targets"`
	Algorithm  string    `json:"algorithm"`
	Slots      *int      `json:"slots"`
	Health     *doc.Node `json:"healthchecks"`
	HashOn     string    `json:"hash_on"`
	HashBack   string    `json:"hash_fallback"`
	HashHeader string    `json:"hash_on_header"`
	BackHeader string    `json:"hash_fallback_header"`
	HashCookie string    `json:"hash_on_cookie"`
	CookiePath string    `json:"hash_on_cookie_path"`
	HashQuery  string    `json:"hash_on_query_arg"`
	BackQuery  string    `json:"hash_fallback_query_arg"`
	HashURI    string    `json:"hash_on_uri_capture"`
	BackURI    string    `json:"hash_fallback_uri_capture"`
	HostHeader string    `json:"host_header"`
	ClientCert *doc.Node `json:"client_certificate"`
	UseSRV     *bool     `json:"use_srv_name"`
	Sticky     string    `json:"sticky_sessions_cookie"`
	StickyPath string    `json:"sticky_sessions_cookie_path"`
}

// Target is one place of an upstream: host or host:port.
type Target struct {
	common
	Target   string    `json:"target"`
	Weight   *int      `json:"weight"` // 0..65535
	Upstream *doc.Node `json:"upstream"`
	Failover *bool     `json:"failover"`
}

// Plugin is a plugin with what it is for: where it stands, or what it names.
type Plugin struct {
	common
	Config        *doc.Node `json:"config"`
	Shared        string    `json:"_config"`
	Enabled       *bool     `json:"enabled"`
	Protocols     []string  `json:"protocols"`
	RunOn         string    `json:"run_on"`
	Service       *doc.Node `json:"service"`
	Route         *doc.Node `json:"route"`
	Consumer      *doc.Node `json:"consumer"`
	ConsumerGroup *doc.Node `json:"consumer_group"`
	Ordering      *doc.Node `json:"ordering"`
	Instance      string    `json:"instance_name"`
	Condition     string    `json:"condition"`
	Partials      *doc.Node `json:"partials"`
	Model         *doc.Node `json:"model"`
}

// Is reports whether a node is a declarative configuration.
func Is(n *doc.Node) bool { return n != nil && n.Kind == doc.Map && n.Get("_format_version") != nil }

// Reference is what a reference to another entity names: its name or id, as text
// or in a mapping.
func Reference(n *doc.Node) string {
	if n == nil {
		return ""
	}
	for _, s := range []string{n.Str("name"), n.Str("id")} {
		if s != "" {
			return s
		}
	}
	return n.Str()
}

// Read reads a document.
func Read(d *doc.Document) *Config {
	c := &Config{Doc: d}
	root := *d.Root // without what is not read
	root.Entries = slices.DeleteFunc(slices.Clone(root.Entries), func(e doc.Entry) bool {
		return slices.Contains(others, e.Key.Text) || !strings.HasPrefix(e.Key.Text, "_") && !slices.Contains(read, e.Key.Text) && doc.Nearest(e.Key.Text, read) == ""
	})
	c.Faults = d.DecodeNode(&root, c)
	c.locate()
	c.check()
	return c
}

var read = []string{"services", "routes", "upstreams", "targets", "plugins"}

func (c *Config) check() {
	fault := func(n *doc.Node, path []string, what, hint string) {
		c.Faults = append(c.Faults, c.Doc.Fault(n, doc.Value, path, strings.Join(path, ".")+": "+what, hint))
	}
	if v := c.Doc.Root.Get("_format_version"); v.Kind == doc.String && !slices.Contains(Versions, v.Text) {
		fault(v, []string{"_format_version"}, fmt.Sprintf("%q is none of %s", v.Text, strings.Join(Versions, ", ")), "")
	}
	for i := range c.Services {
		s := &c.Services[i]
		for _, f := range []struct {
			name     string
			v        **int
			from, to int
		}{{"retries", &s.Retries, 0, 32767}, {"connect_timeout", &s.Connect, 1, 1<<31 - 2}, {"write_timeout", &s.Write, 1, 1<<31 - 2}, {"read_timeout", &s.Read, 1, 1<<31 - 2}} {
			n := s.Node.Get(f.name)
			switch {
			case *f.v == nil:
			case n.Kind != doc.Int: // decK fills it in from the environment, or it is a fault already
				*f.v = nil
			case **f.v < f.from || **f.v > f.to:
				fault(n, append(slices.Clone(s.Way), f.name), fmt.Sprintf("want %d to %d", f.from, f.to), "")
				*f.v = nil
			}
		}
	}
}
