package rules

import (
	slash "path"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/marks"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/spring"
)

// marked is a mark with the service whose code or settings hold it.
type marked struct {
	marks.Mark
	of arch.Ref // "": not known
}

// owned names what the mark is in: the service, or else its folder.
func (m marked) owner() string {
	if m.of != "" {
		return m.of.Short()
	}
	return slash.Dir(m.Pos.File)
}

func (m marked) refs() []arch.Ref {
	if m.of == "" {
		return []arch.Ref{}
	}
	return []arch.Ref{m.of}
}

func (m marked) evidence(note string) review.Evidence { return place(m.Pos, note) }

// marksOf lists the marks of some kinds in the order of their places.
func marksOf(c *review.Case, kinds ...marks.Kind) []marked {
	var out []marked
	home := homes(c)
	for _, d := range discover.Of[*marks.File](c.Documents) {
		for _, m := range d.V.Marks {
			for _, k := range kinds {
				if m.Kind == k {
					out = append(out, marked{m, home(m.Pos.File)})
				}
			}
		}
	}
	return out
}

// homes tells the service that a file belongs to: by the module that it lies in,
// or by a folder that is called like a service.
func homes(c *review.Case) func(file string) arch.Ref {
	dirs := map[string]arch.Ref{}
	if c.Code != nil {
		for _, name := range arch.Sorted(c.Code.Modules) {
			if m := c.Code.Modules[name]; m.Service != "" && m.Dir != "" {
				dirs[slash.Clean(m.Dir)] = m.Service
			}
		}
	}
	names := map[string]arch.Ref{}
	for _, n := range arch.Sorted(c.System.Services) {
		ref := arch.NewRef(arch.KindService, n)
		for _, a := range append(c.System.Services[n].Aliases, n) {
			names[plain(a)] = ref
		}
	}
	return func(file string) arch.Ref {
		for d := slash.Dir(file); d != "." && d != "/"; d = slash.Dir(d) {
			if ref, ok := dirs[d]; ok {
				return ref
			}
			if ref, ok := names[plain(slash.Base(d))]; ok {
				return ref
			}
		}
		return ""
	}
}

// plain is a name as folders and services share it: "ts-order-service" and
// "OrderService" are not one, "orderService" and "order-service" are.
func plain(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}

// setting is a key of a Spring application's settings, of the profile that always
// holds.
type setting struct {
	spring.Setting
	of arch.Ref
}

func (s setting) evidence() review.Evidence {
	return review.Evidence{Source: arch.Source{Origin: arch.Config, By: "spring", File: s.Pos.File, Line: max(1, s.Pos.Line), Col: max(1, s.Pos.Col)}, Note: s.Key + ": " + s.Value}
}

// settingsOf lists the settings with one of the keys. A config server's file is of
// the service that it is called like.
func settingsOf(c *review.Case, keys ...string) []setting {
	var out []setting
	home := homes(c)
	for _, d := range discover.Of[interface{ Values() []spring.Settings }](c.Documents) {
		for _, s := range d.V.Values() {
			if len(s.Profiles) > 0 {
				continue
			}
			for _, k := range keys {
				if v, ok := s.Get(k); ok {
					of, named := serviceNamed(c, strings.TrimSuffix(slash.Base(d.Name), slash.Ext(d.Name)))
					if !named {
						of = home(d.Name)
					}
					out = append(out, setting{v, of})
				}
			}
		}
	}
	return out
}

// readBy reports whether the build files of a service were read, and returns its
// modules' folders.
func modulesOf(c *review.Case, of arch.Ref) []code.Module {
	var out []code.Module
	if c.Code == nil {
		return nil
	}
	for _, name := range arch.Sorted(c.Code.Modules) {
		if c.Code.Modules[name].Service == of {
			out = append(out, c.Code.Modules[name])
		}
	}
	return out
}
