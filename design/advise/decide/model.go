package decide

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

// Apps are the services that do the work: no gateways, brokers, load generators.
func (c *Case) Apps() []arch.Ref {
	var out []arch.Ref
	for _, n := range arch.Sorted(c.System.Services) {
		if !arch.Infrastructure(c.System.Services[n].Role) {
			out = append(out, arch.NewRef(arch.KindService, n))
		}
	}
	return out
}

func (c *Case) app(r arch.Ref) bool {
	s, ok := c.System.Services[r.Name()]
	return ok && (r.Kind() == arch.KindService || r.Kind() == arch.KindOp) && !arch.Infrastructure(s.Role)
}

// Pair is a service and one that it calls.
type Pair struct{ From, To arch.Ref }

func asynchronous(call arch.Call) bool {
	return call.Async.V || call.Access == arch.AccessPublish || call.Access == arch.AccessSubscribe || call.To.Kind() == arch.KindTopic
}

// Waits are the pairs of services of which one calls the other and waits.
func (c *Case) Waits() []Pair {
	var out []Pair
	for _, e := range c.edges {
		p := Pair{e.From.Parent(), e.Call.To.Parent()}
		if c.app(e.From) && c.app(e.Call.To) && p.From != p.To && !asynchronous(e.Call) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// Cache reports whether a kind of store holds copies and locks rather than data
// of record.
func Cache(kind string) bool {
	return kind == "redis" || kind == "valkey" || kind == "memcached" || kind == "etcd"
}

// Databases are the stores that hold data of record.
func (c *Case) Databases() []arch.Ref {
	var out []arch.Ref
	for _, n := range arch.Sorted(c.System.Stores) {
		if !Cache(c.System.Stores[n].Kind) {
			out = append(out, arch.NewRef(arch.KindStore, n))
		}
	}
	return out
}

// Use is a store and the services that use the same data in it.
type Use struct {
	Store arch.Ref
	Users []arch.Ref
}

// Shared are the databases of which several services use the same data.
func (c *Case) Shared() []Use {
	var out []Use
	for _, st := range c.Databases() {
		whole, by := map[arch.Ref]bool{}, map[arch.Ref]map[arch.Ref]bool{}
		for _, e := range c.edges {
			if e.Call.To.Parent() != st || !c.app(e.From) {
				continue
			}
			if e.Call.To == st {
				whole[e.From.Parent()] = true
				continue
			}
			if by[e.Call.To] == nil {
				by[e.Call.To] = map[arch.Ref]bool{}
			}
			by[e.Call.To][e.From.Parent()] = true
		}
		users := map[arch.Ref]bool{}
		for _, who := range by {
			if len(who) > 1 {
				for r := range who {
					users[r] = true
				}
			}
		}
		if len(by) == 0 { // which tables was not seen
			users = whole
		}
		if len(users) > 1 {
			out = append(out, Use{st, arch.Sorted(users)})
		}
	}
	return out
}

// DataServices are the services that use a database.
func (c *Case) DataServices() []arch.Ref {
	out := map[arch.Ref]bool{}
	for _, e := range c.edges {
		st := e.Call.To.Parent()
		if st.Kind() == arch.KindStore && c.app(e.From) && !Cache(c.System.Stores[st.Name()].Kind) {
			out[e.From.Parent()] = true
		}
	}
	for _, st := range c.Databases() {
		if o := c.System.Stores[st.Name()].Owner; o != "" {
			out[o] = true
		}
	}
	return arch.Sorted(out)
}

// Crossing is an operation that changes data of several owners while somebody
// waits for it.
type Crossing struct {
	Op     arch.Ref
	Owners []arch.Ref
	Edges  []arch.Edge // the changes
}

// Crossings are those operations, the deepest that sees all the changes.
func (c *Case) Crossings() []Crossing {
	var out []Crossing
	for _, op := range c.System.Refs(arch.KindOp) {
		if !c.app(op) {
			continue
		}
		x := Crossing{Op: op}
		for _, e := range c.edges {
			if e.From != op || asynchronous(e.Call) {
				continue
			}
			for _, o := range c.changed(e, nil) {
				if !slices.Contains(x.Owners, o) {
					x.Owners = append(x.Owners, o)
					x.Edges = append(x.Edges, e)
				}
			}
		}
		direct := map[string]bool{}
		for _, e := range x.Edges {
			direct[e.ID] = true
		}
		if len(x.Owners) > 1 && len(direct) > 1 { // who only passes on to one that crosses does not cross
			out = append(out, x)
		}
	}
	return out
}

// changed are the owners of what a call changes, what its callee calls included.
func (c *Case) changed(e arch.Edge, seen []arch.Ref) []arch.Ref {
	to := e.Call.To
	if st := to.Parent(); st.Kind() == arch.KindStore {
		if e.Call.Access != arch.AccessWrite || Cache(c.System.Stores[st.Name()].Kind) && c.alsoElsewhere(e) {
			return nil
		}
		if o := c.System.Stores[st.Name()].Owner; o != "" {
			return []arch.Ref{o}
		}
		return []arch.Ref{c.user(st, e.From.Parent())}
	}
	if to.Kind() != arch.KindOp || slices.Contains(seen, to) {
		return nil
	}
	var out []arch.Ref
	known := false
	for _, x := range c.edges {
		if x.From != to || asynchronous(x.Call) {
			continue
		}
		known = known || x.Call.To.Parent().Kind() == arch.KindStore || x.Call.To.Kind() == arch.KindOp
		for _, o := range c.changed(x, append(slices.Clone(seen), to)) {
			if !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	if !known { // what it does was not seen: its method or its name says it
		if _, ok := advise.Changes(c.System, e); ok {
			out = append(out, to.Parent())
		}
	}
	return out
}

// alsoElsewhere reports whether the writer of a cache writes a database too: then
// the cache is a copy.
func (c *Case) alsoElsewhere(e arch.Edge) bool {
	return slices.ContainsFunc(c.edges, func(x arch.Edge) bool {
		st := x.Call.To.Parent()
		return x.From.Parent() == e.From.Parent() && st.Kind() == arch.KindStore && !Cache(c.System.Stores[st.Name()].Kind)
	})
}

// user is the owner of a store that nobody claims: its only writer, else the
// store itself.
func (c *Case) user(st, from arch.Ref) arch.Ref {
	for _, e := range c.edges {
		if e.Call.To.Parent() == st && e.From.Parent() != from && e.Call.Access == arch.AccessWrite {
			return st
		}
	}
	return from
}

// Publishers are the operations that write a database and publish.
func (c *Case) Publishers() []arch.Ref {
	writes, publishes := map[arch.Ref]bool{}, map[arch.Ref]bool{}
	for _, e := range c.edges {
		st := e.Call.To.Parent()
		if st.Kind() == arch.KindStore && e.Call.Access == arch.AccessWrite && !Cache(c.System.Stores[st.Name()].Kind) {
			writes[e.From] = true
		}
		if e.Call.Access == arch.AccessPublish {
			publishes[e.From] = true
		}
	}
	var out []arch.Ref
	for _, r := range arch.Sorted(publishes) {
		if writes[r] && r.Kind() == arch.KindOp {
			out = append(out, r)
		}
	}
	return out
}

// Expert reports whether a team says that it is strong in something.
func (c *Case) Expert(in ...string) bool {
	for _, t := range c.System.Teams {
		for _, n := range in {
			if t.Expertise[n] == "strong" {
				return true
			}
		}
	}
	return false
}

// Runs names the first service, image or topic that tells that one of some
// products is there.
func (c *Case) Runs(products ...string) (product, by string) {
	for _, p := range products {
		for _, n := range arch.Sorted(c.System.Topics) {
			if strings.Contains(strings.ToLower(c.System.Topics[n].Broker), p) {
				return p, arch.NewRef(arch.KindTopic, n).Short()
			}
		}
		for _, n := range arch.Sorted(c.System.Services) {
			s := c.System.Services[n]
			image := s.Run.Image[strings.LastIndexByte(s.Run.Image, '/')+1:]
			if strings.Contains(strings.ToLower(n), p) || strings.HasPrefix(strings.ToLower(image), p) {
				return p, n
			}
		}
		for _, n := range arch.Sorted(c.System.Externals) {
			if strings.Contains(strings.ToLower(n), p) {
				return p, n
			}
		}
	}
	return "", ""
}
