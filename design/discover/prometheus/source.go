// Package prometheus discovers whom Prometheus asks for metrics, and puts out its
// configuration, rules and Alertmanager's routes for rules of the review. Files,
// texts in ConfigMaps and PrometheusRule resources count alike.
package prometheus

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/prometheus"
)

// Name of the source, as it stands in the ledger.
const Name = "prometheus"

// Source reads what Prometheus and Alertmanager are told.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since a PrometheusRule may stand behind other
// resources, and .rules files, which are YAML by another name; JSON where it shows
// the words.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(`"scrape_configs"`, `"groups"`, `"receivers"`, "monitoring.coreos.com/")
	}
	return h.YAML() || h.Ext == ".rules"
}

// Read puts out every configuration and file of rules.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	docs, err := in.Configs()
	if err != nil {
		return err
	}
	for _, d := range docs {
		x := discover.Document{Doc: d.Document, Node: d.Root, Name: d.Name, Origins: d.Origins}
		switch {
		case prometheus.Is(d.Root):
			c := prometheus.Read(d.Document, d.Root)
			x.Kind, x.Value, x.Faults = "prometheus config", c, c.Faults
		case prometheus.IsAlertmanager(d.Root):
			c := prometheus.ReadAlertmanager(d.Document, d.Root)
			x.Kind, x.Value, x.Faults = "alertmanager config", c, c.Faults
		case prometheus.IsRules(d.Root):
			c := prometheus.ReadRules(d.Document, d.Root)
			x.Kind, x.Value, x.Faults = "prometheus rules", c, c.Faults
		case prometheus.IsResource(d.Root):
			c := prometheus.ReadRules(d.Document, d.Root.Get("spec"))
			x.Node, x.Name = c.Node, "PrometheusRule "+strings.TrimPrefix(d.Root.Str("metadata", "namespace")+"/"+d.Root.Str("metadata", "name"), "/")
			x.Kind, x.Value, x.Faults = "prometheus rules", c, c.Faults
		default:
			continue
		}
		out.Document(x)
	}
	return nil
}

// Relate makes calls of the targets that a configuration names, from the service
// that mounts it, else from the one that is a Prometheus.
func (*Source) Relate(_ context.Context, ev *discover.Evidence, out discover.Sink) error {
	docs := discover.Of[*prometheus.Config](ev.Documents)
	var of []arch.Ref
	for _, d := range docs {
		owner, held := ev.Holder(d.Document)
		if !held {
			owner = itself(ev.System)
		}
		s := arch.System{Services: map[string]arch.Service{}}
		uses := map[string]arch.Call{}
		places := map[arch.Fact]arch.Source{}
		from := arch.NewRef(arch.KindService, owner)
		for _, t := range Targets(ev.Hosts, d.V) {
			of = append(of, t.Ref)
			if owner == "" || t.Ref == from {
				continue
			}
			id := arch.CallID(t.Ref, 1)
			c := arch.Call{To: t.Ref, Access: arch.AccessRead, Protocol: "http", Async: arch.Some(true), Why: "scrape job " + t.Job}
			if old, ok := uses[id]; ok {
				if c = old; !slices.Contains(strings.Split(c.Why, ", "), "scrape job "+t.Job) {
					c.Why += ", scrape job " + t.Job
				}
			}
			uses[id] = c
			e := arch.Edge{From: from, ID: id}
			for _, f := range []arch.Fact{e.At(), e.At("to"), e.At("why"), e.At("protocol"), e.At("access"), e.At("async")} {
				places[f] = d.At(arch.Config, t.Path...)
			}
		}
		if len(uses) > 0 {
			s.Services[owner] = arch.Service{Uses: uses}
			s.Locate(places) // only these facts: that the services exist is not Prometheus's to say
			out.System(s)
		}
	}
	if len(docs) > 0 {
		slices.Sort(of)
		out.Cover(arch.Coverage{Origin: arch.Config, Of: slices.Compact(of)})
	}
	return nil
}

// itself is the one service that is a Prometheus; "" when there is none, or more.
func itself(s arch.System) string {
	var found []string
	for _, n := range arch.Sorted(s.Services) {
		if x := s.Services[n]; x.Role == arch.RoleTelemetry && (strings.Contains(x.Run.Image, "prom/prometheus") || strings.Contains(x.Run.Image, "prometheus/prometheus") || n == "prometheus") {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// Target is an element that is asked for metrics.
type Target struct {
	arch.Ref
	Job  string
	Path []string // in the configuration
}

// Targets lists the elements that a configuration names as targets.
func Targets(hosts *discover.Hosts, c *prometheus.Config) []Target {
	var out []Target
	for i, s := range c.Scrapes {
		for j, group := range s.Static {
			for k, t := range group.Targets {
				ep, ok := discover.ParseEndpoint(t)
				if !ok {
					continue
				}
				if ref, ok := hosts.Resolve(ep.Host, ""); ok {
					out = append(out, Target{ref, s.Job, []string{"scrape_configs", strconv.Itoa(i), "static_configs", strconv.Itoa(j), "targets", strconv.Itoa(k)}})
				}
			}
		}
	}
	return out
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
