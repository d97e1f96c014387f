package arch

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Operation is one entry point of a service and what it does when called.
type Operation struct {
	Trigger    string       `arch:"trigger"`  // "POST /v1/orders", "grpc shop.v1.Order/Place", "topic order-events", "every 5m"
	Contract   string       `arch:"contract"` // file#pointer
	Version    string       `arch:"version"`
	Idempotent Opt[bool]    `arch:"idempotent"`
	Errors     Opt[float64] `arch:"errors"` // share of calls that fail
	Rate       Opt[float64] `arch:"rate"`   // observed, per second
	Latency    Dist         `arch:"latency"`
	Server     []Policy     `arch:"server"` // limits that the callee itself sets
	// Calls by ID. Body says in which order they happen; a call that no body
	// mentions is known to happen, but not when.
	Calls map[string]Call `arch:"calls"`
	Body  Step            `arch:"body"`
}

// StepKind is what a Step does.
type StepKind string

const (
	Seq    StepKind = "seq"    // Steps one after the other
	Par    StepKind = "par"    // Steps at the same time; with Times, that many of each at once
	Choice StepKind = "choice" // one of Steps, each with its Prob; the rest of the probability does nothing
	Loop   StepKind = "loop"   // Steps in sequence, Times times
	Work   StepKind = "work"   // own time, Own
	Do     StepKind = "do"     // the call named by Call
)

// Step is a node of an operation's call tree. The zero Step is empty.
type Step struct {
	Kind  StepKind     `json:"kind,omitempty"`
	Steps []Step       `json:"steps,omitempty"`
	Prob  Opt[float64] `json:"prob,omitzero"`
	Times Dist         `json:"times,omitzero"`
	Own   Dist         `json:"own,omitzero"`
	Call  string       `json:"call,omitempty"` // ID in Operation.Calls
}

// IsZero reports whether s is empty.
func (s Step) IsZero() bool { return s.Kind == "" && len(s.Steps) == 0 }

// How a call touches its target.
const (
	AccessCall      = "call"
	AccessRead      = "read"
	AccessWrite     = "write"
	AccessPublish   = "publish"
	AccessSubscribe = "subscribe"
)

// Call is one call site: what it reaches and which limits it meets on the way.
type Call struct {
	To       Ref    `arch:"to"`       // op, service, table, store, topic, saga, external
	Access   string `arch:"access"`   // call, read, write, publish, subscribe; "": unknown
	Protocol string `arch:"protocol"` // http, grpc, kafka, sql, redis, ...
	Tx       string `arch:"tx"`       // calls of one operation with the same Tx share a transaction

	Async     Opt[bool]    `arch:"async"`
	Optional  Opt[bool]    `arch:"optional"` // the operation can answer without it
	Staleness Opt[float64] `arch:"staleness"`
	Why       string       `arch:"why"`    // how it is known: the variable or the statement that names the target
	Layers    []Policy     `arch:"layers"` // every place that sets a limit; see [Call.Effective]
	Latency   Dist         `arch:"latency"`
	Network   Dist         `arch:"network"`
	Bytes     Dist         `arch:"bytes"`
	Errors    Opt[float64] `arch:"errors"`
	Retried   Opt[float64] `arch:"retried"`
	PerCall   Dist         `arch:"per-call"` // times it happens in one run of the operation
	Critical  Opt[float64] `arch:"critical"` // share of the operation's time that it waits for this call, 0..1
	Rate      Opt[float64] `arch:"rate"`     // per second
}

// CallID names the n-th call (from 1) to a target within an operation: code
// and traces derive the same one, so that Merge aligns them.
func CallID(to Ref, n int) string { return string(to) + "#" + strconv.Itoa(n) }

// SplitCallID is the inverse of [CallID]; n is 0 when id is not of its form.
func SplitCallID(id string) (to Ref, n int) {
	i := strings.LastIndexByte(id, '#')
	if i < 0 {
		return Ref(id), 0
	}
	n, err := strconv.Atoi(id[i+1:])
	if err != nil {
		return Ref(id), 0
	}
	return Ref(id[:i]), n
}

// Walk visits the steps of the body in order, outermost first; f returns false
// to skip what lies below.
func (s Step) Walk(f func(Step) bool) {
	if s.IsZero() || !f(s) {
		return
	}
	for _, c := range s.Steps {
		c.Walk(f)
	}
}

// Placed returns the IDs of the calls that the body mentions.
func (o Operation) Placed() map[string]bool {
	m := map[string]bool{}
	o.Body.Walk(func(s Step) bool {
		if s.Kind == Do {
			m[s.Call] = true
		}
		return true
	})
	return m
}

// Edge is a call with the place that makes it.
type Edge struct {
	From Ref    // an operation, or a service when the operation is not known
	ID   string // of the call
	Call Call
}

// Edges lists every call of the system, sorted by From and ID.
func (s System) Edges() []Edge {
	var es []Edge
	for name, svc := range s.Services {
		for id, c := range svc.Uses {
			es = append(es, Edge{NewRef(KindService, name), id, c})
		}
		for opName, op := range svc.Operations {
			for id, c := range op.Calls {
				es = append(es, Edge{NewRef(KindOp, name, opName), id, c})
			}
		}
	}
	slices.SortFunc(es, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID)) })
	return es
}

// At is the field of one of an edge's facts, for the ledger.
func (e Edge) At(steps ...string) Fact {
	group := "calls"
	if e.From.Kind() == KindService {
		group = "uses"
	}
	return Fact{e.From, Field("").Join(group, e.ID).Join(steps...)}
}

// Sorted returns the keys of a map in order: every loop whose result is seen
// goes through it.
func Sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
