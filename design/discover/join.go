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
//   - a service or a store that is no workload, with the one workload that answers
//     to its name (its Aliases),
//   - a compose service and a workload that run one image, which is called as both
//     are and which neither side runs twice.
//
// Names that are merely alike (user and user-timeline, order and orders-db) stay
// apart.
func Join(s arch.System, aliases map[string]string) (arch.System, error) {
	names := map[arch.Ref]arch.Renaming{}
	for _, from := range arch.Sorted(aliases) {
		to := arch.NewRef(arch.KindService, aliases[from])
		names[arch.NewRef(arch.KindService, from)] = arch.Renaming{To: to, Reason: fmt.Sprintf("%s is stated to be %s", from, aliases[from])}
	}
	var services, stores []named
	for _, name := range arch.Sorted(s.Services) {
		services = append(services, named{arch.NewRef(arch.KindService, name), "", s.Services[name].Aliases})
	}
	for _, name := range arch.Sorted(s.Stores) {
		stores = append(stores, named{arch.NewRef(arch.KindStore, name), s.Stores[name].Kind, s.Stores[name].Aliases})
	}
	joinNames(s, services, names)
	joinNames(s, stores, names)
	s, err := arch.Rename(s, resolve(names))
	if err != nil {
		return s, err
	}
	return arch.Rename(s, resolve(byImage(s)))
}

// named is an element with the names that it answers to. Elements of different
// classes are never one.
type named struct {
	ref     arch.Ref
	class   string
	aliases []string
}

// joinNames adds the renamings of elements of one kind.
func joinNames(s arch.System, all []named, names map[arch.Ref]arch.Renaming) {
	// What is itself a workload is not another one that answers to its name, too: a
	// canary, a second version behind one Service.
	deployed := map[arch.Ref]bool{}
	for _, d := range s.Deployments {
		if d.Kind != "" && d.Kind != "compose" {
			deployed[d.Of] = true
		}
	}
	byAlias, byForm := map[string][]named{}, map[string][]named{}
	for _, x := range all {
		for _, a := range x.aliases {
			byAlias[a] = append(byAlias[a], x)
		}
		byForm[form(x.ref.Name())] = append(byForm[form(x.ref.Name())], x)
	}
	for _, x := range all {
		name := x.ref.Name()
		if _, done := names[x.ref]; done {
			continue
		}
		other := func(o named) bool { return o.ref == x.ref || o.class != x.class || deployed[x.ref] }
		if as := slices.DeleteFunc(slices.Clone(byAlias[name]), other); len(as) == 1 {
			names[x.ref] = arch.Renaming{To: as[0].ref, Reason: fmt.Sprintf("%s answers to the name %s", as[0].ref.Name(), name)}
			continue
		}
		var group []string
		for _, o := range byForm[form(name)] {
			if o.class == x.class {
				group = append(group, o.ref.Name())
			}
		}
		if best := best(s, x.ref.Kind(), group); len(group) > 1 && name != best {
			names[x.ref] = arch.Renaming{To: arch.NewRef(x.ref.Kind(), best), Reason: fmt.Sprintf("%s and %s differ only in case and separators", name, best)}
		}
	}
}

// best is the name that the strongest witness uses: a deployed one, else the
// first by the alphabet.
func best(s arch.System, kind arch.Kind, group []string) string {
	for _, n := range group {
		for _, d := range s.Deployments {
			if d.Of == arch.NewRef(kind, n) {
				return n
			}
		}
	}
	return group[0]
}

// byImage joins services of compose files with workloads of manifests by what
// they run.
func byImage(s arch.System) map[arch.Ref]arch.Renaming {
	type pair struct{ composed, deployed []string }
	by := map[string]*pair{}
	for _, name := range arch.Sorted(s.Services) {
		for _, c := range s.Ledger[arch.Fact{Of: arch.NewRef(arch.KindService, name), At: "/run/image"}] {
			repo := ImageRepository(c.Value)
			if by[repo] == nil {
				by[repo] = &pair{}
			}
			for _, src := range c.From {
				list := &by[repo].deployed
				if src.By == "compose" {
					list = &by[repo].composed
				}
				if !slices.Contains(*list, name) {
					*list = append(*list, name)
				}
			}
		}
	}
	names := map[arch.Ref]arch.Renaming{}
	for _, repo := range arch.Sorted(by) {
		p := by[repo]
		if len(p.composed) != 1 || len(p.deployed) != 1 || p.composed[0] == p.deployed[0] {
			continue
		}
		a, b := p.composed[0], p.deployed[0]
		if !calledAs(repo, append([]string{a}, s.Services[a].Aliases...)) || !calledAs(repo, append([]string{b}, s.Services[b].Aliases...)) {
			continue // one image that does many things by its arguments
		}
		if witnesses(s, b) > witnesses(s, a) {
			a, b = b, a
		}
		names[arch.NewRef(arch.KindService, b)] = arch.Renaming{To: arch.NewRef(arch.KindService, a), Reason: fmt.Sprintf("%s and %s run one image, %s", b, a, repo)}
	}
	return names
}

// commonWords say nothing about which service it is.
var commonWords = map[string]bool{"service": true, "services": true, "server": true, "microservice": true, "microservices": true, "application": true, "project": true, "backend": true, "webservice": true, "system": true}

// calledAs reports whether an image is called as a service is: the last part of
// its name holds one of the service's names, or a word of one that tells services
// apart.
func calledAs(repo string, names []string) bool {
	image := form(ImageBase(repo))
	for _, name := range names {
		if len(name) >= 4 && strings.Contains(image, form(name)) {
			return true
		}
		for _, w := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
			if len(w) >= 4 && !commonWords[w] && strings.Contains(image, w) {
				return true
			}
		}
	}
	return false
}

// witnesses counts the sources that know a service by this name.
func witnesses(s arch.System, name string) int {
	by := map[string]bool{}
	for _, c := range s.Ledger[arch.Fact{Of: arch.NewRef(arch.KindService, name)}] {
		for _, src := range c.From {
			by[src.By] = true
		}
	}
	return len(by)
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
