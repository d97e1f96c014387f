package rules

import (
	"cmp"
	"slices"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
)

var breakingChange = review.Rule{
	ID:    "communication/breaking-change",
	Title: "An interface changed so that those who use it break",
	Why:   "Consumers are deployed on their own and go on using the old contract: what was removed, renumbered or made required fails for them the moment the provider is released.",
	Bad:   "required: [sku, count]   # count was optional in the revision before",
	Good:  "required: [sku]          # new input is optional, and has a default",
	Since: "0.1", Severity: review.High, Confidence: .9,
	Needs:  []review.Need{review.Revision},
	Source: "Protocol Buffers language guide, Updating a message type; OpenAPI Specification 3.1; J. Bloch, How to Design a Good API; Semantic Versioning 2.0.0, 8",
	Fires:  "open-telemetry/opentelemetry-demo@133d089a pb/demo.proto against its parent: zip_code is string, was int32",
	Silent: "prometheus/alertmanager@79ecbb48 api/v2/openapi.yaml against its parent: 27 lines are new",
	Check: func(c *review.Case, r *review.Reporter) {
		for _, p := range pairs(c) {
			if p.old.Kind == contract.AsyncAPI || p.old.Kind == contract.Avro || p.old.Kind == contract.JSONSchema {
				continue // events: data/breaking-event
			}
			if p.now == nil {
				gone(c, r, p.old)
				continue
			}
			breaks(c, r, p)
		}
	},
}

// gone reports a contract of which nothing is left, once.
func gone(c *review.Case, r *review.Reporter, old *contract.Contract) {
	if len(old.Operations) == 0 {
		return
	}
	hit := map[arch.Ref]bool{}
	for _, o := range old.Operations {
		provider := providerOf(c.Before.System, old, o.Service)
		who, _ := callers(c.System, provider, "")
		for _, w := range append(who, agreed(c.Before.System, old, o.Service)...) {
			hit[w] = true
		}
	}
	f := broken(c, old.Name, []contract.Change{{What: "it is gone as a whole", Weight: contract.Breaks, Old: old.Pos}}, refs(hit), false)
	f.Evidence = f.Evidence[1:] // there is no place for it any more
	f.Of = []arch.Ref{arch.NewRef(arch.KindContract, old.Name)}
	f.Fix = "Keep it beside what replaces it until no consumer is left."
	r.Find(f)
}

// breaks reports each operation with its changes, and each proto type that
// operations use.
func breaks(c *review.Case, r *review.Reporter, p revised) {
	byThing := map[string][]contract.Change{}
	var order []string
	lost := lostTogether(p)
	for _, x := range contract.Compare(p.old, p.now) {
		key := x.Operation + x.Type
		if x.Kind == "type removed" {
			continue // whoever named it names something else now, or is gone itself: that is said there
		}
		if g := lost[x.Operation]; g != "" {
			key, x.Where = g, x.Operation
		}
		if byThing[key] == nil {
			order = append(order, key)
		}
		byThing[key] = append(byThing[key], x)
	}
	for _, key := range order {
		changes := byThing[key]
		var uses []contract.Operation
		for _, o := range p.old.Operations {
			if o.Key == key || lost[o.Key] == key || changes[0].Type != "" && reaches(o, key) {
				uses = append(uses, o)
			}
		}
		if len(uses) == 0 {
			continue // a type that no operation uses: data/breaking-event
		}
		hit, of, sure := map[arch.Ref]bool{}, map[arch.Ref]bool{}, true
		for _, o := range uses {
			provider := cmp.Or(providerOf(c.System, p.now, o.Service), providerOf(c.Before.System, p.old, o.Service)) // what is gone has a provider in the past only
			who, known := callers(c.System, provider, operationOf(c.System, provider, p.now, o))
			sure = sure && known
			for _, w := range append(who, agreed(c.System, p.now, o.Service)...) {
				hit[w] = true
			}
			if provider != "" {
				of[provider] = true
			}
		}
		f := broken(c, key, changes, refs(hit), sure)
		f.Of = refs(of)
		if len(f.Of) == 0 {
			f.Of = []arch.Ref{arch.NewRef(arch.KindContract, p.now.Name)}
		}
		f.Fix = "Add instead of changing: a new optional field, a new operation or a new version beside the old, which goes when nobody uses it any more."
		r.Find(f, key)
	}
}

// manyGone operations of one contract are told together: its root moved, or it was
// taken back.
const manyGone = 5

// lostTogether tells which operations are gone as one thing: those of a service of
// which nothing is left, and many of one contract.
func lostTogether(p revised) map[string]string {
	gone, left := map[string][]string{}, map[string]bool{}
	for _, o := range p.now.Operations {
		left[o.Service] = true
	}
	for _, o := range p.old.Operations {
		if !slices.ContainsFunc(p.now.Operations, func(n contract.Operation) bool { return n.Key == o.Key }) {
			gone[o.Service] = append(gone[o.Service], o.Key)
		}
	}
	out := map[string]string{}
	for service, keys := range gone {
		if service != "" && !left[service] && len(keys) > 1 || service == "" && len(keys) >= manyGone {
			for _, k := range keys {
				out[k] = cmp.Or(service, p.old.Name)
			}
		}
	}
	return out
}

// reaches reports whether an operation takes or gives a type, or a list or field
// of it.
func reaches(o contract.Operation, name string) bool {
	return slices.ContainsFunc(o.Parts, func(p contract.Part) bool {
		found := p.Shape != nil && p.Shape.Name == name
		p.Shape.Walk(func(_ string, in *contract.Shape, f *contract.Field) {
			s := f.Shape
			for s != nil && (s.Kind == contract.List || s.Kind == contract.Map) {
				s = s.Elem
			}
			found = found || in.Name == name || s != nil && s.Name == name
		})
		return found
	})
}
