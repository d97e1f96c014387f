package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

// contractsIn lists the contracts of a revision. Proto files of one package are
// one contract, so that a type may move between them; the copies that clients
// have of a service count once.
func contractsIn(docs []discover.Document) []*contract.Contract {
	var out []*contract.Contract
	packages := map[string]*contract.Contract{}
	for _, d := range discover.Of[*contract.Contract](docs) {
		c := d.V
		if c.Kind != contract.Proto {
			out = append(out, c)
			continue
		}
		p := packages[c.Name]
		if p == nil {
			one := *c
			one.Operations, one.Types = slices.Clone(c.Operations), slices.Clone(c.Types)
			packages[c.Name] = &one
			out = append(out, &one)
			continue
		}
		for _, o := range c.Operations {
			if !slices.ContainsFunc(p.Operations, func(x contract.Operation) bool { return x.Key == o.Key }) {
				p.Operations = append(p.Operations, o)
			}
		}
		for _, t := range c.Types {
			if !slices.ContainsFunc(p.Types, func(x *contract.Shape) bool { return x.Name == t.Name }) {
				p.Types = append(p.Types, t)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *contract.Contract) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Pos.Line-b.Pos.Line)
	})
	return out
}

// revised is a contract as it was and as it is; now is nil when it is gone.
type revised struct{ old, now *contract.Contract }

// pairs matches the contracts of two revisions: by file, else by name where only
// one has it.
func pairs(c *review.Case) []revised {
	now := contractsIn(c.Documents)
	var out []revised
	for _, old := range contractsIn(c.Before.Documents) {
		p := revised{old: old}
		var named []*contract.Contract
		for _, n := range now {
			switch {
			case n.Kind != old.Kind:
			case old.Kind == contract.Proto:
				if n.Name == old.Name {
					p.now = n
				}
			case review.Rel(c.Paths, n.File) == review.Rel(c.Before.Paths, old.File) && (p.now == nil || n.Name == old.Name):
				p.now = n
			case n.Name == old.Name:
				named = append(named, n)
			}
		}
		if p.now == nil && len(named) == 1 {
			p.now = named[0]
		}
		out = append(out, p)
	}
	return out
}

// providerOf is the service that offers an operation of a contract, in a system.
func providerOf(s arch.System, c *contract.Contract, service string) arch.Ref {
	for _, name := range arch.Sorted(s.Contracts) {
		x := s.Contracts[name]
		if service != "" && name == service || service == "" && x.File == c.File {
			return x.Provider
		}
	}
	return ""
}

// callers are who calls an operation: those that are known to, and those that
// call its service without saying what. The second result says that the
// operation itself was seen.
func callers(s arch.System, provider arch.Ref, op arch.Ref) (out []arch.Ref, sure bool) {
	if provider == "" {
		return nil, false
	}
	for _, e := range s.Edges() {
		if !request(e) || e.From.Parent() == provider {
			continue
		}
		switch {
		case op != "" && e.Call.To == op:
			sure = true
			out = append(out, e.From.Parent())
		case e.Call.To == provider:
			out = append(out, e.From.Parent())
		}
	}
	slices.Sort(out)
	return slices.Compact(out), sure
}

// operationOf is the operation of the model that a contract's is.
func operationOf(s arch.System, provider arch.Ref, c *contract.Contract, o contract.Operation) arch.Ref {
	if provider == "" {
		return ""
	}
	where := c.File + "#" + o.Pointer
	for _, name := range arch.Sorted(s.Services[provider.Name()].Operations) {
		op := s.Services[provider.Name()].Operations[name]
		if op.Contract == where && o.Pointer != "" || op.Trigger == o.Trigger {
			return arch.NewRef(arch.KindOp, provider.Name(), name)
		}
	}
	return ""
}

// agreed are the consumers that a contract itself, a pact or a hand names.
func agreed(s arch.System, c *contract.Contract, service string) []arch.Ref {
	for _, name := range arch.Sorted(s.Contracts) {
		x := s.Contracts[name]
		if service != "" && name == service || service == "" && x.File == c.File {
			return x.Consumers
		}
	}
	return nil
}

// listeners are who subscribes to a topic, but for its sender.
func listeners(s arch.System, topic string, but arch.Ref) []arch.Ref {
	var out []arch.Ref
	for _, e := range s.Edges() {
		if e.Call.To == arch.NewRef(arch.KindTopic, topic) && e.Call.Access == arch.AccessSubscribe && e.From.Parent() != but {
			out = append(out, e.From.Parent())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// senders are who publishes to a topic.
func senders(s arch.System, topic string, but arch.Ref) []arch.Ref {
	var out []arch.Ref
	for _, e := range s.Edges() {
		if e.Call.To == arch.NewRef(arch.KindTopic, topic) && e.Call.Access == arch.AccessPublish && e.From.Parent() != but {
			out = append(out, e.From.Parent())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// broken is a finding about the changes of one thing.
func broken(c *review.Case, what string, changes []contract.Change, hit []arch.Ref, sure bool) review.Finding {
	f := review.Finding{Severity: review.Medium, Confidence: .6}
	var lines []string
	worst := changes[0]
	for _, x := range changes {
		if x.Weight > worst.Weight {
			worst = x
		}
		line := x.What
		if x.Where != "" {
			line = says(x.Where, x.What)
		}
		lines = append(lines, line)
		f.Evidence = append(f.Evidence, review.Evidence{Source: arch.Source{Origin: arch.FromContract, By: "contracts", File: x.New.File, Line: max(1, x.New.Line), Col: max(1, x.New.Col)}, Note: line},
			review.Evidence{Source: arch.Source{Origin: arch.FromContract, By: "contracts", Reason: fmt.Sprintf("%s:%d in %s", strings.TrimPrefix(review.Rel(c.Before.Paths, x.Old.File), "0:"), max(1, x.Old.Line), c.Before.Name)}, Note: "as it was"})
	}
	if worst.Weight == contract.Breaks {
		f.Severity, f.Confidence = review.High, .9
	}
	switch {
	case worst.Where == "":
		f.Title = says(what, worst.What)
	case worst.Where == worst.Operation: // several of one thing are gone
		f.Title = fmt.Sprintf("%d operations of %s are gone, such as %s", len(changes), what, worst.Where)
	default:
		f.Title = says(worst.Where+" of "+what, worst.What)
	}
	if len(changes) > 1 && worst.Where != worst.Operation {
		f.Title += fmt.Sprintf(", and %d more", len(changes)-1)
	}
	switch {
	case len(hit) == 0:
		f.Title += "; no consumer is known"
	case sure:
		f.Title += "; it hits " + list(hit, 3)
	default:
		f.Title += "; it may hit " + list(hit, 3)
	}
	if len(lines) > 1 {
		f.Detail = strings.Join(lines, "\n")
	}
	return f
}

// says makes a sentence of what changed and how. A colon between the two would make
// what is called token look like one.
func says(what, how string) string {
	if rest, ok := strings.CutPrefix(how, "it "); ok {
		return what + " " + rest
	}
	return "in " + what + " " + how
}
