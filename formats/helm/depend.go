package helm

import (
	"fmt"
	"slices"
	"strings"
)

// Missing is a dependency that is switched on and that is not in the chart.
type Missing struct {
	Chart      string // that asks for it
	Name       string // as the chart's values call it
	Version    string
	Repository string
	// FullName is what it would be called in the release, by the custom that charts
	// share: fullnameOverride, else the release's name with nameOverride or its own,
	// once.
	FullName string
	Of       string // name of the chart itself, whatever its alias
}

func (m Missing) String() string {
	s := m.Name
	if m.Version != "" {
		s += " " + m.Version
	}
	if m.Repository != "" {
		s += " of " + m.Repository
	}
	return s
}

// resolve is the chart with the dependencies that the values switch on, under
// their aliases; the chart itself is not changed.
func resolve(c *Chart, vals map[string]any, path, release string, missing *[]Missing) *Chart {
	out := *c
	out.Charts = nil
	for _, s := range c.Charts { // vendored and not asked for by name: always there
		if !slices.ContainsFunc(c.Metadata.Dependencies, func(d *Dependency) bool { return d.Name == s.Metadata.Name }) {
			out.Charts = append(out.Charts, s)
		}
	}
	var deps []*Dependency
	var found []*Chart
	for _, d := range c.Metadata.Dependencies {
		i := slices.IndexFunc(c.Charts, func(s *Chart) bool { return s.Metadata.Name == d.Name })
		x := *d
		deps = append(deps, &x)
		if i < 0 {
			found = append(found, nil)
			continue
		}
		s := *c.Charts[i]
		s.Metadata.Name = d.name()
		found = append(found, &s)
	}
	all := out
	for _, s := range found {
		if s != nil {
			all.Charts = append(all.Charts, s)
		}
	}
	seen := coalesced(&all, clone(vals))
	out.Metadata.Dependencies = nil
	for i, d := range deps {
		d.Enabled = enabled(d, seen, path)
		if !d.Enabled {
			continue
		}
		if found[i] == nil {
			table, _ := lookupPath(seen, strings.Split(path+d.name(), "."))
			own, _ := table.(map[string]any)
			*missing = append(*missing, Missing{c.Metadata.Name, d.name(), d.Version, d.Repository, fullName(release, d.name(), own), d.Name})
			continue
		}
		d.Name = d.name()
		out.Metadata.Dependencies = append(out.Metadata.Dependencies, d)
		out.Charts = append(out.Charts, found[i])
	}
	for i, s := range out.Charts {
		out.Charts[i] = resolve(s, seen, path+s.Metadata.Name+".", release, missing)
	}
	out.Values = imported(&out)
	return &out
}

func fullName(release, name string, vals map[string]any) string {
	if s, ok := vals["fullnameOverride"].(string); ok && s != "" {
		return s
	}
	if s, ok := vals["nameOverride"].(string); ok && s != "" {
		name = s
	}
	if strings.Contains(release, name) {
		return release
	}
	return release + "-" + name
}

// enabled: the first condition that names a truth value decides, else tags, else
// it is on. Conditions and tags are looked up from the top chart's values; below
// it, the path leads there.
func enabled(d *Dependency, vals map[string]any, path string) bool {
	on := true
	if tags, ok := vals["tags"].(map[string]any); ok {
		yes, no := false, false
		for _, t := range d.Tags {
			if b, ok := tags[t].(bool); ok {
				yes, no = yes || b, no || !b
			}
		}
		on = yes || !no
	}
	for c := range strings.SplitSeq(strings.TrimSpace(d.Condition), ",") {
		if v, ok := lookupPath(vals, strings.Split(path+strings.TrimSpace(c), ".")); ok {
			if b, ok := v.(bool); ok {
				return b
			}
		}
	}
	return on
}

// imported adds to a chart's own values what it imports from its sub charts
// (import-values); its own win.
func imported(c *Chart) map[string]any {
	own := clone(c.Values)
	for _, d := range c.Metadata.Dependencies {
		s := c.sub(d.Name)
		if s == nil || len(d.ImportValues) == 0 {
			continue
		}
		table, _ := own[d.Name].(map[string]any)
		vals := coalesced(s, clone(table))
		for _, iv := range d.ImportValues {
			child, parent := "", "."
			switch x := iv.(type) {
			case string:
				child = "exports." + x
			case map[string]any:
				child, parent = fmt.Sprint(x["child"]), fmt.Sprint(x["parent"])
			}
			found, ok := lookupPath(vals, strings.Split(child, "."))
			m, isTable := found.(map[string]any)
			if !ok || !isTable {
				continue
			}
			m = clone(m)
			if parent != "." {
				keys := strings.Split(parent, ".")
				for i := len(keys) - 1; i >= 0; i-- {
					m = map[string]any{keys[i]: m}
				}
			}
			under(own, m, true)
		}
	}
	return own
}
