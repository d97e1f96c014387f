package kustomize

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kustomize"
)

// forest is all kustomizations of a folder that was named, by their own folders.
type forest struct {
	trees map[string]*kustomize.Tree
}

// role is what a kustomization is among the others.
type role struct {
	build       bool
	environment string // that it speaks for; "" for all
	bundle      string // first of the kustomizations that hang together
	variant     string // the one that is built instead of it
}

// overlays are folders whose folders are environments.
var overlays = []string{"overlays", "overlay", "environments", "environment", "envs", "env", "stages"}

// environmentOf goes by the folders' names: below overlays, all that follows;
// else the last one, if it is an environment's.
func environmentOf(dir string) string {
	steps := strings.Split(dir, "/")
	for i, s := range steps {
		if slices.Contains(overlays, strings.ToLower(s)) && i+1 < len(steps) {
			return strings.ToLower(strings.Join(steps[i+1:], "-"))
		}
	}
	if last := steps[len(steps)-1]; last != "." && discover.EnvironmentOf(last) == strings.ToLower(last) {
		return strings.ToLower(last)
	}
	return ""
}

func (f *forest) role(dir string) role {
	t := f.trees[dir]
	if t == nil || t.Component {
		return role{}
	}
	r := role{environment: environmentOf(dir), bundle: f.bundle(dir)}
	users := f.users(dir)
	common := slices.ContainsFunc(users, func(u string) bool { return environmentOf(u) == "" && !f.trees[u].Component })
	switch {
	case r.environment != "":
		// a part of one, as overlays/prod/order is of overlays/prod, is built with it
		r.build = !slices.ContainsFunc(users, func(u string) bool { return strings.HasPrefix(dir, u+"/") || common })
	case common:
		// built as part of those
	default:
		r.variant = f.other(dir)
		r.build = r.variant == ""
	}
	return r
}

// users are the kustomizations that name this one.
func (f *forest) users(dir string) []string {
	var out []string
	for d, t := range f.trees {
		if slices.Contains(t.Bases, dir) {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// other is the kustomization that is built instead of this one: it stands
// further out, and this one adds no resources of its own to bases that they
// share.
func (f *forest) other(dir string) string {
	t := f.trees[dir]
	if len(t.Resources) > 0 || len(t.Bases) == 0 {
		return ""
	}
	best := dir
	for d, x := range f.trees {
		if d == dir || x.Component || environmentOf(d) != "" || !slices.ContainsFunc(x.Bases, func(b string) bool { return slices.Contains(t.Bases, b) && !f.component(b) }) {
			continue
		}
		if cmp.Or(strings.Count(d, "/")-strings.Count(best, "/"), cmp.Compare(d, best)) < 0 {
			best = d
		}
	}
	if best == dir {
		return ""
	}
	return best
}

func (f *forest) component(dir string) bool { return f.trees[dir] != nil && f.trees[dir].Component }

// bundle names the kustomizations that hang together, by the first of them;
// components, which anything may use, tie nothing together.
func (f *forest) bundle(dir string) string {
	seen := map[string]bool{dir: true}
	first := dir
	for open := []string{dir}; len(open) > 0; {
		d := open[0]
		open = open[1:]
		if f.component(d) {
			continue
		}
		first = min(first, d)
		next := f.users(d)
		if t := f.trees[d]; t != nil {
			next = append(next, t.Bases...)
		}
		for _, n := range next {
			if !seen[n] {
				seen[n] = true
				open = append(open, n)
			}
		}
	}
	return path.Clean(first)
}
