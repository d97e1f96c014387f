package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Deployment shows what runs in which environment, how often and in how many
// zones, and who calls whom there. Options.Env picks one environment; without
// it, each has an area of its own.
func Deployment(s arch.System, o *Options) Graph {
	b := newBuilder(KindDeployment, s, o)
	env := b.o.Env
	b.o.Env = "" // nothing is left out afterwards: the nodes are deployments
	envs := []string{env}
	if env == "" {
		envs = environments(s)
	}
	for _, env := range envs {
		b.environment(env)
	}
	b.o.Env = env
	if len(b.nodes) == 0 {
		b.note("nothing says how anything is deployed")
	}
	for _, env := range envs {
		b.traffic(env)
	}
	return b.graph()
}

// environments lists those with a name, or the nameless one that holds for all.
func environments(s arch.System) []string {
	var envs []string
	for key := range s.Deployments {
		if e := arch.Ref("deployment/" + key).Env(); e != "" {
			envs = append(envs, e)
		}
	}
	slices.Sort(envs)
	if envs = slices.Compact(envs); len(envs) == 0 {
		return []string{""}
	}
	return envs
}

func (b *builder) environment(env string) {
	group := b.group(Group{ID: "environment/" + env, Kind: "environment", Label: cmp.Or(env, "every environment")})
	for _, key := range arch.Sorted(b.s.Deployments) {
		r := arch.Ref("deployment/" + key)
		if r.Env() != "" && r.Env() != env {
			continue
		}
		of := b.s.Deployments[key].Of
		if of == "" {
			of = arch.NewRef(arch.KindService, r.Name())
		}
		d := b.deployment(env, r.Name())
		n := Node{Ref: arch.DeploymentRef(env, r.Name()), Kind: nodeKind(of), Label: of.Short(), Detail: scale(d), Group: group, Facts: append(deploymentFacts(d), b.where(r)...)}
		switch of.Kind() {
		case arch.KindService:
			svc := b.s.Services[of.Name()]
			n.Role, n.Context, n.Team = svc.Role, svc.Context, svc.Owner
			if c := svc.Context; c != "" && b.o.Group != NoGroups {
				n.Group = b.group(Group{ID: "environment/" + env + "/" + c, Ref: arch.NewRef(arch.KindContext, c), Kind: "context", Label: c, Parent: group})
			}
		case arch.KindStore:
			if isCache(b.s.Stores[of.Name()].Kind) {
				n.Role = "cache"
			}
		}
		b.node(n)
	}
}

// deployment is what holds for an element in an environment: what is said there,
// over what is said for all.
func (b *builder) deployment(env, name string) arch.Deployment {
	all, one := b.s.Deployments[arch.DeploymentKey("", name)], b.s.Deployments[arch.DeploymentKey(env, name)]
	pick := func(x, y arch.Opt[int]) arch.Opt[int] {
		if x.Known {
			return x
		}
		return y
	}
	pickF := func(x, y arch.Opt[float64]) arch.Opt[float64] {
		if x.Known {
			return x
		}
		return y
	}
	one.Of, one.Kind, one.Version, one.Strategy = cmp.Or(one.Of, all.Of), cmp.Or(one.Kind, all.Kind), cmp.Or(one.Version, all.Version), cmp.Or(one.Strategy, all.Strategy)
	one.Replicas, one.Max, one.Zones, one.Concurrency = pick(one.Replicas, all.Replicas), pick(one.Max, all.Max), pick(one.Zones, all.Zones), pick(one.Concurrency, all.Concurrency)
	one.CPU, one.Memory = pickF(one.CPU, all.CPU), pickF(one.Memory, all.Memory)
	if len(one.Probes) == 0 {
		one.Probes = all.Probes
	}
	if !one.Disruption.Known {
		one.Disruption = all.Disruption
	}
	return one
}

// scale is the small line: "3 to 10 replicas, 3 zones".
func scale(d arch.Deployment) string {
	var parts []string
	replicas := opt(d.Replicas)
	if m, ok := d.Max.Get(); ok && strconv.Itoa(m) != replicas {
		replicas = strings.TrimPrefix(replicas+" to "+strconv.Itoa(m), " ")
	}
	switch replicas {
	case "":
	case "1":
		parts = append(parts, "1 replica")
	default:
		parts = append(parts, replicas+" replicas")
	}
	if z, ok := d.Zones.Get(); ok {
		parts = append(parts, plural(z, "zone", "zones"))
	}
	return strings.Join(parts, " · ")
}

func deploymentFacts(d arch.Deployment) []Fact {
	fs := known(Fact{"kind", d.Kind}, Fact{"version", d.Version}, Fact{"scale", scale(d)}, Fact{"strategy", d.Strategy})
	if c, ok := d.CPU.Get(); ok {
		fs = append(fs, Fact{"processor", strconv.FormatFloat(c, 'g', 4, 64) + " cores"})
	}
	if m, ok := d.Memory.Get(); ok {
		fs = append(fs, Fact{"memory", fmt.Sprintf("%.0f MiB", m/(1<<20))})
	}
	for _, p := range arch.Sorted(d.Probes) {
		fs = append(fs, Fact{p, d.Probes[p]})
	}
	if x, ok := d.Disruption.Get(); ok {
		fs = append(fs, Fact{"disruption budget", map[bool]string{true: "yes", false: "no"}[x]})
	}
	return fs
}

// traffic draws the calls between what runs in one environment; an external
// system stands outside and is the same for all.
func (b *builder) traffic(env string) {
	b.home = map[arch.Ref]arch.Ref{}
	for r := range b.nodes {
		if r.Kind() == arch.KindDeployment && r.Env() == env {
			of := b.s.Deployments[arch.DeploymentKey(env, r.Name())].Of
			if of == "" {
				of = b.s.Deployments[arch.DeploymentKey("", r.Name())].Of
			}
			b.home[cmp.Or(of, arch.NewRef(arch.KindService, r.Name()))] = r
		}
	}
	for _, name := range arch.Sorted(b.s.Externals) {
		r := arch.NewRef(arch.KindExternal, name)
		b.node(Node{Ref: r, Kind: External, Detail: "external", Facts: b.externalFacts(r, b.s.Externals[name])})
	}
	for _, e := range b.s.Edges() {
		from, to := b.of(e.From), b.of(e.Call.To)
		if b.nodes[from] != nil && b.nodes[to] != nil && from != to {
			b.call(e)
		}
	}
	for _, name := range arch.Sorted(b.s.Gateways) {
		from := b.of(arch.NewRef(arch.KindGateway, name))
		for _, rt := range b.s.Gateways[name].Routes {
			if to := b.of(rt.To); b.nodes[from] != nil && b.nodes[to] != nil && from != to {
				b.edge(from, to, Route).Calls++
			}
		}
	}
	b.foldAccess()
	reached := map[arch.Ref]bool{}
	for k := range b.edges {
		reached[k.to], reached[k.from] = true, true
	}
	b.drop(func(n *Node) bool { return (n.Kind == External || n.Missing) && !reached[n.Ref] })
}
