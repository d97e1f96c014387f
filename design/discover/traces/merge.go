package traces

// Merge adds what b has seen; b's open traces are closed first, and b is not to
// be used afterwards. Traces that both have seen count twice.
func (a *Aggregate) Merge(b *Aggregate) {
	b.Flush()
	a.asm.stats = a.asm.stats.Plus(b.Stats())
	if a.from == 0 || b.from != 0 && b.from < a.from {
		a.from = b.from
	}
	a.to = max(a.to, b.to)
	a.runs += b.runs
	a.sampled += b.sampled
	a.counted += b.counted
	a.tellsRate = a.tellsRate || b.tellsRate
	for _, o := range b.ops {
		mine := a.op(o.key, nil)
		if mine.runs == 0 {
			mine.kind, mine.target = o.kind, o.target
		}
		mine.plus(o)
	}
}

func (o *op) plus(p *op) {
	o.runs += p.runs
	o.seen += p.seen
	o.errors += p.errors
	o.refused += p.refused
	o.latency.plus(p.latency)
	o.own.plus(p.own)
	o.example.plus(p.example)
	to := make([]int, len(p.sites))
	for i, s := range p.sites {
		j := o.site(s.key)
		to[i] = j
		if j < 0 {
			o.refused += s.calls
			continue
		}
		mine := o.sites[j]
		if mine.runs == 0 {
			mine.exit, mine.callee = s.exit, s.callee
		}
		mine.plus(s)
	}
	for j := range p.sites {
		for i := range j {
			if at := j*(j-1)/2 + i; at < len(p.pairs) && p.pairs[at].together > 0 && to[i] >= 0 && to[j] >= 0 && max(to[i], to[j]) < maxPaired {
				src := p.pairs[at]
				dst, swapped := o.pair(to[i], to[j])
				if swapped {
					src.iFirst = src.together - src.iFirst
				}
				dst.together += src.together
				dst.overlap += src.overlap
				dst.iFirst += src.iFirst
			}
		}
	}
}

func (s *site) plus(t *site) {
	s.runs += t.runs
	s.calls += t.calls
	s.retried += t.retried
	s.errors += t.errors
	s.optional += t.optional
	s.failed += t.failed
	s.selfPar += t.selfPar
	s.place += t.place
	s.critical += t.critical
	s.latency.plus(t.latency)
	s.network.plus(t.network)
	s.times = s.times.Plus(t.times)
	s.example.plus(t.example)
}
