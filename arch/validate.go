package arch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Fault is one thing that is wrong with a System.
type Fault struct {
	Fact
	What string // what is wrong and what to do about it
	// Dangling: the fact names an element that no source describes. A system that
	// was put together from partial evidence may have these; a hand-written one
	// may not.
	Dangling bool
}

func (f *Fault) Error() string { return f.String() + ": " + f.What }

// Validate joins all faults of s, in order; each is a *[Fault].
func (s System) Validate() error {
	v := &validator{s: s}
	for _, f := range Facts(s) {
		v.leaf(f)
	}
	for _, name := range Sorted(s.Services) {
		svc := s.Services[name]
		v.calls(NewRef(KindService, name), "uses", svc.Uses)
		v.objectives(NewRef(KindService, name), svc.Objectives)
		if svc.Owner != "" && len(s.Teams) > 0 {
			v.named(Fact{NewRef(KindService, name), "/owner"}, KindTeam.ref(svc.Owner))
		}
		if svc.Context != "" && len(s.Contexts) > 0 {
			v.named(Fact{NewRef(KindService, name), "/context"}, KindContext.ref(svc.Context))
		}
		for _, opName := range Sorted(svc.Operations) {
			v.operation(NewRef(KindOp, name, opName), svc.Operations[opName])
		}
	}
	for _, name := range Sorted(s.Sagas) {
		v.saga(NewRef(KindSaga, name), s.Sagas[name])
	}
	for _, name := range Sorted(s.Journeys) {
		ref, j := NewRef(KindJourney, name), s.Journeys[name]
		if j.Entry == "" {
			v.fault(ref, "/entry", "a journey needs the operation at which it enters, such as order.Place")
		}
		if r, p := j.Rate, j.Peak; r.Known && p.Known && p.V < r.V {
			v.fault(ref, "/peak", fmt.Sprintf("the peak of %s/s lies below the rate of %s/s", formatFloat(p.V), formatFloat(r.V)))
		}
		v.objectives(ref, j.Objectives)
	}
	for _, name := range Sorted(s.Externals) {
		v.objectives(NewRef(KindExternal, name), s.Externals[name].Objectives)
	}
	return joinErrors(v.faults)
}

type validator struct {
	s      System
	faults []error
}

func (v *validator) fault(of Ref, at Field, what string) {
	v.faults = append(v.faults, &Fault{Fact: Fact{of, at}, What: what})
}

// leaf checks what holds for a field wherever it stands.
func (v *validator) leaf(f FactValue) {
	switch t := leafType(f.Fact); {
	case t == nil:
		return
	case t == refType && f.Value != "":
		v.named(f.Fact, Ref(f.Value))
	case t == refsType:
		for _, r := range refsIn(f.Value) {
			v.named(f.Fact, r)
		}
	case t == distType:
		var d Dist
		if err := d.UnmarshalText([]byte(f.Value)); err != nil {
			v.fault(f.Of, f.At, err.Error())
		}
	case t == optTime:
		if d, err := time.ParseDuration(f.Value); err == nil && d < 0 {
			v.fault(f.Of, f.At, "a time below zero")
		}
	}
	ss := f.At.Steps()
	if len(ss) == 0 {
		return
	}
	switch last := ss[len(ss)-1]; last {
	case "availability", "critical", "errors", "failures", "slow", "weight", "loss", "budget":
		v.share(f)
	case "replicas", "max", "attempts", "concurrent", "partitions", "pool", "size":
		if strings.HasPrefix(f.Value, "-") {
			v.fault(f.Of, f.At, "a number below zero")
		}
	}
}

func (v *validator) share(f FactValue) {
	var x float64
	if _, err := fmt.Sscan(f.Value, &x); err == nil && (math.IsNaN(x) || x < 0 || x > 1) {
		v.fault(f.Of, f.At, f.Value+" is no share: want 0 to 1, or a percentage in ashlar.yaml")
	}
}

// named reports a reference to something that is not there.
func (v *validator) named(at Fact, r Ref) {
	if _, err := ParseRef(string(r)); err != nil {
		v.fault(at.Of, at.At, err.Error())
		return
	}
	if v.s.Has(r) {
		return
	}
	what := "there is no " + string(r.Kind()) + " " + r.Short()
	if near := v.s.Nearest(r); near != "" {
		what += "; did you mean " + near.Short() + "?"
	}
	v.faults = append(v.faults, &Fault{Fact: at, What: what, Dangling: true})
}

func (v *validator) operation(ref Ref, op Operation) {
	v.calls(ref, "calls", op.Calls)
	placed := map[string]int{}
	op.Body.Walk(func(s Step) bool {
		switch s.Kind {
		case Seq, Par, Loop:
		case Work:
			if len(s.Steps) > 0 {
				v.fault(ref, "/body", "work has no steps of its own")
			}
		case Choice:
			var sum float64
			for _, c := range s.Steps {
				sum += c.Prob.Or(0)
			}
			if sum > 1+1e-9 {
				v.fault(ref, "/body", fmt.Sprintf("the probabilities of a choice add up to %s, above 1", formatFloat(sum)))
			}
		case Do:
			placed[s.Call]++
			if _, ok := op.Calls[s.Call]; !ok {
				v.fault(ref, "/body", fmt.Sprintf("the body names call %q, which the operation does not have", s.Call))
			}
		default:
			v.fault(ref, "/body", fmt.Sprintf("unknown step %q", s.Kind))
		}
		return true
	})
	for _, id := range Sorted(placed) {
		if placed[id] > 1 {
			v.fault(ref, "/body", fmt.Sprintf("call %q stands in the body %d times; each call site has its own ID (%s)", id, placed[id], CallID("target", 2)))
		}
	}
}

func (v *validator) calls(of Ref, group string, calls map[string]Call) {
	for _, id := range Sorted(calls) {
		c := calls[id]
		at := Field("").Join(group, id)
		if c.To == "" {
			v.fault(of, at.Join("to"), "the call has no target")
		}
		seen := map[string]bool{}
		for _, p := range c.Layers {
			if p.Layer == "" || seen[p.Key()] {
				v.fault(of, at.Join("layers"), fmt.Sprintf("layer %q is empty or named twice", p.Key()))
			}
			seen[p.Key()] = true
			if p.Retry != nil && p.Retry.Attempts.Known && p.Retry.Attempts.V == 0 {
				v.fault(of, at.Join("layers", p.Key(), "retry", "attempts"), "attempts counts tries, the first included, so it is at least 1")
			}
		}
	}
}

func (v *validator) objectives(of Ref, os []Objective) {
	for _, o := range os {
		at := Field("").Join("objectives", o.Key())
		switch {
		case o.Percentile < 0 || o.Percentile >= 100:
			v.fault(of, at, fmt.Sprintf("p%s: a percentile lies above 0 and below 100", formatFloat(o.Percentile)))
		case o.Percentile > 0 && !o.Latency.Known:
			v.fault(of, at, "a percentile needs a latency")
		case o.Percentile == 0 && !o.Availability.Known:
			v.fault(of, at, "an objective is a percentile with a latency, or an availability")
		}
	}
}

func (v *validator) saga(ref Ref, sg Saga) {
	var pivots []string
	for _, st := range sg.Steps {
		if st.Pivot {
			pivots = append(pivots, st.Name)
		}
		if st.Action == "" {
			v.fault(ref, Field("").Join("steps", st.Name, "action"), "a step needs an operation to do")
		}
	}
	if len(pivots) > 1 {
		v.fault(ref, "/steps", "more than one pivot: "+strings.Join(pivots, ", ")+"; after the first there is no way back, so the rest must be retriable")
	}
}

// Has reports whether the system describes the element.
func (s System) Has(r Ref) bool {
	name := r.Name()
	switch r.Kind() {
	case KindSystem:
		return true
	case KindOp:
		_, ok := s.Services[name].Operations[r.Member()]
		return ok
	case KindTable:
		_, ok := s.Stores[name].Tables[r.Member()]
		return ok
	case KindDeployment:
		_, ok := s.Deployments[DeploymentKey(r.Env(), name)]
		return ok
	}
	return slices.Contains(s.names(r.Kind()), name)
}

// names lists the elements of a top-level kind.
func (s System) names(k Kind) []string {
	switch k {
	case KindCapability:
		return Sorted(s.Capabilities)
	case KindContext:
		return Sorted(s.Contexts)
	case KindTeam:
		return Sorted(s.Teams)
	case KindService:
		return Sorted(s.Services)
	case KindStore:
		return Sorted(s.Stores)
	case KindTopic:
		return Sorted(s.Topics)
	case KindGateway:
		return Sorted(s.Gateways)
	case KindExternal:
		return Sorted(s.Externals)
	case KindSaga:
		return Sorted(s.Sagas)
	case KindJourney:
		return Sorted(s.Journeys)
	case KindContract:
		return Sorted(s.Contracts)
	case KindConstraint:
		return Sorted(s.Constraints)
	case KindLink:
		return Sorted(s.Links)
	}
	return nil
}

// Refs lists the elements of a kind, sorted, members included.
func (s System) Refs(k Kind) []Ref {
	var rs []Ref
	switch k {
	case KindOp:
		for _, n := range Sorted(s.Services) {
			for _, m := range Sorted(s.Services[n].Operations) {
				rs = append(rs, NewRef(k, n, m))
			}
		}
	case KindTable:
		for _, n := range Sorted(s.Stores) {
			for _, m := range Sorted(s.Stores[n].Tables) {
				rs = append(rs, NewRef(k, n, m))
			}
		}
	case KindDeployment:
		for _, key := range Sorted(s.Deployments) {
			rs = append(rs, Ref(string(k)+"/"+key))
		}
	default:
		for _, n := range s.names(k) {
			rs = append(rs, NewRef(k, n))
		}
	}
	return rs
}

// Nearest finds the element of r's kind whose name is closest to r's, for
// messages; "" when none is close.
func (s System) Nearest(r Ref) Ref {
	var best Ref
	limit := max(1, len(r.Short())/3)
	for _, c := range s.Refs(r.Kind()) {
		if d := Distance(r.Short(), c.Short()); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// Distance is the Levenshtein distance of two names, by bytes and without
// regard to case.
func Distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			prev, row[j+1] = row[j+1], min(prev+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
