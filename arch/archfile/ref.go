package archfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// names is the set of elements that a short reference may mean.
type names map[arch.Ref]bool

var allKinds = []arch.Kind{arch.KindService, arch.KindOp, arch.KindStore, arch.KindTable, arch.KindTopic, arch.KindExternal, arch.KindSaga, arch.KindJourney,
	arch.KindGateway, arch.KindContext, arch.KindTeam, arch.KindCapability, arch.KindContract, arch.KindConstraint, arch.KindLink, arch.KindDeployment}

// namesOf lists a system's elements.
func namesOf(s arch.System) names {
	ns := names{}
	for _, k := range allKinds {
		for _, r := range s.Refs(k) {
			ns[r] = true
		}
	}
	return ns
}

// namesIn lists the elements that a document declares, before it is decoded:
// references may point forward.
func namesIn(root *doc.Node) names {
	ns := names{}
	for section, kind := range sections {
		n := root.Get(section)
		if n == nil {
			continue
		}
		for _, e := range n.Entries {
			ns[arch.NewRef(kind, e.Key.Text)] = true
			for member, k := range map[string]arch.Kind{"operations": arch.KindOp, "tables": arch.KindTable} {
				if m := e.Value.Get(member); m != nil && (k == arch.KindOp) == (kind == arch.KindService) {
					for _, x := range m.Entries {
						ns[arch.NewRef(k, e.Key.Text, x.Key.Text)] = true
					}
				}
			}
		}
	}
	return ns
}

func hasMember(k arch.Kind) bool { return k == arch.KindOp || k == arch.KindTable }

// resolve finds what a reference means where one of kinds is asked for, the
// likeliest first; what nothing declares is taken for the likeliest form. home is
// the store whose tables need no store's name before them.
func (ns names) resolve(s string, kinds []arch.Kind, home string) (arch.Ref, error) {
	if k, rest, ok := strings.Cut(s, "/"); ok && slices.Contains(allKinds, arch.Kind(k)) {
		r, err := arch.ParseRef(s)
		if err != nil && !hasMember(arch.Kind(k)) && rest != "" { // a dot in a name, written as it is
			r, err = arch.NewRef(arch.Kind(k), rest), nil
		}
		if err == nil && !slices.Contains(kinds, r.Kind()) {
			return "", fmt.Errorf("want %s here, got a %s", wantKinds(kinds), r.Kind())
		}
		return r, err
	}
	var fallback arch.Ref
	for _, k := range kinds {
		for _, r := range candidates(k, s, home) {
			switch {
			case ns[r]:
				return r, nil
			case fallback == "", hasMember(k) && ns[r.Parent()] && !ns[fallback.Parent()]:
				fallback = r
			}
		}
	}
	if fallback == "" {
		return "", fmt.Errorf("%q: want %s", s, wantKinds(kinds))
	}
	return fallback, nil
}

// candidates are the ways to read s as a name of kind k.
func candidates(k arch.Kind, s, home string) []arch.Ref {
	if s == "" {
		return nil
	}
	if !hasMember(k) {
		if k == arch.KindDeployment {
			return nil
		}
		return []arch.Ref{arch.NewRef(k, s)}
	}
	var out []arch.Ref
	for i := range len(s) - 1 {
		if i > 0 && s[i] == '.' {
			out = append(out, arch.NewRef(k, s[:i], s[i+1:]))
		}
	}
	if k == arch.KindTable && home != "" {
		out = append(out, arch.NewRef(k, home, s))
	}
	return out
}

func wantKinds(kinds []arch.Kind) string {
	var ws []string
	for _, k := range kinds {
		switch k {
		case arch.KindOp:
			ws = append(ws, "an operation such as order.Place")
		case arch.KindTable:
			ws = append(ws, "a table such as orders.customer")
		case arch.KindExternal:
			ws = append(ws, "an external such as external/bank")
		default:
			ws = append(ws, "a "+string(k))
		}
		if len(ws) == 3 {
			break
		}
	}
	return strings.Join(ws, " or ")
}

// short is how a person writes r where one of kinds is asked for.
func (ns names) short(r arch.Ref, kinds []arch.Kind, home string) string {
	if r.Kind() == arch.KindTable && r.Name() == home && home != "" {
		if back, err := ns.resolve(r.Member(), kinds, home); err == nil && back == r {
			return r.Member()
		}
	}
	if back, err := ns.resolve(r.Short(), kinds, home); err == nil && back == r && (r.Kind() != arch.KindExternal || kinds[0] == arch.KindExternal) {
		return r.Short()
	}
	return string(r)
}
