package rules

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
)

// domain reports whether a reference leads to a service that does business:
// known, and none of the kinds that every other may lean on.
func domain(c *review.Case, ref arch.Ref) bool {
	if k := ref.Kind(); k != arch.KindService && k != arch.KindOp {
		return false
	}
	svc, ok := c.System.Services[ref.Name()]
	return ok && !arch.Infrastructure(svc.Role)
}

// apps lists the services of the domain that do more than show pages or run now
// and then.
func apps(c *review.Case) []arch.Ref {
	var out []arch.Ref
	for _, name := range arch.Sorted(c.System.Services) {
		switch role := c.System.Services[name].Role; {
		case arch.Infrastructure(role), role == arch.RoleUI, role == arch.RoleJob:
		default:
			out = append(out, arch.NewRef(arch.KindService, name))
		}
	}
	return out
}

// request reports whether the call goes from one service to another and its
// caller waits for the answer, as far as is known.
func request(e arch.Edge) bool {
	to := e.Call.To
	if to.Kind() != arch.KindService && to.Kind() != arch.KindOp && to.Kind() != arch.KindExternal || to.Parent() == e.From.Parent() {
		return false
	}
	return !e.Call.Async.Or(false) && e.Call.Access != arch.AccessPublish && e.Call.Access != arch.AccessSubscribe
}

// written reports whether a call was looked at where it is written: a reader of
// code saw its caller, or a hand described this very call. A hand that named the
// operation alone says nothing of the limits of its calls.
func written(c *review.Case, e arch.Edge) bool {
	if c.System.Covered(arch.Code, e.From.Parent()) {
		return true
	}
	for _, claim := range c.System.Ledger[e.At()] {
		if claim.Origin() == arch.Hand {
			return true
		}
	}
	return false
}

const unknownMesh = "whether a mesh adds the limit is not known: its configuration was not read, and no file says `mesh: false`"

// allLayers reports whether every layer that may limit a call was looked at: the
// caller's own code, and the mesh, or that there is none. Only then does a limit
// that was not seen not exist.
func allLayers(c *review.Case, e arch.Edge) bool {
	if !written(c, e) {
		return false
	}
	if slices.ContainsFunc(c.Documents, func(d discover.Document) bool {
		return strings.HasPrefix(d.Kind, "istio ") || strings.HasPrefix(d.Kind, "linkerd ")
	}) {
		return true
	}
	for _, key := range []string{arch.DeploymentKey(c.Environment, e.From.Name()), arch.DeploymentKey("", e.From.Name())} {
		if m, ok := c.System.Deployments[key].Mesh.Get(); ok {
			return !m
		}
	}
	return false
}

// holding drops the policies of other environments.
func holding(c *review.Case, layers []arch.Policy) []arch.Policy {
	out := slices.DeleteFunc(slices.Clone(layers), func(p arch.Policy) bool { return p.Env != "" && p.Env != c.Environment })
	slices.SortStableFunc(out, func(a, b arch.Policy) int { return arch.Rank(a.Layer) - arch.Rank(b.Layer) })
	return out
}

// limited is a call or a route with its limits.
type limited struct {
	from, to arch.Ref
	what     string
	base     arch.Fact
	method   string // of a route
	layers   []arch.Policy
}

func (l limited) at(p arch.Policy, rest string) arch.Fact {
	return arch.Fact{Of: l.base.Of, At: l.base.At.Join("layers", p.Key()) + arch.Field(rest)}
}

// ways lists calls between elements and routes of gateways alike.
func ways(c *review.Case) []limited {
	var out []limited
	for _, e := range c.System.Edges() {
		if request(e) {
			out = append(out, limited{e.From, e.Call.To, e.From.Short() + " -> " + e.Call.To.Short(), e.At(), "", holding(c, e.Call.Layers)})
		}
	}
	for _, name := range arch.Sorted(c.System.Gateways) {
		ref := arch.NewRef(arch.KindGateway, name)
		for _, rt := range c.System.Gateways[name].Routes {
			out = append(out, limited{ref, rt.To, "route " + rt.Path + " of " + name + " -> " + rt.To.Short(), arch.Fact{Of: ref, At: arch.Field("").Join("routes", rt.ID)}, rt.Method, holding(c, rt.Layers)})
		}
	}
	return out
}

// often is how many times an operation makes each of its calls in one run, as
// its body says, or as was observed where no body places the call.
func often(op arch.Operation) map[string]float64 {
	m := map[string]float64{}
	var walk func(s arch.Step, times float64)
	walk = func(s arch.Step, times float64) {
		switch s.Kind {
		case arch.Do:
			m[s.Call] += times
			return
		case arch.Loop:
			if n, ok := s.Times.Mean(); ok {
				times *= n
			}
		}
		for _, x := range s.Steps {
			n := times
			if s.Kind == arch.Choice {
				n *= x.Prob.Or(1)
			}
			walk(x, n)
		}
	}
	walk(op.Body, 1)
	for id, c := range op.Calls {
		if _, ok := m[id]; !ok {
			m[id] = 1
			if n, ok := c.PerCall.Mean(); ok {
				m[id] = n
			}
		}
	}
	return m
}

// reads reports whether a call only reads, as its verb or its target's says.
func reads(c *review.Case, call arch.Call) bool {
	if call.Access == arch.AccessRead {
		return true
	}
	if call.To.Kind() != arch.KindOp {
		return false
	}
	trigger := c.System.Services[call.To.Name()].Operations[call.To.Member()].Trigger
	if strings.HasPrefix(trigger, "GET ") || strings.HasPrefix(trigger, "HEAD ") {
		return true
	}
	if !strings.HasPrefix(trigger, "grpc ") {
		return false
	}
	method := trigger[strings.LastIndexByte(trigger, '/')+1:]
	return slices.ContainsFunc([]string{"Get", "List", "Find", "Search", "Read", "Query"}, func(v string) bool { return strings.HasPrefix(method, v) })
}

// serviceNamed finds the service or store that answers to a name.
func serviceNamed(c *review.Case, name string) (arch.Ref, bool) {
	if _, ok := c.System.Services[name]; ok {
		return arch.NewRef(arch.KindService, name), true
	}
	for _, n := range arch.Sorted(c.System.Services) {
		if slices.Contains(c.System.Services[n].Aliases, name) {
			return arch.NewRef(arch.KindService, n), true
		}
	}
	return "", false
}

// refs sorts what a set holds.
func refs(m map[arch.Ref]bool) []arch.Ref { return arch.Sorted(m) }

// places remembers where findings stand: one line of a mesh's configuration holds
// for every caller, and is one finding.
type places map[string]bool

// again reports whether a finding about the same target at the same place of a
// file was there before.
func (p places) again(f review.Finding) bool {
	if len(f.Evidence) == 0 || f.Evidence[0].File == "" || f.Evidence[0].Line == 0 || len(f.Of) == 0 {
		return false
	}
	key := f.Evidence[0].String() + " " + string(f.Of[len(f.Of)-1])
	was := p[key]
	p[key] = true
	return was
}

// inView are the keys of the deployments to judge, sorted: those of the
// environment that was asked for and those of all. What runs once on somebody's
// laptop is no finding about production.
func inView(c *review.Case) []string {
	return slices.DeleteFunc(arch.Sorted(c.System.Deployments), func(key string) bool {
		env := envOf(key)
		return env != "" && env != c.Environment
	})
}
