package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var eventShapes = review.Rule{
	ID:    "data/event-shapes",
	Cure:  "advise publishing",
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
		var unversionedEvents bareEvents
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
				unversionedEvents.add(bare[0].of, ev, c.At(ev+" has no version", bare[0].fact, arch.Fact{Of: bare[0].of}))
				continue
			} else {
				continue
			}
			r.Find(f, ev)
		}
		unversionedEvents.report(r)
		for _, f := range shapesApart(contractsIn(c.Documents)) {
			r.Find(f, f.Detail)
		}
	},
}

// bareEvents are events without a version, by the file that names them: one
// decision, one finding.
type bareEvents struct {
	files  []string
	byFile map[string]*review.Finding
	names  map[string][]string
}

func (b *bareEvents) add(of arch.Ref, name string, at review.Evidence) {
	if b.byFile == nil {
		b.byFile, b.names = map[string]*review.Finding{}, map[string][]string{}
	}
	f := b.byFile[at.File]
	if f == nil {
		f = &review.Finding{}
		b.byFile[at.File] = f
		b.files = append(b.files, at.File)
	}
	if !slices.Contains(f.Of, of) {
		f.Of = append(f.Of, of)
	}
	f.Evidence = append(f.Evidence, at)
	b.names[at.File] = append(b.names[at.File], name)
}

func (b *bareEvents) report(r *review.Reporter) {
	slices.Sort(b.files)
	for _, file := range b.files {
		f, names := *b.byFile[file], b.names[file]
		f.Title = fmt.Sprintf("the event %s has no version", names[0])
		if n := len(names); n > 1 {
			f.Title = fmt.Sprintf("%d events have no version, such as %s and %s", n, names[0], names[1])
		}
		f.Fix = "Give it a version that stands in the event or its name, and a schema, and say which changes are allowed (new optional fields only)."
		if len(names) > 1 {
			f.Fix = strings.Replace(f.Fix, "Give it", "Give each", 1)
		}
		r.Find(f, names[0])
	}
}

// told is an event with the shape that one contract gives it.
type told struct {
	name, channel, file, kind string
	sends                     bool
	shape                     *contract.Shape
	at                        doc.Pos
}

// shapesApart finds events to which two contracts give shapes that do not fit: on
// one channel by the event's name, elsewhere by the full name of an Avro type.
func shapesApart(cs []*contract.Contract) []review.Finding {
	var all []told
	for _, c := range cs {
		for _, e := range c.Events {
			if e.Payload != nil && e.Payload.Kind == contract.Object {
				all = append(all, told{e.Name, e.Channel, c.File, c.Kind, e.Sends, e.Payload, e.Pos})
			}
		}
		if c.Kind == contract.Avro && strings.Contains(c.Name, ".") && len(c.Types) > 0 {
			all = append(all, told{c.Name, "", c.File, c.Kind, true, c.Types[len(c.Types)-1], c.Pos})
		}
	}
	var out []review.Finding
	for i, a := range all {
		for _, b := range all[i+1:] {
			if a.name != b.name || a.channel != b.channel || a.kind != b.kind || a.file == b.file || a.shape.Versioned != b.shape.Versioned {
				continue
			}
			reader, writer := a, b
			if a.sends && !b.sends {
				reader, writer = b, a
			}
			what := misfit(reader, writer)
			if what == "" {
				continue
			}
			of := arch.NewRef(arch.KindTopic, a.channel)
			if a.channel == "" {
				of = arch.NewRef(arch.KindContract, a.name)
			}
			f := review.Finding{Severity: review.Medium, Of: []arch.Ref{of}, Title: fmt.Sprintf("%s has two shapes: %s", a.name, what), Detail: a.name + " in " + a.file + " and " + b.file}
			for _, x := range []told{writer, reader} {
				f.Evidence = append(f.Evidence, review.Evidence{Source: arch.Source{Origin: arch.FromContract, By: "contracts", File: x.at.File, Line: max(1, x.at.Line), Col: max(1, x.at.Col)}, Note: "one of the shapes"})
			}
			f.Fix = "Keep the schema in one place that both sides use, or name the new event anew."
			out = append(out, f)
		}
	}
	return out
}

// misfit says in what the shape that a reader expects differs from what is
// written, where that cannot be read: another type, or a field that must be there
// and is not.
func misfit(reader, writer told) string {
	for _, x := range contract.CompareShapes(reader.kind, reader.shape, writer.shape, contract.Out) {
		if x.Weight != contract.Breaks {
			continue
		}
		switch x.Kind {
		case "type changed":
			return x.Where + " is of two types"
		case "field removed":
			if f := reader.shape.Field(x.Where); f != nil && f.Required {
				return x.Where + " is required in one and not in the other"
			}
		case "answer narrowed":
			return x.Where + " is required in one and may be missing in the other"
		}
	}
	return ""
}
