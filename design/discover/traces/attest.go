package traces

import (
	"time"

	"github.com/ashlar-dev/ashlar/arch"
)

// attest enters a claim for every fact: the evidence noted for it, else for what
// it is a part of.
func (b *builder) attest() {
	b.sys.Ledger = arch.Ledger{}
	for _, f := range arch.Facts(b.sys) {
		p := b.evidence(f.Fact)
		src := arch.Source{Origin: arch.Trace, By: b.by.By, Reason: p.why}
		if p.example.set {
			src.TraceID, src.SpanID = p.example.trace.String(), SpanID(p.example.span).String()
		}
		b.sys.Ledger.Add(f.Fact, arch.Claim{Value: f.Value, From: []arch.Source{src}, Count: max(1, p.n)})
	}
}

func (b *builder) evidence(f arch.Fact) place {
	steps := f.At.Steps()
	for n := len(steps); n >= 0; n-- {
		if p, ok := b.places[arch.Fact{Of: f.Of, At: arch.Field("").Join(steps[:n]...)}]; ok {
			return p
		}
	}
	if up := f.Of.Parent(); up != f.Of {
		return b.evidence(arch.Fact{Of: up})
	}
	return place{}
}

// cover says what was looked at.
func (b *builder) cover() {
	a := b.agg
	s := a.Stats()
	c := arch.Coverage{Origin: arch.Trace, Files: b.by.Files, Spans: s.Spans, Late: s.Late, Orphans: s.Orphans}
	if a.to > 0 {
		c.From, c.To = time.Unix(0, a.from).UTC(), time.Unix(0, a.to).UTC()
	}
	if a.tellsRate && a.sampled > 0 {
		c.Sampling = arch.Some(float64(a.counted) / a.sampled)
	}
	for _, k := range []arch.Kind{arch.KindExternal, arch.KindOp, arch.KindService, arch.KindStore, arch.KindTable, arch.KindTopic} {
		c.Of = append(c.Of, b.sys.Refs(k)...)
	}
	b.sys.Coverage = map[string]arch.Coverage{b.by.By: arch.Coverage{}.Plus(c)}
}
