package decide

import (
	"fmt"
	"math"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
)

// Measures are those of the whole system, by factor.
func Measures() []Measure {
	return []Measure{
		{Key: "contexts", Factor: Domain, About: "bounded contexts, said or found in the code", Whole: true, From: 1, To: 12, Read: contexts},
		{Key: "complexity", Factor: Domain, About: "of the domain: 1 low, 2 medium, 3 high", Unit: "complexity", Whole: true, From: 1, To: 3, Read: complexity},
		{Key: "teams", Factor: Teams, About: "teams", Whole: true, From: 1, To: 8, Read: teams},
		{Key: "people", Factor: Teams, About: "people in the teams", Whole: true, From: 3, To: 60, Read: people},
		{Key: "promise", Factor: Latency, About: "tightest latency that was promised to users", Unit: "ms promised", From: 50, To: 2000, Read: promise},
		{Key: "depth", Factor: Latency, About: "synchronous calls in a row, the longest way", Unit: "calls in a row", Whole: true, From: 1, To: 6, Read: depth},
		{Key: "peak", Factor: Scale, About: "requests at the entries, at the peak", Unit: "requests/s", From: 1, To: 3000, Read: peak},
		{Key: "pods", Factor: Scale, About: "running copies of services", Whole: true, From: 2, To: 120, Read: pods},
		{Key: "crossing", Factor: Consistency, About: "operations that change data of several owners", Unit: "operations across owners", Whole: true, From: 0, To: 5, Read: crossing},
		{Key: "sharing", Factor: Consistency, About: "services on data that another one owns", Unit: "services on others' data", Whole: true, From: 0, To: 6, Read: sharing},
		{Key: "publishers", Factor: Consistency, About: "operations that write and publish", Whole: true, From: 0, To: 8, Read: publishers},
		{Key: "services", Factor: Operations, About: "services without gateways, brokers and the like", Whole: true, From: 1, To: 40, Read: services},
		{Key: "calls", Factor: Operations, About: "pairs of services that call each other and wait", Whole: true, From: 0, To: 80, Read: calls},
		{Key: "languages", Factor: Operations, About: "programming languages of the services", Whole: true, From: 1, To: 5, Read: languages},
		{Key: "money", Factor: Cost, About: "budget a month, by a constraint", Unit: "a month", From: 500, To: 50000, Read: (*Case).budget},
	}
}

func contexts(c *Case) Fact {
	if n := len(c.System.Contexts); n > 0 {
		return Counted(c, n, c.System.Refs(arch.KindContext)...)
	}
	if c.Split != nil && len(c.Split.Candidates) > 0 {
		return Known(float64(len(c.Split.Candidates[0].Contexts)), "the code, by `ashlar split`")
	}
	return Ask("contexts", "{ordering: {kind: core}, billing: {kind: supporting}}", "which bounded contexts does the business have?")
}

func complexity(c *Case) Fact {
	if i := slices.Index([]string{"low", "medium", "high"}, c.System.Complexity); i >= 0 {
		f := Known(float64(i+1), "said by hand")
		f.Text = c.System.Complexity + " complexity"
		return f
	}
	return Ask("complexity", "medium", "how complex is the domain: low, medium or high?")
}

var askTeams = Ask("teams", "{sales: {size: 5}, money: {size: 4}}", "which teams work on it, and how many people has each?")

func teams(c *Case) Fact {
	if n := len(c.System.Teams); n > 0 {
		return Counted(c, n, c.System.Refs(arch.KindTeam)...)
	}
	return askTeams
}

func people(c *Case) Fact {
	n := 0
	for _, t := range arch.Sorted(c.System.Teams) {
		size := c.System.Teams[t].Size
		if !size.Known {
			return Ask("teams", "{"+t+": {size: 5}}", "how many people are in the team "+t+"?")
		}
		n += size.V
	}
	if n == 0 {
		f := askTeams
		if c.Code != nil && len(c.Code.Authors) > 0 {
			f.Where = fmt.Sprintf("%d authors in the history", len(c.Code.Authors))
		}
		return f
	}
	return Counted(c, n, c.System.Refs(arch.KindTeam)...)
}

func promise(c *Case) Fact {
	best, where := math.Inf(1), ""
	look := func(of arch.Ref, os []arch.Objective) {
		for _, o := range os {
			if t, ok := o.Latency.Get(); ok && t.Seconds() < best {
				best = t.Seconds()
				where = c.where(of, "objectives/"+o.Key()+"/latency", "objectives")
			}
		}
	}
	for _, n := range arch.Sorted(c.System.Journeys) {
		look(arch.NewRef(arch.KindJourney, n), c.System.Journeys[n].Objectives)
	}
	for _, n := range arch.Sorted(c.System.Services) {
		look(arch.NewRef(arch.KindService, n), c.System.Services[n].Objectives)
	}
	if math.IsInf(best, 1) {
		return Ask("journeys", "{buy: {entry: order.Place, rate: 20rps, peak: 120rps, objectives: [p99: 300ms, availability: 99.9%]}}", "what do users do, how often, and what were they promised?")
	}
	return Known(1000*best, where)
}

// depth is the longest chain of calls that wait, by services.
func depth(c *Case) Fact {
	next := map[arch.Ref][]arch.Ref{}
	for _, p := range c.Waits() {
		next[p.From] = append(next[p.From], p.To)
	}
	if len(next) == 0 {
		return Fact{Where: "no call between services was seen"}
	}
	memo := map[arch.Ref]int{}
	var down func(r arch.Ref, way []arch.Ref) int
	down = func(r arch.Ref, way []arch.Ref) int {
		if v, ok := memo[r]; ok {
			return v
		}
		if slices.Contains(way, r) {
			return 0
		}
		n := 0
		for _, t := range next[r] {
			n = max(n, 1+down(t, append(slices.Clone(way), r)))
		}
		memo[r] = n
		return n
	}
	most, from := 0, arch.Ref("")
	for _, r := range arch.Sorted(next) {
		if n := down(r, nil); n > most {
			most, from = n, r
		}
	}
	return Known(float64(most), "the calls, from "+from.Short()+" on")
}

func peak(c *Case) Fact {
	sum, where := 0., ""
	for _, n := range arch.Sorted(c.System.Journeys) {
		j := c.System.Journeys[n]
		v, ok := j.Peak.Get()
		if !ok {
			v, ok = j.Rate.Get()
		}
		if ok {
			sum += v
			where = c.where(arch.NewRef(arch.KindJourney, n), "peak", "rate")
		}
	}
	if where != "" {
		return Known(sum, where)
	}
	f := promise(c)
	if f.Value.Known {
		f = Ask("journeys", "{buy: {entry: order.Place, rate: 20rps, peak: 120rps}}", "how often do users do what, at the peak?")
	}
	called := map[arch.Ref]bool{}
	for _, e := range c.edges {
		called[e.Call.To] = true
	}
	for _, r := range c.System.Refs(arch.KindOp) {
		svc := c.System.Services[r.Name()]
		if rate, ok := svc.Operations[r.Member()].Rate.Get(); ok && !called[r] && svc.Role != arch.RoleLoadgen {
			sum += rate
		}
	}
	if sum > 0 { // what was traced is a mean of some hour, no peak
		f.Where = fmt.Sprintf("%s requests/s on average in the traces; the peak is not known", number(sum))
	}
	return f
}

func pods(c *Case) Fact {
	n, known := 0, false
	for _, r := range c.Apps() {
		for _, env := range []string{c.Environment, ""} {
			if d, ok := c.System.Deployments[arch.DeploymentKey(env, r.Name())]; ok && d.Replicas.Known {
				n, known = n+d.Replicas.V, true
				break
			}
		}
	}
	if !known {
		return Fact{Where: "no manifest says how many copies run"}
	}
	return Known(float64(n), "replicas in the manifests")
}

func crossing(c *Case) Fact {
	if x := c.Crossings(); len(x) > 0 {
		return Known(float64(len(x)), "counted; the first is "+x[0].Op.Short())
	}
	if c.Split != nil && len(c.Apps()) <= 1 && len(c.Split.Candidates) > 0 {
		n := 0
		for _, t := range c.Split.Candidates[0].Tx {
			n += yes(len(t.Contexts) > 1)
		}
		return Known(float64(n), "transactions of the code over several contexts, by `ashlar split`")
	}
	for _, e := range c.edges {
		if e.From.Kind() == arch.KindOp {
			return Known(0, "none in the operations that code or traces show")
		}
	}
	return Fact{Where: "no code and no traces were read"}
}

func sharing(c *Case) Fact {
	n, where := 0, ""
	for _, x := range c.Shared() {
		n += len(x.Users) - 1
		if where == "" {
			where = "counted; the first is " + x.Store.Short()
		}
	}
	if n > 0 {
		return Known(float64(n), where)
	}
	if len(c.Databases()) == 0 {
		return Fact{Where: "no database was seen"}
	}
	return Known(0, "no database is used by two services")
}

func publishers(c *Case) Fact {
	ops := c.Publishers()
	if len(ops) > 0 {
		return Counted(c, len(ops), ops...)
	}
	for _, e := range c.edges {
		if e.From.Kind() == arch.KindOp {
			return Known(0, "none in the operations that code or traces show")
		}
	}
	return Fact{Where: "no code and no traces were read"}
}

func services(c *Case) Fact { return Counted(c, len(c.Apps()), c.Apps()...) }

func calls(c *Case) Fact {
	n := len(c.Waits())
	if n == 0 && len(c.Apps()) > 1 {
		return Fact{Where: "no call between services was seen"}
	}
	return Known(float64(n), "counted")
}

func languages(c *Case) Fact {
	seen := map[string]bool{}
	for _, r := range c.Apps() {
		if l := c.System.Services[r.Name()].Lang; l != "" {
			seen[l] = true
		}
	}
	if len(seen) == 0 {
		return Fact{Where: "neither code nor traces say it"}
	}
	f := Known(float64(len(seen)), "of the services whose language is known")
	return f
}
