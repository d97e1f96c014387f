package rules

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
)

var eventShapes = review.Rule{
	ID:    "data/event-shapes",
	Title: "An event without a version, or one event with two shapes",
	Why:   "Events are kept and read for years by services that their author does not know. Without a version nobody can change them safely; with two shapes under one name a reader breaks on one of them.",
	Bad:   "events: { OrderPlaced: {} }, and another topic with OrderPlaced in a different version",
	Good:  "events: { OrderPlaced: { version: \"2\" } } everywhere, with a schema that old readers can read",
	Since: "0.1", Severity: review.Low, Confidence: .8,
	Source:  "G. Young, Versioning in an Event Sourced System; CloudEvents specification, dataschema",
	Untried: "no public file at hand describes events in a form that this version reads",
	Check: func(c *review.Case, r *review.Reporter) {
		type place struct {
			of      arch.Ref
			fact    arch.Fact
			version string
		}
		events := map[string][]place{}
		for _, name := range arch.Sorted(c.System.Contexts) {
			ref := arch.NewRef(arch.KindContext, name)
			for _, ev := range arch.Sorted(c.System.Contexts[name].Events) {
				x := c.System.Contexts[name].Events[ev]
				events[ev] = append(events[ev], place{ref, arch.Fact{Of: ref, At: arch.Field("").Join("events", ev)}, x.Version})
			}
		}
		for _, name := range arch.Sorted(c.System.Topics) {
			ref := arch.NewRef(arch.KindTopic, name)
			for _, ev := range arch.Sorted(c.System.Topics[name].Events) {
				events[ev] = append(events[ev], place{ref, arch.Fact{Of: ref, At: arch.Field("").Join("events", ev)}, c.System.Topics[name].Events[ev]})
			}
		}
		for _, ev := range arch.Sorted(events) {
			bare, versions := events[ev][:0:0], map[string]place{}
			for _, p := range events[ev] {
				if p.version == "" {
					bare = append(bare, p)
				} else if _, seen := versions[p.version]; !seen {
					versions[p.version] = p
				}
			}
			f := review.Finding{}
			if len(versions) > 1 {
				f.Severity = review.Medium
				for _, v := range arch.Sorted(versions) {
					f.Of = append(f.Of, versions[v].of)
					f.Evidence = append(f.Evidence, c.At("version "+v, versions[v].fact, arch.Fact{Of: versions[v].of}))
				}
				f.Title = fmt.Sprintf("%s has %d shapes: %s and %s", ev, len(versions), f.Evidence[0].Note, f.Evidence[1].Note)
				f.Fix = "Publish the newer shape everywhere and translate the older one where it is read, or name the new event anew."
			} else if len(bare) > 0 && len(versions) == 0 {
				f.Of = []arch.Ref{bare[0].of}
				f.Evidence = []review.Evidence{c.At("no version", bare[0].fact, arch.Fact{Of: bare[0].of})}
				f.Title = fmt.Sprintf("the event %s has no version", ev)
				f.Fix = "Give it a version and a schema, and say which changes are allowed (new optional fields only)."
			} else {
				continue
			}
			r.Find(f, ev)
		}
	},
}
