package envoy

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/envoy"
)

type document = discover.Typed[*envoy.Config]

// relation is one gateway under way.
type relation struct {
	ev     *discover.Evidence
	d      document
	ref    arch.Ref
	g      arch.Gateway
	ext    map[string]arch.External
	places map[arch.Fact]arch.Source
}

// Relate makes one gateway of each configuration whose routes lead to others:
// envoy when there is one; several are called after their files. A proxy that only
// leads to its own machine is no gateway.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*envoy.Config](ev.Documents)
	var of []arch.Ref
	for _, d := range docs {
		name := Name
		if len(docs) > 1 {
			name = Name + " " + d.Path
		}
		r := &relation{ev: ev, d: d, ref: arch.NewRef(arch.KindGateway, name), g: arch.Gateway{Kind: Name}, ext: map[string]arch.External{}, places: map[arch.Fact]arch.Source{}}
		if owner, held := ev.Holder(d.Document); held {
			r.g.Service = arch.NewRef(arch.KindService, owner)
		} else if len(docs) == 1 {
			r.g.Service = itself(ev.System)
		}
		r.listeners()
		if len(r.g.Routes) == 0 {
			continue
		}
		slices.Sort(r.g.Hosts)
		r.g.Hosts = slices.Compact(r.g.Hosts)
		s := arch.System{Gateways: map[string]arch.Gateway{name: r.g}, Externals: r.ext}
		s.Locate(r.places)
		s.Attest(d.At(arch.Config, "static_resources"))
		out.System(s)
		of = append(of, r.ref)
	}
	if len(of) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// itself is the service that runs Envoy as a gateway, where there is exactly one.
func itself(s arch.System) arch.Ref {
	var found []arch.Ref
	for _, n := range arch.Sorted(s.Services) {
		if x := s.Services[n]; x.Role == arch.RoleGateway && (strings.Contains(x.Run.Image, "envoy") || strings.Contains(n, "envoy") || strings.Contains(n, "proxy")) {
			found = append(found, arch.NewRef(arch.KindService, n))
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// listeners walks to the virtual hosts. Envoy takes the one whose domain is most
// exact, so those come first. A listener that repeats the routes of another, as
// one for TLS does, adds nothing.
func (r *relation) listeners() {
	seen := map[string]bool{}
	for i, l := range r.d.V.Static.Listeners {
		for j, c := range l.Chains {
			for k, f := range c.Filters {
				if f.Config == nil || f.Config.Routes == nil {
					continue
				}
				way := []string{"static_resources", "listeners", strconv.Itoa(i), "filter_chains", strconv.Itoa(j), "filters", strconv.Itoa(k), "typed_config", "route_config", "virtual_hosts"}
				order := make([]int, len(f.Config.Routes.Hosts))
				for n := range order {
					order[n] = n
				}
				hosts := f.Config.Routes.Hosts
				slices.SortStableFunc(order, func(a, b int) int { return exactness(hosts[b].Domains) - exactness(hosts[a].Domains) })
				for _, n := range order {
					key := hosts[n].Name + " " + strings.Join(hosts[n].Domains, ",")
					if !seen[key] {
						seen[key] = true
						r.host(hosts[n], append(slices.Clone(way), strconv.Itoa(n)))
					}
				}
			}
		}
	}
}

func exactness(domains []string) int {
	least := 1 << 16
	for _, d := range domains {
		if strings.Contains(d, "*") {
			least = min(least, len(d))
		}
	}
	return least
}

func (r *relation) host(h envoy.VirtualHost, way []string) {
	host := strings.Join(h.Domains, ",")
	if host == "*" {
		host = ""
	} else {
		r.g.Hosts = append(r.g.Hosts, h.Domains...)
	}
	for i, rt := range h.Routes {
		if rt.Action == nil {
			continue
		}
		shares := []envoy.Share{{Name: rt.Action.Cluster, Weight: 1}}
		if w := rt.Action.Weighted; w != nil {
			shares = w.Clusters
		}
		sum := 0
		for _, s := range shares {
			sum += s.Weight
		}
		for k, s := range shares {
			cluster, n := r.d.V.Cluster(s.Name)
			to, at, ok := r.to(cluster, n)
			if !ok {
				continue
			}
			rway := append(slices.Clone(way), "routes", strconv.Itoa(i))
			x := arch.Route{ID: fmt.Sprintf("%s#%03d.%d", cmp.Or(h.Name, host, "host"), i, k), Host: host, Path: pattern(rt.Match), To: to}
			if len(shares) > 1 {
				x.Weight = arch.Some(float64(s.Weight) / float64(cmp.Or(sum, 1)))
			}
			l := limits(rt.Action, h.Retry, cluster)
			x.Layers = []arch.Policy{l.Policy}
			r.g.Routes = append(r.g.Routes, x)
			put := func(f, reason string, path ...string) {
				src := r.d.At(arch.Config, path...)
				src.Reason = reason
				r.places[arch.Fact{Of: r.ref, At: arch.Field("").Join("routes", x.ID) + arch.Field(f)}] = src
			}
			put("", "", rway...)
			put("/path", "", append(slices.Clone(rway), "match")...)
			put("/host", "", append(slices.Clone(way), "domains")...)
			put("/to", "", at...)
			put("/layers/"+l.Key(), "", append(slices.Clone(rway), "route")...)
			for f, w := range l.at {
				base := rway
				switch w.of {
				case ofHost:
					base = way
				case ofCluster:
					base = []string{"static_resources", "clusters", strconv.Itoa(n)}
				}
				put("/layers/"+l.Key()+f, w.reason, append(slices.Clone(base), w.path...)...)
			}
		}
	}
}

// to is the element behind a cluster, and where that stands. One on the machine
// itself is nothing that anybody else would know.
func (r *relation) to(c *envoy.Cluster, n int) (to arch.Ref, at []string, ok bool) {
	if c == nil {
		return "", nil, false
	}
	host, port := c.Place()
	at = []string{"static_resources", "clusters", strconv.Itoa(n), "load_assignment"}
	ref, ep, ok := r.ev.Hosts.Target("upstream", net.JoinHostPort(host, strconv.Itoa(port)), "")
	if !ok {
		return "", nil, false
	}
	if ref.Kind() == arch.KindExternal {
		r.ext[ref.Name()] = arch.External{Host: ep.Host}
		r.places[arch.Fact{Of: ref}], r.places[arch.Fact{Of: ref, At: "/host"}] = r.d.At(arch.Config, at...), r.d.At(arch.Config, at...)
	}
	return ref, at, true
}

// pattern writes a match: exact as it is, prefix with a star, regex with a tilde.
func pattern(m envoy.Match) string {
	switch {
	case m.Path != "":
		return m.Path
	case m.Regex != nil:
		return "~" + m.Regex.Regex
	case m.Separated != "":
		return m.Separated + "/*"
	case m.Prefix != "":
		return m.Prefix + "*"
	}
	return "*"
}

// Whose part of the configuration says it.
const (
	ofRoute = iota
	ofHost
	ofCluster
)

type where struct {
	of     int
	path   []string
	reason string
}

// limited is a policy with where its parts stand.
type limited struct {
	arch.Policy
	at map[string]where
}

// limits of a route: its own, its virtual host's, its cluster's, else Envoy's.
func limits(a *envoy.Action, inherited *envoy.Retry, c *envoy.Cluster) limited {
	l := limited{arch.Policy{Layer: arch.LayerGateway + ":" + Name, Timeout: arch.Some(envoy.DefaultTimeout)}, map[string]where{}}
	l.at["/timeout"] = where{ofRoute, []string{"route"}, "Envoy's default where a route has no timeout: 15 s"}
	if a.Timeout != nil {
		l.Timeout = arch.Some(time.Duration(*a.Timeout))
		l.at["/timeout"] = where{ofRoute, []string{"route", "timeout"}, ""}
	}
	retry, of, path := a.Retry, ofRoute, []string{"route", "retry_policy"}
	if retry == nil {
		retry, of, path = inherited, ofHost, []string{"retry_policy"}
	}
	if retry != nil && retry.On != "" {
		l.retry(retry, of, path)
	}
	l.cluster(c)
	return l
}

func (l *limited) retry(r *envoy.Retry, of int, path []string) {
	l.Retry = &arch.Retry{Attempts: arch.Some(1 + envoy.DefaultRetries), Backoff: arch.Some(envoy.DefaultBackoff), Jitter: arch.Some(true), On: strings.Split(r.On, ",")}
	at := func(f, field, reason string) {
		p := slices.Clone(path)
		if field != "" {
			p = append(p, field)
		}
		l.at["/retry"+f] = where{of, p, reason}
	}
	at("", "", "")
	at("/on", "retry_on", "")
	at("/attempts", "", "Envoy's default where num_retries is not given: 1")
	at("/backoff", "", "Envoy's default: 25 ms, growing, with full jitter")
	at("/jitter", "", "Envoy's back-off always has it")
	if r.Retries != nil {
		l.Retry.Attempts = arch.Some(1 + *r.Retries)
		at("/attempts", "num_retries", "")
	}
	if r.PerTry != nil {
		l.Retry.PerTry = arch.Some(time.Duration(*r.PerTry))
		at("/per-try", "per_try_timeout", "")
	}
	if b := r.Backoff; b != nil && b.Base != nil {
		l.Retry.Backoff = arch.Some(time.Duration(*b.Base))
		at("/backoff", "retry_back_off", "")
		if b.Max != nil {
			l.Retry.Max = arch.Some(time.Duration(*b.Max))
			at("/max-backoff", "retry_back_off", "")
		}
	}
}

// cluster adds circuit breakers, which Envoy always has, and ejection, where it is
// switched on.
func (l *limited) cluster(c *envoy.Cluster) {
	l.Bulkhead = &arch.Limit{Concurrent: arch.Some(envoy.DefaultMaxRequests), Queue: arch.Some(envoy.DefaultMaxPending)}
	def := where{ofCluster, nil, "Envoy's default where a cluster has no circuit_breakers: 1024"}
	l.at["/bulkhead"], l.at["/bulkhead/concurrent"], l.at["/bulkhead/queue"] = def, def, def
	if c.Breakers != nil {
		for i, t := range c.Breakers.Thresholds {
			if t.Priority == "HIGH" {
				continue
			}
			path := []string{"circuit_breakers", "thresholds", strconv.Itoa(i)}
			if t.Requests != nil {
				l.Bulkhead.Concurrent, l.at["/bulkhead/concurrent"] = arch.Some(*t.Requests), where{ofCluster, append(slices.Clone(path), "max_requests"), ""}
			} else if t.Connections != nil {
				l.Bulkhead.Concurrent, l.at["/bulkhead/concurrent"] = arch.Some(*t.Connections), where{ofCluster, append(slices.Clone(path), "max_connections"), ""}
			}
			if t.Pending != nil {
				l.Bulkhead.Queue, l.at["/bulkhead/queue"] = arch.Some(*t.Pending), where{ofCluster, append(slices.Clone(path), "max_pending_requests"), ""}
			}
		}
	}
	if o := c.Outliers; o != nil {
		l.Breaker = &arch.Breaker{Count: arch.Some(envoy.DefaultEjectAfter), Window: arch.Some(envoy.DefaultInterval), Open: arch.Some(envoy.DefaultEjection)}
		at := where{ofCluster, []string{"outlier_detection"}, ""}
		l.at["/breaker"] = at
		at.reason = "Envoy's default where outlier_detection does not say it"
		l.at["/breaker/count"], l.at["/breaker/window"], l.at["/breaker/open"] = at, at, at
		if o.Consecutive != nil {
			l.Breaker.Count, l.at["/breaker/count"] = arch.Some(*o.Consecutive), where{ofCluster, []string{"outlier_detection", "consecutive_5xx"}, ""}
		}
		if o.Interval != nil {
			l.Breaker.Window, l.at["/breaker/window"] = arch.Some(time.Duration(*o.Interval)), where{ofCluster, []string{"outlier_detection", "interval"}, ""}
		}
		if o.Ejection != nil {
			l.Breaker.Open, l.at["/breaker/open"] = arch.Some(time.Duration(*o.Ejection)), where{ofCluster, []string{"outlier_detection", "base_ejection_time"}, ""}
		}
	}
}
