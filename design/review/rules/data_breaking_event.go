package rules

import (
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

var breakingEvent = review.Rule{
	ID:    "data/breaking-event",
	Cure:  "advise publishing",
	Title: "An event changed so that its readers break",
	Why:   "Events that were published stay, and their readers are deployed on their own: a field that went, changed its type or came without a default makes old readers fail on new events, or new readers on old ones.",
	Bad:   `{"name": "currency", "type": "string"}                   # new, without a default`,
	Good:  `{"name": "currency", "type": "string", "default": "EUR"}`,
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:   []review.Need{review.Revision},
	Source:  "Apache Avro specification, Schema Resolution; AsyncAPI Specification 3.0; G. Young, Versioning in an Event Sourced System",
	Untried: "no pair of public revisions was tried yet",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, p := range pairs(c) {
			if p.now == nil {
				if k := p.old.Kind; (k == contract.Avro || k == contract.AsyncAPI) && len(p.old.Operations) == 0 {
					goneEvents(c, r, p.old)
				}
				continue
			}
			breaksEvents(c, r, p)
		}
	},
}

func goneEvents(c *review.Case, r *review.Reporter, old *contract.Contract) {
	hit := map[arch.Ref]bool{}
	for _, e := range old.Events {
		for _, l := range listeners(c.System, e.Channel, providerOf(c.Before.System, old, "")) {
			hit[l] = true
		}
	}
	f := broken(c, old.Name, []contract.Change{{What: "the whole contract is gone", Weight: contract.Breaks, Old: old.Pos}}, refs(hit), true)
	f.Evidence = f.Evidence[1:]
	f.Of = []arch.Ref{arch.NewRef(arch.KindContract, old.Name)}
	f.Fix = "Keep the schema as long as events of it are kept."
	r.Find(f)
}

func breaksEvents(c *review.Case, r *review.Reporter, p revised) {
	byThing := map[string][]contract.Change{}
	var order []string
	for _, x := range contract.Compare(p.old, p.now) {
		if x.Operation != "" || p.old.Kind == contract.Proto && slices.ContainsFunc(p.old.Operations, func(o contract.Operation) bool { return reaches(o, x.Type) }) {
			continue // communication/breaking-change
		}
		key := x.Event + x.Type
		if x.Channel != "" {
			key += " on " + x.Channel
		}
		if byThing[key] == nil {
			order = append(order, key)
		}
		byThing[key] = append(byThing[key], x)
	}
	owner := providerOf(c.System, p.now, "")
	for _, key := range order {
		changes := byThing[key]
		f := review.Finding{}
		hit := agreed(c.System, p.now, "")
		if ch := changes[0].Channel; ch != "" {
			hit = append(slices.Clone(hit), listeners(c.System, ch, owner)...)
			if slices.ContainsFunc(p.old.Events, func(e contract.Event) bool { return e.Channel == ch && e.Receives && !e.Sends }) {
				hit = append(hit, senders(c.System, ch, owner)...)
			}
			f.Of = append(f.Of, arch.NewRef(arch.KindTopic, ch))
		} else {
			f.Of = append(f.Of, arch.NewRef(arch.KindContract, p.now.Name))
		}
		slices.Sort(hit)
		of := f.Of
		f = broken(c, key, changes, slices.Compact(hit), true)
		f.Of = of
		f.Fix = "Give new fields a default, keep the old ones, or publish the new shape under a new name or version beside the old."
		r.Find(f, key)
	}
}
