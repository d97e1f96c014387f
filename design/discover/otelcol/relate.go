package otelcol

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/otelcol"
)

type document = discover.Typed[*Config]

// Relate makes calls of what the components of a Collector lead to: exporters,
// and receivers that go and fetch. A file is for the service that mounts
// it, else for the one that is a Collector by its image or name; where there are
// several, nobody says which.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*Config](ev.Documents)
	var of []arch.Ref
	for _, d := range docs {
		owner, namespace := "", ""
		if d.V.Resource != nil {
			namespace = d.V.Resource.Namespace
			if d.V.Resource.Mode != "sidecar" {
				owner = d.V.Resource.Service()
			}
		} else if held, ok := ev.Holder(d.Document); ok {
			owner = held
		} else {
			owner = collector(ev.System)
		}
		if owner == "" {
			continue
		}
		of = append(of, arch.NewRef(arch.KindService, owner))
		calls(ev, d, owner, namespace, out)
	}
	if len(docs) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// collector is the one service that is a Collector; "" when there is none, or
// more than one.
func collector(s arch.System) string {
	var found []string
	for _, n := range arch.Sorted(s.Services) {
		x := s.Services[n]
		image := x.Run.Image[strings.LastIndexByte(x.Run.Image, '/')+1:]
		if x.Role == arch.RoleTelemetry && (strings.Contains(image, "collector") || strings.Contains(image, "otelcol") || strings.Contains(n, "otel")) {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// fetching are receivers that ask others; the rest listen.
var fetching = []string{
	"prometheus", "prometheus_simple", "http_check", "httpcheck", "redis", "postgresql", "mysql", "mongodb", "nginx", "apache", "rabbitmq", "elasticsearch", "memcached", "kafka", "kafkametrics", "haproxy", "zookeeper", "couchdb", "sqlserver", "pulsar",
}

// place is a network place that a component names.
type place struct {
	text string
	path []string // in the configuration
}

func calls(ev *discover.Evidence, d document, owner, namespace string, out discover.Sink) {
	from := arch.NewRef(arch.KindService, owner)
	svc := arch.Service{Uses: map[string]arch.Call{}}
	s := arch.System{Services: map[string]arch.Service{owner: svc}, Externals: map[string]arch.External{}}
	places := map[arch.Fact]arch.Source{}
	for _, section := range []string{otelcol.Exporters, otelcol.Receivers} {
		for _, id := range used(d.V.Config, section) {
			if section == otelcol.Receivers && !slices.Contains(fetching, otelcol.Type(id)) {
				continue
			}
			for _, p := range endpoints(d.V.In(section)[id], []string{section, id}) {
				to, ep, ok := ev.Hosts.Target("endpoint", p.text, namespace)
				if !ok || to == from || to.Kind() == arch.KindService && !ev.System.Has(to) {
					continue // a name that nothing here answers to: the backend is somebody else's deployment
				}
				call := arch.CallID(to, 1)
				c := arch.Call{To: to, Access: arch.AccessRead, Protocol: discover.ProtocolOf(ep.Scheme, "", ep.Port), Async: arch.Some(true), Why: strings.TrimSuffix(section, "s") + " " + id}
				if section == otelcol.Exporters {
					c.Access = arch.AccessWrite
				}
				if old, ok := svc.Uses[call]; ok {
					c = old
					c.Why += ", " + strings.TrimSuffix(section, "s") + " " + id
				}
				svc.Uses[call] = c
				at := d.At(arch.Config, p.path...)
				for _, f := range []string{"", "to", "why", "protocol", "access", "async"} {
					fact := arch.Edge{From: from, ID: call}.At(f)
					if f == "" {
						fact = arch.Edge{From: from, ID: call}.At()
					}
					places[fact] = at
				}
				if to.Kind() == arch.KindExternal {
					s.Externals[to.Name()] = arch.External{Host: ep.Host}
					places[arch.Fact{Of: to}], places[arch.Fact{Of: to, At: "/host"}] = at, at
				}
			}
		}
	}
	s.Locate(places) // only these facts: that the Collector exists is not its configuration's to say
	out.System(s)
}

// used lists the components of a section that a pipeline names, sorted.
func used(c *otelcol.Config, section string) []string {
	ids := map[string]bool{}
	for _, p := range c.Service.Pipelines {
		list := p.Receivers
		if section == otelcol.Exporters {
			list = p.Exporters
		}
		for _, id := range list {
			if c.In(section)[id] != nil {
				ids[id] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// endpoints finds the network places in a component's settings, in their order.
func endpoints(n *doc.Node, path []string) []place {
	var out []place
	var walk func(n *doc.Node, named bool, path []string)
	walk = func(n *doc.Node, named bool, path []string) {
		if n == nil || len(path) > 12 {
			return
		}
		for _, e := range n.Entries {
			switch k := e.Key.Text; k {
			case "endpoint", "endpoints", "brokers", "targets", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "nodes", "hostname", "hostnames":
				walk(e.Value, true, append(slices.Clone(path), k))
			case "tls", "headers", "auth", "sending_queue", "retry_on_failure", "protocols", "metrics", "relabel_configs":
			default:
				walk(e.Value, false, append(slices.Clone(path), k))
			}
		}
		for i, it := range n.Items {
			walk(it, named, append(slices.Clone(path), strconv.Itoa(i)))
		}
		if named && n.Kind == doc.String {
			text := n.Text
			if host, port, ok := strings.Cut(text, ":${"); ok && strings.HasSuffix(port, "}") && !strings.ContainsAny(port, "/,") {
				text = host // the port comes from the environment; the host is known
			}
			if !strings.Contains(text, "${") {
				out = append(out, place{text, path})
			}
		}
	}
	walk(n, false, path)
	return out
}
