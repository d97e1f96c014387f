package arch

import (
	"slices"
	"strings"
)

// Access is as whom an element runs, who may reach it and whom it may reach.
type Access struct {
	Account string `arch:"account"` // service account, "shop/cart" or "cart" where no namespace is given
	SCC     string `arch:"scc"`     // OpenShift's security context constraints that its pods run under
	TLS     string `arch:"tls"`     // what its mesh proxy takes from callers: strict, permissive, disable
	// In and Out are the gates before it and behind it, by layer. A layer that is
	// not there lets everything through.
	In  map[string]Gate `arch:"in"`
	Out map[string]Gate `arch:"out"`
}

// Layers of a [Gate].
const (
	GateNetwork = "network" // network policies
	GateMesh    = "mesh"    // the proxies of a mesh
)

// Anyone is the key of a [Gate] that stands for everyone.
const Anyone = "*"

// Gate is what one layer lets through: what is allowed and not denied. A gate that
// allows nothing is shut.
//
// The keys are Refs of elements, [Anyone], or words for what is none of the known
// elements ("net 10.0.0.0/8", "account istio-system/ingress"); words that begin
// with a question mark may stand for any element. The values say what of it: "" is
// everything, else "port 8080", "GET /orders".
type Gate struct {
	Allow map[string]string `arch:"allow"`
	Deny  map[string]string `arch:"deny"`
}

// Undecided reports whether a gate's key may stand for any element.
func Undecided(key string) bool { return strings.HasPrefix(key, "?") }

// refuses reports whether a gate lets nothing of a peer through, and the step of
// the field that says so: "" when it is that nothing lets it through.
func (g Gate) refuses(peer Ref) (field Field, ok bool) {
	for _, key := range []string{string(peer), Anyone} {
		if what, denied := g.Deny[key]; denied && what == "" {
			return Field("").Join("deny", key), true
		}
	}
	for key := range g.Allow {
		if key == string(peer) || key == Anyone || Undecided(key) {
			return "", false
		}
	}
	return "", true
}

// Refusal is why a call cannot get through.
type Refusal struct {
	Fact        // what says so: the gate, or its part that denies
	Layer       string
	In          bool // it stands before the callee; else behind the caller
	Deny        bool // it is denied, and not only left out of what is allowed
	Environment string
}

// Refused reports whether a policy forbids every call from one element to another
// in an environment (and those for all), as far as both were seen deployed: what
// runs elsewhere is not judged.
func (s System) Refused(env string, from, to Ref) (Refusal, bool) {
	caller, callee := s.access(env, from.Parent()), s.access(env, to.Parent())
	if caller == nil || callee == nil {
		return Refusal{}, false
	}
	for _, side := range []struct {
		of, peer Ref
		gates    []placed
		in       bool
	}{{to.Parent(), from.Parent(), callee, true}, {from.Parent(), to.Parent(), caller, false}} {
		for _, p := range side.gates {
			gates := p.d.Access.gates(side.in)
			for _, layer := range Sorted(gates) {
				if f, ok := gates[layer].refuses(side.peer); ok {
					name := "out"
					if side.in {
						name = "in"
					}
					at := Fact{DeploymentRef(p.env, side.of.Name()), Field("").Join("access", name, layer) + f}
					return Refusal{at, layer, side.in, f != "", p.env}, true
				}
			}
		}
	}
	return Refusal{}, false
}

func (a *Access) gates(in bool) map[string]Gate {
	switch {
	case a == nil:
		return nil
	case in:
		return a.In
	}
	return a.Out
}

type placed struct {
	env string
	d   Deployment
}

// access lists how an element runs in an environment; nil when no manifest says.
func (s System) access(env string, of Ref) []placed {
	var out []placed
	for _, e := range slices.Compact([]string{"", env}) {
		if d, ok := s.Deployments[DeploymentKey(e, of.Name())]; ok && d.Of == of && d.Kind != "compose" {
			out = append(out, placed{e, d})
		}
	}
	return out
}
