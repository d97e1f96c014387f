package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/design/split"
)

// saga replaces a transaction over several contexts.
func (b *builder) saga(t split.TransactionCut, remote bool) Step {
	s := Step{Kind: Saga, Title: fmt.Sprintf("Turn the transaction of %s into a saga of %s", method(t.Method), listed(t.Contexts)),
		Why: "it writes tables of " + listed(t.Contexts) + " in one commit; across databases there is no such commit"}
	s.Cites = append(s.Cites, Cite{t.Pos, "the transaction"})
	byOwner := map[string][]string{}
	for _, w := range t.Writes {
		byOwner[w.Owner] = append(byOwner[w.Owner], name(w.Table))
		if w.Pos.File != "" {
			s.Cites = append(s.Cites, Cite{w.Pos, "writes " + name(w.Table) + " of " + w.Owner})
		}
	}
	for i, x := range t.Contexts {
		kind := "with a compensation that undoes it"
		if i == len(t.Contexts)-1 {
			kind = "the pivot: after it the saga only goes forward"
		}
		s.Do = append(s.Do, fmt.Sprintf("step %d, %s: writes %s in its own transaction, %s", i+1, x, listed(byOwner[x]), kind))
	}
	s.Do = append(s.Do,
		"check the order: what can be refused by the business comes before the pivot, what can only be repeated after it",
		"show the state in between: a pending status that other operations respect (semantic lock)",
		"declare it with patterns/saga while all steps still run in one process; only then move steps out")
	s.Tests = []string{
		"kill the process between any two steps: after the restart all of it happened or none",
		"each compensation, run twice and run before its action: no effect but the first",
		"two sagas on the same rows: the second waits or is refused",
	}
	s.Risks = []Risk{{Trigger: "someone sees the state in between", Owner: b.owner(t.Contexts[0]), Mitigation: "the pending status, and reads that leave it out", Rollback: "the flag turns new requests to the old transaction; running sagas end by themselves"}}
	s.Flag = "saga-" + ident(method(t.Method))
	s.Rollback = "set flag " + s.Flag + " to off"
	s.Done = "no transaction writes tables of two contexts any more; a soak with kills leaves equal books"
	s.Days = work(2*float64(len(t.Contexts)), 1)
	if remote {
		s.Days = s.Days.plus(work(1))
	}
	return s
}

// extract makes a module a service of its own.
func (b *builder) extract(x split.Context) Step {
	s := Step{Kind: Extract, Title: "Run " + x.Name + " as a service", Why: strings.Join(x.Extract.Brings, "; "), Flag: "service-" + ident(x.Name)}
	for _, e := range x.Entries {
		if e.Kind != "http" {
			continue
		}
		m, path, ok := strings.Cut(e.Trigger, " ")
		if !ok {
			m, path = "", e.Trigger
		}
		s.Routes = append(s.Routes, Route{Method: m, Path: path, To: ident(x.Name), Flag: s.Flag, Percent: []int{1, 10, 50, 100}})
		s.Cites = append(s.Cites, Cite{e.Pos, trigger(e)})
	}
	s.Cites = first(s.Cites, 20)
	s.Do = []string{
		"deploy the module's package as a second program on the same schema, behind the module's interface as REST or gRPC with the contract in the repository",
		"put the strangler in front: all routes to the monolith, 0 % to the service",
		"let reads go to both and compare answers (shadow traffic) until they are equal for a week",
		"move its schema to its own database: snapshot, then change data capture until the lag stays under a second",
		"verify counts and checksums by table, then stop writes for the seconds of the cut-over and switch the flag",
		"raise routes 1, 10, 50, 100 %, at each step for as long as a business day's curve takes",
	}
	s.Tests = []string{"a contract test for each operation, run by both sides", "the characterization tests against the service", "timeouts and a breaker on every call: with the service stopped, the monolith answers within its own limit"}
	calls := 0
	for _, k := range b.c.Calls {
		if k.To == x.Name || k.From == x.Name {
			calls++
		}
	}
	s.Risks = []Risk{
		{Trigger: "the copy lags or breaks during the move", Owner: b.owner(x.Name), Mitigation: "the slot's lag is an alert; the cut-over waits for zero", Rollback: "the old tables stay and are fed back by a reverse stream until the clean-up step"},
		{Trigger: fmt.Sprintf("%d operations become network calls and add up in a request", calls), Owner: b.owner(x.Name), Mitigation: "`ashlar advise resilience` for each, a trace of every journey before and after", Rollback: "set flag " + s.Flag + " to 0 %"},
	}
	s.Rollback = "set flag " + s.Flag + " to 0 %: the monolith still has code and data"
	s.Done = "100 % of its routes for two weeks without a roll-back, objectives of its journeys kept"
	s.Days = work(3, .3*float64(len(x.Entries)), float64(len(x.Tables)), .4*float64(calls))
	return s
}

func (b *builder) clean(x split.Context) Step {
	return Step{Kind: Clean, Title: "Take the old way of " + x.Name + " out", Why: "two ways that both work will both be used",
		Do:       []string{"delete the module from the monolith, its tables after a last backup, the reverse stream, the flag"},
		Rollback: "restore from the backup: this is the first step that cannot be undone by a flag",
		Done:     "the monolith builds without it, and the flag is gone",
		Risks:    []Risk{{Trigger: "something nobody knew of still reads the old tables", Owner: b.owner(x.Name), Mitigation: "rename the tables a week before dropping them", Rollback: "rename back"}},
		Days:     work(1)}
}
