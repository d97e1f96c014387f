package discover

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Gate gathers what the policies of one layer let through an [arch.Gate], with the
// place that each part stands at.
type Gate struct {
	at     arch.Fact
	layer  string
	places map[arch.Fact]arch.Source
	set    bool
	parts  [2]map[string][]string // allow, deny: key -> what of it; "" is everything
}

// NewGate returns an open gate of a deployment: side is "in" or "out". Places are
// where its parts are noted.
func NewGate(deployment arch.Ref, side, layer string, places map[arch.Fact]arch.Source) *Gate {
	return &Gate{at: arch.Fact{Of: deployment, At: arch.Field("").Join("access", side, layer)}, layer: layer, places: places, parts: [2]map[string][]string{{}, {}}}
}

// Shut says that a policy stands there: what nothing allows does not get through.
func (g *Gate) Shut(by arch.Source) {
	if !g.set {
		g.places[g.at] = by
	}
	g.set = true
}

// Allow lets a key through, or a part of it.
func (g *Gate) Allow(key, what string, by arch.Source) { g.add(0, "allow", key, what, by) }

// Deny keeps a key out, or a part of it, whatever is allowed.
func (g *Gate) Deny(key, what string, by arch.Source) { g.add(1, "deny", key, what, by) }

func (g *Gate) add(part int, name, key, what string, by arch.Source) {
	g.Shut(by)
	if _, seen := g.parts[part][key]; !seen {
		g.places[arch.Fact{Of: g.at.Of, At: g.at.At.Join(name, key)}] = by
	}
	g.parts[part][key] = append(g.parts[part][key], what)
}

// Denies reports whether anything is denied.
func (g *Gate) Denies() bool { return len(g.parts[1]) > 0 }

// Place is where the first policy at the gate stands.
func (g *Gate) Place() arch.Source { return g.places[g.at] }

// Add adds the gate to those of other layers where a policy stands at it.
func (g *Gate) Add(to map[string]arch.Gate) map[string]arch.Gate {
	if !g.set {
		return to
	}
	if to == nil {
		to = map[string]arch.Gate{}
	}
	to[g.layer] = arch.Gate{Allow: limited(g.parts[0]), Deny: limited(g.parts[1])}
	return to
}

// limited joins what several policies say of each key: everything is wider than
// any part.
func limited(m map[string][]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for key := range m {
		if slices.Contains(m[key], "") {
			out[key] = ""
			continue
		}
		what := slices.Clone(m[key])
		slices.Sort(what)
		out[key] = strings.Join(slices.Compact(what), "; ")
	}
	return out
}
