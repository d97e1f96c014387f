package kong

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// locate tells every entity where it stands.
func (c *Config) locate() {
	set := func(x *common, path ...string) {
		x.Way, x.Node = path, c.Doc.Root.Find(path...)
	}
	plugins := func(ps []Plugin, path ...string) {
		for i := range ps {
			set(&ps[i].common, append(slices.Clone(path), "plugins", strconv.Itoa(i))...)
		}
	}
	routes := func(rs []Route, path ...string) {
		for i := range rs {
			at := append(slices.Clone(path), "routes", strconv.Itoa(i))
			set(&rs[i].common, at...)
			plugins(rs[i].Plugins, at...)
		}
	}
	for i := range c.Services {
		at := []string{"services", strconv.Itoa(i)}
		set(&c.Services[i].common, at...)
		plugins(c.Services[i].Plugins, at...)
		routes(c.Services[i].Routes, at...)
	}
	routes(c.Routes)
	plugins(c.Plugins)
	for i := range c.Upstreams {
		at := []string{"upstreams", strconv.Itoa(i)}
		set(&c.Upstreams[i].common, at...)
		for j := range c.Upstreams[i].Targets {
			set(&c.Upstreams[i].Targets[j].common, append(slices.Clone(at), "targets", strconv.Itoa(j))...)
		}
	}
	for i := range c.Targets {
		set(&c.Targets[i].common, "targets", strconv.Itoa(i))
	}
}

// Place is the host and port that a service leads to; host is "" when it has
// none.
func (s *Service) Place() (host, port string) {
	host, port = s.Host, strconv.Itoa(DefaultPort)
	if s.Port > 0 {
		port = strconv.Itoa(s.Port)
	}
	if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
		host = u.Hostname()
		port = u.Port()
		if port == "" {
			port = map[string]string{"https": "443", "grpcs": "443"}[u.Scheme]
		}
		if port == "" {
			port = strconv.Itoa(DefaultPort)
		}
	}
	return host, port
}

// Silent reports whether a service says nothing about a field, so that Kong's
// default holds: what stands there and cannot be read is not silence.
func (s *Service) Silent(field string) bool {
	n := s.Node.Get(field)
	return n == nil || n.Kind == doc.Null
}

// Is reports whether a reference names the entity.
func (x *common) Is(reference *doc.Node) bool {
	r := Reference(reference)
	return r != "" && (r == x.Name || r == x.ID)
}

// RoutesOf lists the routes of a service: those inside it, and those that name it.
func (c *Config) RoutesOf(s *Service) []*Route {
	var out []*Route
	for i := range s.Routes {
		out = append(out, &s.Routes[i])
	}
	for i := range c.Routes {
		if s.Is(c.Routes[i].Service) {
			out = append(out, &c.Routes[i])
		}
	}
	return out
}

// TargetsOf lists the targets of the upstream of this name; nil when there is no
// such upstream.
func (c *Config) TargetsOf(host string) []*Target {
	var out []*Target
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		if u.Name != host {
			continue
		}
		for j := range u.Targets {
			out = append(out, &u.Targets[j])
		}
		for j := range c.Targets {
			if u.Is(c.Targets[j].Upstream) {
				out = append(out, &c.Targets[j])
			}
		}
	}
	return out
}

// Place is the target's host and port; Kong's default port is 8000.
func (t *Target) Place() (host, port string) {
	if h, p, err := net.SplitHostPort(t.Target); err == nil {
		return h, p
	}
	return t.Target, "8000"
}

// PluginOf is the plugin of this name that holds for a route: its own, else its
// service's, else the global one; nil when there is none. Plugins for one
// consumer, and those that are off, do not count.
func (c *Config) PluginOf(s *Service, r *Route, name string) *Plugin {
	var best *Plugin
	rank := 0
	look := func(ps []Plugin, inside int) {
		for i := range ps {
			p := &ps[i]
			if p.Name != name || p.Consumer != nil || p.ConsumerGroup != nil || p.Enabled != nil && !*p.Enabled {
				continue
			}
			n := inside
			if n == 0 { // what it names says what it is for
				if p.Service != nil && !s.Is(p.Service) || p.Route != nil && !r.Is(p.Route) {
					continue
				}
				n = 1
				if p.Service != nil {
					n = 2
				}
				if p.Route != nil {
					n = 3
				}
			}
			if n > rank {
				best, rank = p, n
			}
		}
	}
	look(r.Plugins, 3)
	look(s.Plugins, 2)
	look(c.Plugins, 0)
	return best
}

// plain are the paths that versions before 3.0 take as they are; any other
// character makes a regular expression.
var plain = regexp.MustCompile(`^[a-zA-Z0-9._~/%-]*$`)

// Pattern writes a path with what it means: a prefix with a star at its end, a
// regular expression with a tilde before it.
func (c *Config) Pattern(path string) string {
	if c.Version == "1.1" || c.Version == "2.1" {
		if !plain.MatchString(path) {
			return "~" + path
		}
		return path + "*"
	}
	if strings.HasPrefix(path, "~") {
		return path
	}
	return path + "*"
}
