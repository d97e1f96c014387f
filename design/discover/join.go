package discover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Join makes one element of the names that different sources have for it. It
// joins only what it can give a reason for:
//
//   - what the user states (aliases),
//   - names that differ in nothing but case and separators (orderService,
//     order_service, order-service),
//   - a service that has only been seen in traces and a workload, where the
//     workload answers to the trace's name (its Aliases).
//
// Names that are merely alike (user and user-timeline, order and orders-db) stay
// apart.
func Join(s arch.System, aliases map[string]string) (arch.System, error) {
	names := map[arch.Ref]arch.Renaming{}
	for _, from := range arch.Sorted(aliases) {
		to := arch.NewRef(arch.KindService, aliases[from])
		names[arch.NewRef(arch.KindService, from)] = arch.Renaming{To: to, Reason: fmt.Sprintf("%s is stated to be %s", from, aliases[from])}
	}
	byAlias := map[string][]string{}
	for _, name := range arch.Sorted(s.Services) {
		for _, a := range s.Services[name].Aliases {
			byAlias[a] = append(byAlias[a], name)
		}
	}
	byForm := map[string][]string{}
	for _, name := range arch.Sorted(s.Services) {
		byForm[form(name)] = append(byForm[form(name)], name)
	}
	for _, name := range arch.Sorted(s.Services) {
		ref := arch.NewRef(arch.KindService, name)
		if _, done := names[ref]; done {
			continue
		}
		if as := slices.DeleteFunc(slices.Clone(byAlias[name]), func(a string) bool { return a == name }); len(as) == 1 {
			names[ref] = arch.Renaming{To: arch.NewRef(arch.KindService, as[0]), Reason: fmt.Sprintf("%s answers to the name %s", as[0], name)}
			continue
		}
		if group := byForm[form(name)]; len(group) > 1 {
			best := best(s, group)
			if name != best {
				names[ref] = arch.Renaming{To: arch.NewRef(arch.KindService, best), Reason: fmt.Sprintf("%s and %s differ only in case and separators", name, best)}
			}
		}
	}
	return arch.Rename(s, resolve(names))
}

// best is the name that the strongest witness uses: a deployed one, else the
// first by the alphabet.
func best(s arch.System, group []string) string {
	for _, n := range group {
		for _, d := range s.Deployments {
			if d.Of == arch.NewRef(arch.KindService, n) {
				return n
			}
		}
	}
	return group[0]
}

// resolve follows chains of renamings and drops loops.
func resolve(names map[arch.Ref]arch.Renaming) map[arch.Ref]arch.Renaming {
	for from, r := range names {
		for range len(names) {
			next, ok := names[r.To]
			if !ok {
				break
			}
			r.To = next.To
		}
		if r.To == from {
			delete(names, from)
			continue
		}
		names[from] = r
	}
	return names
}

// form is a name without case and separators.
func form(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
}
