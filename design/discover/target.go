package discover

import (
	"net"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// placeName: variables and settings that hold a network place, by custom.
var placeName = regexp.MustCompile(`(?i)(^|[_.-])(ADDR|ADDRESS|ADDRESSES|HOST|HOSTNAME|HOSTS|URL|URI|ENDPOINT|ENDPOINTS|SERVER|SERVERS|SERVICE|BROKER|BROKERS|DSN|TARGET|UPSTREAM|BACKEND|BASE_?URL|DEFAULT-?ZONE|CONNECTION_?STRING)$`)

// Target is what a setting's value leads to, for a caller in a namespace. A
// known name counts wherever it stands with a port or a scheme; an unknown one
// only where the setting's name says that it is a network place: one label, or a
// name in the cluster, can then only mean a service, which a rule reports when
// there is none; anything else is an external system.
func (h *Hosts) Target(setting, value, namespace string) (arch.Ref, Endpoint, bool) {
	ep, ok := ParseEndpoint(value)
	named := placeName.MatchString(setting)
	if !ok || ep.Port == "" && ep.Scheme == "" && !named || local(ep.Host) {
		return "", ep, false
	}
	if ref, ok := h.Resolve(ep.Host, namespace); ok {
		return ref, ep, true
	}
	if !named || ep.Port == "" && ep.Scheme == "" {
		return "", ep, false
	}
	host := strings.ToLower(ep.Host)
	if name, inside := clusterName(host); inside {
		return arch.NewRef(arch.KindService, name), ep, true
	}
	if ep.Scheme == "file" || net.ParseIP(host) != nil {
		return "", ep, false
	}
	return arch.NewRef(arch.KindExternal, host), ep, true
}

// PlaceOwner is whose network place a setting holds, by its name alone: cart of
// CART_ADDR, product-catalog of PRODUCT_CATALOG_SERVICE_ADDR.
func PlaceOwner(setting string) (string, bool) {
	at := placeName.FindStringIndex(setting)
	if at == nil || at[0] == 0 {
		return "", false
	}
	name := strings.ReplaceAll(strings.ToLower(setting[:at[0]]), "_", "-")
	return strings.TrimSuffix(name, "-service"), true
}

// clusterName: a single label, or name.namespace.svc and longer.
func clusterName(host string) (string, bool) {
	labels := strings.Split(host, ".")
	if len(labels) == 1 || len(labels) >= 3 && labels[2] == "svc" {
		return labels[0], true
	}
	return "", false
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, "host.docker.internal") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
