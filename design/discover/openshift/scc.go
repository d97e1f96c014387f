package openshift

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/kubernetes"
	k8s "github.com/ashlar-dev/ashlar/formats/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/openshift"
)

// grant lets a service account use security context constraints.
type grant struct {
	scc                string
	namespace, account string // namespace "": wherever the binding is applied
	at                 arch.Source
}

// constraints says under which security context constraints pods may run: those
// that name their service account, and those that a role lets it use. What every
// account may use, restricted-v2, is not said.
func constraints(ev *discover.Evidence, out discover.Sink) {
	grants := append(byUsers(ev), byRoles(ev)...)
	if len(grants) == 0 {
		return
	}
	for _, p := range discover.Of[*kubernetes.Pods](ev.Documents) {
		var names []string
		var at arch.Source
		for _, g := range grants {
			if !p.V.In(g.namespace) || g.account != p.V.Account {
				continue
			}
			if len(names) == 0 {
				at = g.at
			}
			names = append(names, g.scc)
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		d := arch.DeploymentRef(ev.Environment, p.V.Ref.Name())
		s := arch.System{Deployments: map[string]arch.Deployment{arch.DeploymentKey(ev.Environment, p.V.Ref.Name()): {Of: p.V.Ref, Access: &arch.Access{SCC: strings.Join(slices.Compact(names), ", ")}}}}
		at.Reason = "its service account " + p.V.Account + " may use it"
		s.Locate(map[arch.Fact]arch.Source{{Of: d, At: "/access"}: at, {Of: d, At: "/access/scc"}: at})
		out.System(s)
	}
}

func byUsers(ev *discover.Evidence) (out []grant) {
	for _, o := range discover.Of[*openshift.Object](ev.Documents) {
		c, ok := o.V.Typed.(*openshift.SecurityContextConstraints)
		if !ok {
			continue
		}
		for _, u := range c.Users {
			parts := strings.Split(u, ":")
			if len(parts) == 4 && parts[0] == "system" && parts[1] == "serviceaccount" {
				out = append(out, grant{o.V.Name, parts[2], parts[3], o.At(arch.Config, "users")})
			}
		}
	}
	return out
}

func byRoles(ev *discover.Evidence) (out []grant) {
	objects := discover.Of[*k8s.Object](ev.Documents)
	roles := map[string][]string{} // kind namespace/name -> constraints
	for _, o := range objects {
		switch t := o.V.Typed.(type) {
		case *rbacv1.Role:
			roles["Role "+o.V.Namespace+"/"+o.V.Name] = used(t.Rules)
		case *rbacv1.ClusterRole:
			roles["ClusterRole "+o.V.Name] = used(t.Rules)
		}
	}
	for _, o := range objects {
		var ref rbacv1.RoleRef
		var subjects []rbacv1.Subject
		switch t := o.V.Typed.(type) {
		case *rbacv1.RoleBinding:
			ref, subjects = t.RoleRef, t.Subjects
		case *rbacv1.ClusterRoleBinding:
			ref, subjects = t.RoleRef, t.Subjects
		default:
			continue
		}
		key := "ClusterRole " + ref.Name
		if ref.Kind == "Role" {
			key = "Role " + o.V.Namespace + "/" + ref.Name
		}
		sccs := roles[key]
		if name, ok := strings.CutPrefix(ref.Name, openshift.SCCRole); ok {
			sccs = append(slices.Clone(sccs), name)
		}
		for _, s := range subjects {
			if s.Kind != "ServiceAccount" {
				continue
			}
			ns := s.Namespace
			if ns == "" {
				ns = o.V.Namespace
			}
			for _, scc := range sccs {
				out = append(out, grant{scc, ns, s.Name, o.At(arch.Config, "roleRef", "name")})
			}
		}
	}
	return out
}

// used lists the security context constraints that rules let their subjects use.
func used(rules []rbacv1.PolicyRule) (out []string) {
	for _, r := range rules {
		if slices.Contains(r.Verbs, "use") && slices.Contains(r.APIGroups, "security.openshift.io") && slices.Contains(r.Resources, "securitycontextconstraints") {
			out = append(out, r.ResourceNames...)
		}
	}
	return out
}
