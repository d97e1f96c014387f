package rules

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var sharedDatabase = review.Rule{
	ID:    "data/shared-database",
	Cure:  "advise data",
	Title: "Several services use one database",
	Why:   "A change of the schema breaks services that were not asked, nobody owns the data, and a heavy query of one is an outage of all.",
	Bad:   "order and billing both read and write postgres orders",
	Good:  "order owns orders; billing asks its interface or keeps its own copy from events",
	Since: "0.1", Severity: review.High, Confidence: .7,
	Needs:   []review.Need{review.Calls},
	Params:  []review.Param{{Name: "caches", Default: "false", About: "true: caches and locks (redis, memcached, etcd) count too"}},
	Source:  "C. Richardson, Microservices Patterns, ch. 2 (database per service); S. Newman, Building Microservices, 2nd ed., ch. 4",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "the firing side has no public file in a format that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		users := map[arch.Ref][]arch.Edge{}
		for _, e := range c.System.Edges() {
			st := e.Call.To.Parent()
			if st.Kind() == arch.KindStore && !arch.Infrastructure(c.System.Services[e.From.Parent().Name()].Role) {
				users[st] = append(users[st], e)
			}
		}
		for _, st := range arch.Sorted(users) {
			kind := c.System.Stores[st.Name()].Kind
			if cache(kind) && r.Text("caches") != "true" {
				continue
			}
			var who []arch.Ref
			writers := map[arch.Ref]bool{}
			var ev []review.Evidence
			for _, e := range users[st] {
				from := e.From.Parent()
				if e.Call.Access == arch.AccessWrite {
					writers[from] = true
				}
				if !slices.Contains(who, from) {
					who = append(who, from)
					ev = append(ev, c.At(from.Short()+" uses it", e.At("to"), e.At()))
				}
			}
			if len(who) < 2 || separate(users[st], c.System.Stores[st.Name()]) {
				continue
			}
			f := review.Finding{Of: append([]arch.Ref{st}, who...), Evidence: ev}
			f.Title = fmt.Sprintf("%d services share the database %s: %s", len(who), st.Short(), list(who, 4))
			if len(writers) > 1 {
				f.Severity, f.Confidence = review.Critical, .9
				f.Detail = fmt.Sprintf("%d of them write to it.", len(writers))
			} else if len(writers) == 0 {
				f.Detail = "Which tables each of them touches was not seen: they may keep to schemas of their own on one server, which shares the outage but not the data."
			}
			f.Fix = "Give every table one owner; others ask its interface, or keep a copy that its events refresh. `ashlar split` shows the tables."
			r.Find(f)
		}
	},
}

func cache(kind string) bool { return kind == "redis" || kind == "memcached" || kind == "etcd" }

// separate: every user was seen to keep to tables of its own.
func separate(es []arch.Edge, st arch.Store) bool {
	owner := map[arch.Ref]arch.Ref{}
	for _, e := range es {
		if e.Call.To.Kind() != arch.KindTable {
			return false
		}
		from := e.From.Parent()
		if o, ok := owner[e.Call.To]; ok && o != from {
			return false
		}
		owner[e.Call.To] = from
	}
	return len(st.Tables) > 0
}
