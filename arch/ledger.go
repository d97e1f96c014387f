package arch

import (
	"cmp"
	"slices"
	"time"
)

// Origin is the kind of witness behind a claim.
type Origin string

const (
	Hand         Origin = "hand"     // a person, in ashlar.yaml
	Config       Origin = "config"   // manifests, mesh and gateway configuration
	Code         Origin = "code"     // source code
	FromContract Origin = "contract" // OpenAPI, proto, AsyncAPI
	Trace        Origin = "trace"    // what was observed
	History      Origin = "history"  // version control
	Guess        Origin = "guess"    // inferred, a name or a default
)

// originRank: a default in the code loses to the value that was deployed over
// it; limits of different layers do not compete, they stack.
var originRank = []Origin{Hand, Config, Code, FromContract, Trace, History, Guess}

// Outranks reports whether claims of o win over claims of p.
func (o Origin) Outranks(p Origin) bool { return o.rank() < p.rank() }

func (o Origin) rank() int {
	if i := slices.Index(originRank, o); i >= 0 {
		return i
	}
	return len(originRank)
}

// Source is one place that says so.
type Source struct {
	Origin  Origin `json:"origin"`
	By      string `json:"by,omitempty"` // name of the discover source: "kubernetes"
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1
	Col     int    `json:"col,omitempty"`  // from 1
	TraceID string `json:"trace,omitempty"`
	SpanID  string `json:"span,omitempty"`
	Commit  string `json:"commit,omitempty"`
	// Reason explains what is not plain: why two names are one, which default
	// of which platform.
	Reason string `json:"reason,omitempty"`
	// Via says how the place comes to say so where the file alone does not:
	// "rendered with values-prod.yaml".
	Via string `json:"via,omitempty"`
}

// String is file:line:col, or the trace, or the reason.
func (s Source) String() string {
	switch {
	case s.File != "" && s.Line > 0 && s.Col > 0:
		return s.File + ":" + itoa(s.Line) + ":" + itoa(s.Col)
	case s.File != "" && s.Line > 0:
		return s.File + ":" + itoa(s.Line)
	case s.File != "":
		return s.File
	case s.TraceID != "" && s.SpanID != "":
		return "trace " + s.TraceID + " span " + s.SpanID
	case s.TraceID != "":
		return "trace " + s.TraceID
	case s.Commit != "":
		return "commit " + s.Commit
	}
	return s.Reason
}

func compareSources(a, b Source) int {
	return cmp.Or(a.Origin.rank()-b.Origin.rank(), cmp.Compare(a.File, b.File), a.Line-b.Line, a.Col-b.Col, cmp.Compare(a.TraceID, b.TraceID),
		cmp.Compare(a.SpanID, b.SpanID), cmp.Compare(a.Commit, b.Commit), cmp.Compare(a.By, b.By), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Via, b.Via))
}

// Fact is a place that claims are about. At "" means that the element exists.
type Fact struct {
	Of Ref
	At Field
}

func (f Fact) String() string { return string(f.Of) + string(f.At) }

func compareFacts(a, b Fact) int { return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.At, b.At)) }

// Claim is one value that somebody claims for a fact. A fact has one Claim for
// each distinct value and origin.
type Claim struct {
	Value      string   // canonical text
	From       []Source // sorted; all of the same origin; at most [MaxSources]
	Count      int64    // how often it was seen; at least len(From)
	Confidence float64  // 0..1; 0 means unrated
}

// Origin of a claim's sources.
func (c Claim) Origin() Origin {
	if len(c.From) == 0 {
		return Guess
	}
	return c.From[0].Origin
}

// MaxSources bounds how many places a claim keeps; Count goes on counting.
const MaxSources = 20

// Ledger holds every claim of every fact, the winner first.
type Ledger map[Fact][]Claim

// Add enters a claim.
func (l Ledger) Add(f Fact, c Claim) {
	if c.Count == 0 {
		c.Count = int64(max(1, len(c.From)))
	}
	cs := l[f]
	for i := range cs {
		if cs[i].Value == c.Value && cs[i].Origin() == c.Origin() {
			cs[i] = unite(cs[i], c)
			l[f] = order(cs)
			return
		}
	}
	c.From = slices.Clone(c.From)
	slices.SortFunc(c.From, compareSources)
	l[f] = order(append(cs, c))
}

func unite(a, b Claim) Claim {
	from := slices.Concat(a.From, b.From)
	slices.SortFunc(from, compareSources)
	from = slices.Compact(from)
	a.Count += b.Count - int64(len(a.From)+len(b.From)-len(from)) // the same place twice counts once
	a.Count = max(a.Count, int64(len(from)))
	if len(from) > MaxSources {
		from = from[:MaxSources]
	}
	a.From = from
	a.Confidence = max(a.Confidence, b.Confidence)
	return a
}

// order puts the winner first: by origin, then by how often it was seen, then by
// place and value so that the order in which claims came leaves no trace.
func order(cs []Claim) []Claim {
	slices.SortStableFunc(cs, func(a, b Claim) int {
		c := cmp.Or(a.Origin().rank()-b.Origin().rank(), cmp.Compare(b.Count, a.Count))
		if c == 0 && len(a.From) > 0 && len(b.From) > 0 {
			c = compareSources(a.From[0], b.From[0])
		}
		return cmp.Or(c, cmp.Compare(a.Value, b.Value))
	})
	return cs
}

// Sources lists who speaks for the winning value of a fact.
func (l Ledger) Sources(f Fact) []Source {
	if cs := l[f]; len(cs) > 0 {
		return cs[0].From
	}
	return nil
}

// Where is the first place of the winning claim of the first of the facts that
// has any: from the particular to the general.
func (l Ledger) Where(fs ...Fact) Source {
	for _, f := range fs {
		if s := l.Sources(f); len(s) > 0 {
			return s[0]
		}
	}
	return Source{}
}

// Conflicts lists the facts that have claims with different values, sorted.
// What adds up is none, nor are two reasons for one thing.
func (l Ledger) Conflicts() []Fact {
	var fs []Fact
	for f, cs := range l {
		if isSet(f) && cs[0].Origin() != Hand || isReason(f) {
			continue
		}
		if slices.ContainsFunc(cs, func(c Claim) bool { return c.Value != cs[0].Value }) {
			fs = append(fs, f)
		}
	}
	slices.SortFunc(fs, compareFacts)
	return fs
}

// Coverage is what one source looked at.
type Coverage struct {
	Origin    Origin       `json:"origin"`
	Files     int          `json:"files,omitempty"`
	Documents int          `json:"documents,omitempty"`
	Spans     int64        `json:"spans,omitempty"`
	Late      int64        `json:"late,omitempty"`    // spans that came after their trace was closed
	Orphans   int64        `json:"orphans,omitempty"` // spans whose parent never came
	From      time.Time    `json:"from,omitzero"`
	To        time.Time    `json:"to,omitzero"`
	Sampling  Opt[float64] `json:"sampling,omitzero"` // share of traces kept
	Of        []Ref        `json:"of,omitempty"`      // the elements it saw, sorted
}

// Covered reports whether a source of this origin looked at the element.
func (s System) Covered(o Origin, r Ref) bool {
	for _, c := range s.Coverage {
		if c.Origin == o && slices.Contains(c.Of, r) {
			return true
		}
	}
	return false
}

// Looked reports whether any source of this origin looked at anything.
func (s System) Looked(o Origin) bool {
	for _, c := range s.Coverage {
		if c.Origin == o {
			return true
		}
	}
	return false
}
