package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var distributedTransaction = review.Rule{
	ID:    "data/distributed-transaction",
	Cure:  "advise transactions",
	Title: "One operation changes data of several owners as if it were one",
	Why:   "Either a coordinator locks both until all agree, and its outage leaves them locked; or nothing does, and a crash in the middle leaves one change without the other.",
	Bad:   "order.Place writes orders and, in the same transaction, stock",
	Good:  "order.Place writes orders and an outbox row; stock takes the event; a saga undoes what cannot be done",
	Since: "0.1", Severity: review.High, Confidence: .85,
	Needs:   []review.Need{review.Calls},
	Source:  "P. Helland, Life beyond Distributed Transactions; C. Richardson, Microservices Patterns, ch. 4",
	Silent:  "delimitrou/DeathStarBench@6ecb097 socialNetwork Jaeger traces",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		owners := storeOwners(c)
		for _, from := range c.System.Refs(arch.KindOp) {
			op := c.System.Services[from.Name()].Operations[from.Member()]
			sameTx(c, r, from, op)
			foreign(c, r, from, op, owners)
		}
	},
}

// sameTx: one transaction over two stores.
func sameTx(c *review.Case, r *review.Reporter, from arch.Ref, op arch.Operation) {
	stores := map[string]map[arch.Ref]arch.Edge{}
	for _, id := range arch.Sorted(op.Calls) {
		call := op.Calls[id]
		if st := call.To.Parent(); call.Tx != "" && st.Kind() == arch.KindStore {
			if stores[call.Tx] == nil {
				stores[call.Tx] = map[arch.Ref]arch.Edge{}
			}
			stores[call.Tx][st] = arch.Edge{From: from, ID: id, Call: call}
		}
	}
	for _, tx := range arch.Sorted(stores) {
		if of := arch.Sorted(stores[tx]); len(of) > 1 {
			f := review.Finding{Of: append([]arch.Ref{from}, of...)}
			for _, st := range of {
				e := stores[tx][st]
				f.Evidence = append(f.Evidence, c.At(e.Call.To.Short(), e.At("tx"), e.At()))
			}
			f.Title = fmt.Sprintf("%s commits %s in one transaction", from.Short(), list(of, 4))
			f.Fix = "Commit where the decision falls, with an outbox row; let the other follow by the event, and undo by a saga what cannot be done."
			r.Find(f, tx)
		}
	}
}

// foreign: one run writes its own store and one that belongs to another service.
func foreign(c *review.Case, r *review.Reporter, from arch.Ref, op arch.Operation, owners map[arch.Ref]arch.Ref) {
	var own *arch.Edge
	others := map[arch.Ref]arch.Edge{}
	for _, id := range arch.Sorted(op.Calls) {
		call := op.Calls[id]
		if call.Access != arch.AccessWrite || call.To.Parent().Kind() != arch.KindStore {
			continue
		}
		e := arch.Edge{From: from, ID: id, Call: call}
		switch owner := ownerOf(owners, call.To); owner {
		case "":
		case from.Parent():
			own = &e
		default:
			if _, seen := others[owner]; !seen {
				others[owner] = e
			}
		}
	}
	if own == nil {
		return
	}
	for _, owner := range arch.Sorted(others) {
		e := others[owner]
		f := review.Finding{Of: []arch.Ref{from, own.Call.To, e.Call.To}, Evidence: []review.Evidence{c.At("its own "+own.Call.To.Short(), own.At("access"), own.At()), c.At(e.Call.To.Short()+" of "+owner.Short(), e.At("access"), e.At())}}
		f.Title = fmt.Sprintf("%s writes its own %s and %s, which belongs to %s", from.Short(), own.Call.To.Short(), e.Call.To.Short(), owner.Short())
		f.Fix = fmt.Sprintf("Let %s change what it owns: call it, or publish what happened.", owner.Short())
		r.Find(f)
	}
}

// storeOwners are the services that stores and tables are said to belong to.
func storeOwners(c *review.Case) map[arch.Ref]arch.Ref {
	m := map[arch.Ref]arch.Ref{}
	for name, st := range c.System.Stores {
		if st.Owner != "" {
			m[arch.NewRef(arch.KindStore, name)] = st.Owner
		}
		for table, t := range st.Tables {
			if t.Owner != "" {
				m[arch.NewRef(arch.KindTable, name, table)] = t.Owner
			}
		}
	}
	return m
}

func ownerOf(owners map[arch.Ref]arch.Ref, of arch.Ref) arch.Ref {
	if o := owners[of]; o != "" {
		return o
	}
	return owners[of.Parent()]
}
