package rules

import (
	"cmp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/compose"
	"github.com/ashlar-dev/ashlar/formats/kong"
)

// kongPlugin is a plugin with where it stands: in a configuration, or a resource.
type kongPlugin struct {
	*kong.Plugin
	doc   discover.Document
	way   []string // to the plugin
	where string   // as messages call it
	crd   bool
}

// at is the place of something in the plugin's config.
func (p kongPlugin) at(note string, path ...string) review.Evidence {
	full := append(append(append([]string{}, p.way...), "config"), path...)
	return review.Evidence{Source: p.doc.At(arch.Config, full...), Note: note}
}

// key is the place of a key of the config itself.
func (p kongPlugin) key(note string, path ...string) review.Evidence {
	ev := p.at(note, path...)
	if k := p.Config.Find(path[:len(path)-1]...).KeyNode(path[len(path)-1]); k != nil {
		pos := p.doc.Doc.Pos(k)
		ev.Line, ev.Col = pos.Line, pos.Col
	}
	return ev
}

// kongPlugins lists the plugins of all configurations and resources that are on.
func kongPlugins(c *review.Case) []kongPlugin {
	var out []kongPlugin
	for _, d := range discover.Of[*kong.Config](c.Documents) {
		for _, p := range d.V.AllPlugins() {
			if p.Enabled == nil || *p.Enabled {
				out = append(out, kongPlugin{p, d.Document, p.Way, p.Name + " of " + kongOwner(d.V, p), false})
			}
		}
	}
	for _, d := range discover.Of[*kong.Resource](c.Documents) {
		if d.V.Plugin != nil && *d.V.Plugin.Enabled {
			out = append(out, kongPlugin{d.V.Plugin, d.Document, nil, d.V.String() + " (" + d.V.Plugin.Name + ")", true})
		}
	}
	return out
}

// kongOwner is what a plugin is for: the service or route that it stands in, or
// names.
func kongOwner(c *kong.Config, p *kong.Plugin) string {
	if len(p.Way) > 2 {
		n := c.Doc.Root.Find(p.Way[:len(p.Way)-2]...)
		kind := strings.TrimSuffix(p.Way[len(p.Way)-4], "s")
		return kind + " " + cmp.Or(n.Str("name"), n.Str("id"), p.Way[len(p.Way)-3])
	}
	for _, x := range []struct {
		kind string
		name string
	}{{"route", kong.Reference(p.Route)}, {"service", kong.Reference(p.Service)}, {"consumer", kong.Reference(p.Consumer)}} {
		if x.name != "" {
			return x.kind + " " + x.name
		}
	}
	return "every route"
}

// variables are all values that workloads and compose services give a variable.
func variables(c *review.Case, name string) []string {
	var out []string
	for _, w := range workloads(c) {
		if v, _, ok := w.variable(name); ok {
			out = append(out, v)
		}
	}
	for _, d := range discover.Of[*compose.File](c.Documents) {
		for _, s := range d.V.Services {
			for _, v := range s.Environment {
				if v.Name == name {
					out = append(out, v.Value)
				}
			}
		}
	}
	return out
}
