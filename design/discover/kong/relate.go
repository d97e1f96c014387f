package kong

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
	"github.com/ashlar-dev/ashlar/formats/kong"
)

type document = discover.Typed[*kong.Config]

// relation is one gateway under way.
type relation struct {
	ev     *discover.Evidence
	s      arch.System
	g      arch.Gateway
	places map[arch.Fact]arch.Source
	ids    map[string]int
}

// Relate makes one gateway of each configuration: kong when there is one; several
// are called after their workspace or file.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*kong.Config](ev.Documents)
	var of []arch.Ref
	for _, d := range docs {
		if len(d.V.Services)+len(d.V.Routes)+len(d.V.Upstreams) == 0 {
			continue
		}
		name := Name
		if len(docs) > 1 {
			name = Name + " " + cmp.Or(d.V.Workspace, d.Path)
		}
		r := &relation{ev: ev, g: arch.Gateway{Kind: Name, Service: itself(ev.System)}, places: map[arch.Fact]arch.Source{}, ids: map[string]int{}}
		if owner, held := ev.Holder(d.Document); held {
			r.g.Service = arch.NewRef(arch.KindService, owner)
		}
		r.s.Externals = map[string]arch.External{}
		ref := arch.NewRef(arch.KindGateway, name)
		for i := range d.V.Services {
			r.service(d, ref, &d.V.Services[i])
		}
		slices.Sort(r.g.Hosts)
		r.g.Hosts = slices.Compact(r.g.Hosts)
		r.s.Gateways = map[string]arch.Gateway{name: r.g}
		r.s.Locate(r.places)
		r.s.Attest(d.At(arch.Config))
		out.System(r.s)
		of = append(of, ref)
	}
	of = append(of, ingresses(ev, out)...)
	if len(of) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// itself is the service that runs Kong, where there is exactly one.
func itself(s arch.System) arch.Ref {
	var found []arch.Ref
	for _, n := range arch.Sorted(s.Services) {
		if x := s.Services[n]; x.Role == arch.RoleGateway && strings.Contains(x.Run.Image, "kong") {
			found = append(found, arch.NewRef(arch.KindService, n))
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// backend is where a share of a service's requests goes.
type backend struct {
	to     arch.Ref
	weight float64
	path   []string // of what names it
	reason string
}

func (r *relation) service(d document, ref arch.Ref, s *kong.Service) {
	if s.Enabled != nil && !*s.Enabled {
		return
	}
	backends := r.backends(d, s)
	sum := 0.0
	for _, b := range backends {
		sum += b.weight
	}
	for _, rt := range d.V.RoutesOf(s) {
		p, reasons, paths := policy(d.V, s, rt)
		r.g.Hosts = append(r.g.Hosts, rt.Hosts...)
		patterns := rt.Paths
		if len(patterns) == 0 {
			patterns = []string{""}
		}
		name := cmp.Or(rt.Name, rt.ID, s.Name, s.ID)
		r.ids[name]++
		if n := r.ids[name]; n > 1 {
			name += "~" + strconv.Itoa(n)
		}
		for i, path := range patterns {
			for k, b := range backends {
				id := fmt.Sprintf("%s#%d.%d", name, i, k)
				x := arch.Route{ID: id, Host: strings.Join(rt.Hosts, ","), Path: d.V.Pattern(path), Method: strings.Join(rt.Methods, ","), To: b.to, Layers: []arch.Policy{p}}
				if len(backends) > 1 {
					x.Weight = arch.Some(b.weight / cmp.Or(sum, 1))
				}
				r.g.Routes = append(r.g.Routes, x)
				at := func(f, reason string, path ...string) {
					src := d.At(arch.Config, path...)
					src.Reason = reason
					r.places[arch.Fact{Of: ref, At: arch.Field("").Join("routes", id) + arch.Field(f)}] = src
				}
				of := func(part ...string) []string { return append(slices.Clone(rt.Way), part...) }
				at("", "", rt.Way...)
				at("/path", "", of("paths", strconv.Itoa(i))...)
				at("/host", "", of("hosts")...)
				at("/method", "", of("methods")...)
				at("/to", b.reason, b.path...)
				at("/weight", "", append(slices.Clone(b.path), "weight")...)
				for f, where := range paths {
					at("/layers/"+p.Key()+f, reasons[f], where...)
				}
			}
		}
	}
}

// backends are the targets of the upstream that the service's host names, else
// the host itself. Targets that are one element are one backend.
func (r *relation) backends(d document, s *kong.Service) []backend {
	host, port := s.Place()
	where := "host"
	if s.URL != "" {
		where = "url"
	}
	var out []backend
	add := func(host, port string, weight float64, path []string) {
		to, reason := r.to(host, port, cmp.Or(s.Name, s.ID, host))
		if to == "" {
			return
		}
		if i := slices.IndexFunc(out, func(b backend) bool { return b.to == to }); i >= 0 {
			out[i].weight += weight
			return
		}
		out = append(out, backend{to, weight, path, reason})
		if ext := to.Name(); to.Kind() == arch.KindExternal {
			r.s.Externals[ext] = arch.External{Host: host}
			for _, f := range []arch.Field{"", "/host"} {
				r.places[arch.Fact{Of: to, At: f}] = d.At(arch.Config, path...)
			}
		}
	}
	targets := d.V.TargetsOf(host)
	for _, t := range targets {
		h, p := t.Place()
		w := kong.DefaultWeight
		if t.Weight != nil {
			w = max(0, *t.Weight)
		}
		add(h, p, float64(w), t.Way)
	}
	if len(targets) == 0 && host != "" {
		add(host, port, 1, append(slices.Clone(s.Way), where))
	}
	return out
}

// to is the element behind a host; where that is an address, Kong's own name for
// the service has to do.
func (r *relation) to(host, port, service string) (to arch.Ref, reason string) {
	if ref, _, ok := r.ev.Hosts.Target("upstream", net.JoinHostPort(host, port), ""); ok {
		return ref, ""
	}
	if service == "" || net.ParseIP(service) != nil {
		return "", ""
	}
	return arch.NewRef(arch.KindService, service), "Kong's name for it; its host is an address"
}

// value of a field, or Kong's default where the service is silent; not known when
// what stands there cannot be read, as what decK takes from the environment.
func value(s *kong.Service, field string, v *int, def int) (n int, known bool) {
	if v != nil {
		return *v, true
	}
	return def, s.Silent(field)
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

var perSecond = map[string]float64{"second": 1, "minute": 60, "hour": 3600, "day": 86400}

// policy is what Kong does on a route, with where that stands and, for defaults,
// why it holds.
func policy(c *kong.Config, s *kong.Service, rt *kong.Route) (p arch.Policy, reasons map[string]string, paths map[string][]string) {
	p.Layer = arch.LayerGateway + ":" + Name
	reasons, paths = map[string]string{}, map[string][]string{}
	retries, retriesKnown := value(s, "retries", s.Retries, kong.DefaultRetries)
	read, readKnown := value(s, "read_timeout", s.Read, kong.DefaultReadTimeout)
	say := func(f, key, def string) {
		paths[f] = append(slices.Clone(s.Way), key)
		if s.Silent(key) {
			paths[f], reasons[f] = s.Way, "Kong's default where "+key+" is not given: "+def
		}
	}
	if retriesKnown || readKnown {
		p.Retry = &arch.Retry{}
	}
	if retriesKnown {
		p.Retry.Attempts = arch.Some(1 + retries)
	}
	if readKnown {
		p.Retry.PerTry = arch.Some(millis(read))
	}
	say("/retry/attempts", "retries", strconv.Itoa(kong.DefaultRetries)+" after the first try")
	say("/retry", "retries", strconv.Itoa(kong.DefaultRetries)+" after the first try")
	say("/retry/per-try", "read_timeout", "60 s between two reads")
	if retriesKnown && readKnown {
		p.Timeout = arch.Some(time.Duration(1+retries) * millis(read))
		say("/timeout", "read_timeout", "60 s between two reads")
		reasons["/timeout"] = strings.TrimPrefix(reasons["/timeout"]+"; ", "; ") + fmt.Sprintf("%d tries that get no byte for read_timeout; Kong has no limit on the whole request", 1+retries)
	}
	if pl := c.PluginOf(s, rt, "rate-limiting"); pl != nil {
		// Limits for each consumer or address say nothing about the route's rate.
		if by := pl.Config.Str("limit_by"); by == "service" || by == "path" {
			for unit, secs := range perSecond {
				n, err := strconv.ParseFloat(pl.Config.Str(unit), 64)
				if err == nil && n > 0 && (!p.Rate.Known || n/secs < p.Rate.V) {
					p.Rate = arch.Some(n / secs)
					paths["/rate"] = append(slices.Clone(pl.Way), "config", unit)
				}
			}
		}
	}
	return p, reasons, paths
}
