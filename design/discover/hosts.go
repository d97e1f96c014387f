package discover

import (
	"net"
	"net/url"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Hosts knows which element answers to a network name.
type Hosts struct {
	names map[string]arch.Ref // "namespace/name" and "/name"
	many  map[string]bool     // short names that several namespaces have
}

// NewHosts returns an empty one.
func NewHosts() *Hosts { return &Hosts{map[string]arch.Ref{}, map[string]bool{}} }

// Add says that a Service of this name in this namespace leads to ref.
func (h *Hosts) Add(name, namespace string, ref arch.Ref) {
	h.names[namespace+"/"+name] = ref
	if old, ok := h.names["/"+name]; ok && old != ref && namespace != "" {
		h.many["/"+name] = true
		return
	}
	h.names["/"+name] = ref
}

// Resolve finds what a host name means for a caller in a namespace: name,
// name.namespace, name.namespace.svc, name.namespace.svc.cluster.local. An
// ambiguous or unknown name resolves to nothing.
func (h *Hosts) Resolve(host, from string) (arch.Ref, bool) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if r, ok := h.names[from+"/"+host]; ok {
		return r, true
	}
	labels := strings.Split(host, ".")
	if len(labels) >= 2 && (len(labels) == 2 || labels[2] == "svc") {
		if r, ok := h.names[labels[1]+"/"+labels[0]]; ok {
			return r, true
		}
		if r, ok := h.names["/"+labels[0]]; ok && labels[1] == "default" && !h.many["/"+labels[0]] {
			return r, true // manifests without a namespace are applied to "default" unless told otherwise
		}
		return "", false
	}
	if len(labels) > 1 && !strings.HasPrefix(labels[0], "_") { // pod-0.name, a stateful set behind a headless Service
		return "", false
	}
	if h.many["/"+host] {
		return "", false
	}
	r, ok := h.names["/"+host]
	return r, ok
}

// Endpoint is a network place that a text names.
type Endpoint struct {
	Scheme, Host, Port string
}

// ParseEndpoint reads host:port, a URL (jdbc:… too), or a bare host, and drops
// what may be secret: user names, passwords, paths and queries. ok is false when
// the text is none of them.
func ParseEndpoint(s string) (Endpoint, bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "jdbc:")
	if i := strings.Index(s, "://"); i > 0 {
		// several hosts, as in mongodb://a,b/x: the first stands for all
		rest := s[i+3:]
		if j := strings.IndexAny(rest, "/?#"); j >= 0 {
			rest = rest[:j]
		}
		if j := strings.LastIndexByte(rest, '@'); j >= 0 {
			rest = rest[j+1:]
		}
		rest, _, _ = strings.Cut(rest, ",")
		u, err := url.Parse(s[:i] + "://" + rest)
		if err != nil || !hostname(u.Hostname()) {
			return Endpoint{}, false
		}
		return Endpoint{strings.ToLower(s[:i]), u.Hostname(), u.Port()}, true
	}
	first, _, _ := strings.Cut(s, ",")
	if host, port, err := net.SplitHostPort(first); err == nil && hostname(host) && digits(port) {
		return Endpoint{"", host, port}, true
	}
	if hostname(s) {
		return Endpoint{Host: s}, true
	}
	return Endpoint{}, false
}

// hostname: RFC 1123, with at least one letter, or an address.
func hostname(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	letter := false
	if s == "" || len(s) > 253 || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			letter = true
		case r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_':
		default:
			return false
		}
	}
	return letter
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
