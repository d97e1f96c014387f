package traces

import (
	"bytes"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// Aggregate is what spans amount to so far. It is not safe for concurrent use:
// give each stream its own and Merge them.
type Aggregate struct {
	asm   *assembler
	words *describer
	tree  tree

	ops       map[opKey]*op
	from, to  int64   // nanoseconds; first start and last end
	runs      int64   // traces, weighted
	sampled   float64 // sum of traces' weights as they were given
	counted   int64   // traces
	tellsRate bool    // any span told its weight
}

// opKey names an operation; an empty name stands for what a service does outside
// of any known operation.
type opKey struct{ service, name, long, trigger string }

func (k opKey) hash() uint64 {
	return mix(mix(hashString(k.service), hashString(k.name)), mix(hashString(k.long), hashString(k.trigger))) | 1
}

// New returns an empty Aggregate; nil options are the defaults.
func New(o *Options) *Aggregate {
	opts := o.or()
	a := &Aggregate{words: newDescriber(opts.MaxNames), ops: map[opKey]*op{}}
	a.asm = newAssembler(opts, a.trace)
	return a
}

// Add takes one span of an interleaved stream; its trace is done when it has been
// quiet for Options.Linger.
func (a *Aggregate) Add(s *Span) { a.asm.add(s.Trace, a.pack(s)) }

// AddTrace takes the spans of one trace that are all there are.
func (a *Aggregate) AddTrace(id TraceID, spans []Span) {
	if len(spans) > a.asm.opts.MaxTraceSpans {
		a.asm.stats.Cut += int64(len(spans) - a.asm.opts.MaxTraceSpans)
		spans = spans[:a.asm.opts.MaxTraceSpans]
	}
	a.asm.drain() // before its space is used
	batch := a.asm.batch[:0]
	for i := range spans {
		batch = append(batch, a.pack(&spans[i]))
	}
	a.asm.whole(id, batch)
	a.asm.batch = batch[:0]
}

// Flush closes all open traces.
func (a *Aggregate) Flush() { a.asm.flush() }

// Stats counts what was taken so far.
func (a *Aggregate) Stats() Stats {
	a.asm.drain()
	s := a.asm.stats
	s.Lumped += a.words.lumped
	return s
}

// pack makes the compact form.
func (a *Aggregate) pack(s *Span) span {
	d := a.words.describe(s)
	at := &a.words.slots
	p := span{id: uint64(s.ID), parent: uint64(s.Parent), start: s.Start, dur: max(s.Duration, 0), desc: d, weight: weightOf(s, at)}
	if p.weight != 1 || s.Weight != 0 || at[SamplerParam] != "" {
		a.tellsRate = true
	}
	if s.Failed || hasFailed(a.words.descs[d].kind, at) {
		p.flags |= failed
	}
	if v := at[ResendCount]; v != "" && v != "0" {
		p.flags |= resent
	}
	if s.Shared {
		p.flags |= shared
	}
	return p
}

// hasFailed reads the attributes that tell of failure. A 4xx is the caller's
// fault: a failure at the client, none at the server.
func hasFailed(k Kind, at *[numKeys]string) bool {
	if at[ErrorFlag] != "" {
		switch strings.ToLower(at[ErrorFlag]) {
		case "false", "0", "ok", "unset", "status_code_ok", "status_code_unset":
		default:
			return true
		}
	}
	if at[ErrorType] != "" {
		return true
	}
	if s := at[HTTPStatus]; len(s) == 3 && (s[0] == '5' || s[0] == '4' && k == Client) {
		return true
	}
	switch s := at[RPCStatus]; s {
	case "", "0", "OK":
		return false
	case "2", "4", "12", "13", "14", "15", "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS":
		return true // what gRPC's conventions count as a server's failure
	default:
		return k == Client
	}
}

// sample is the span that stands for many in a claim: the one with the smallest
// IDs, so that it does not matter in which order they came.
type sample struct {
	trace TraceID
	span  uint64
	set   bool
}

func (e *sample) see(t TraceID, s uint64) {
	if !e.set {
		*e = sample{t, s, true}
		return
	}
	if t[0] > e.trace[0] { // nearly always
		return
	}
	if c := bytes.Compare(t[:], e.trace[:]); c < 0 || c == 0 && s < e.span {
		e.trace, e.span = t, s
	}
}

func (e *sample) plus(o sample) {
	if o.set {
		e.see(o.trace, o.span)
	}
}

// sketch is a distribution of times whose sum is exact, so that it does not
// depend on the order of what came.
type sketch struct {
	d   arch.Dist
	sum int64 // nanoseconds
}

func (s *sketch) see(ns, w int64) {
	s.d.ObserveN(float64(ns)/1e9, w)
	s.sum += ns * w
}

func (s *sketch) plus(o sketch) {
	s.d = s.d.Plus(o.d)
	s.sum += o.sum
}

func (s *sketch) dist() arch.Dist {
	d := s.d
	d.Sum = float64(s.sum) / 1e9
	return d
}

// op is what is known of an operation.
type op struct {
	key     opKey
	hash    uint64 // of key, never 0
	seen    int64  // runs, as they came
	kind    Kind
	target  target // topic of a consumer
	runs    int64  // weighted, as all counts below
	errors  int64
	latency sketch
	own     sketch
	example sample
	sites   []*site
	bySite  map[siteKey]int
	pairs   []pair // of sites i < j at j(j-1)/2+i
	refused int64  // calls over maxSites
}

// maxSites caps the call sites of an operation, maxPaired those of which order
// and overlap are counted.
const (
	maxSites  = 1000
	maxPaired = 64
)

// siteKey tells call sites apart: the steps that lead there, the exit, the
// operation that it reaches. Its hashes are the same in every process.
type siteKey struct{ path, exit, callee uint64 }

// site is one call site.
type site struct {
	key      siteKey
	exit     *desc // nil for a call that has no span on the caller's side
	callee   opKey // zero when no run was seen below
	runs     int64 // in which it happened
	calls    int64 // retries not counted
	retried  int64
	errors   int64
	optional int64 // runs that went well although it failed
	failed   int64 // runs in which it failed
	selfPar  int64 // runs in which it overlapped with itself
	critical int64 // nanoseconds in which a run waited for nothing but this
	place    int64 // sum of where in the run it first happened, in millionths
	latency  sketch
	network  sketch
	times    arch.Dist // per run in which it happened
	example  sample
}

// pair is how two sites of an operation go together.
type pair struct{ together, overlap, iFirst int64 }

func (a *Aggregate) op(k opKey, d *desc) *op {
	o := a.ops[k]
	if o == nil {
		o = &op{key: k, hash: k.hash(), bySite: map[siteKey]int{}}
		if d != nil {
			o.kind, o.target = d.kind, d.target
		}
		a.ops[k] = o
	}
	return o
}

// opOf is the operation whose runs begin with spans of this desc.
func (a *Aggregate) opOf(d *desc) *op {
	if d.op == nil {
		d.op = a.op(opKey{d.service, d.name, d.long, d.trigger}, d)
	}
	return d.op
}

func (o *op) site(k siteKey) int {
	if i, ok := o.bySite[k]; ok {
		return i
	}
	if len(o.sites) >= maxSites {
		return -1
	}
	o.sites = append(o.sites, &site{key: k})
	o.bySite[k] = len(o.sites) - 1
	return len(o.sites) - 1
}

// pair returns the counts of two sites and whether i and j were swapped for it.
func (o *op) pair(i, j int) (p *pair, swapped bool) {
	if i > j {
		i, j, swapped = j, i, true
	}
	at := j*(j-1)/2 + i
	for len(o.pairs) <= at {
		o.pairs = append(o.pairs, pair{})
	}
	return &o.pairs[at], swapped
}
