package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// maxMessages bounds a sequence: past it nobody reads on.
const maxMessages = 150

// Sequence shows a journey: what calls what, in which order, from the operation
// at which it enters. Parallel steps, choices and loops are frames. Calls whose
// order no source knows are in a frame that says so. What happens after a
// message was published comes last.
func Sequence(s arch.System, journey arch.Ref) Graph {
	q := &sequence{s: s, index: map[arch.Ref]int{}, stack: map[arch.Ref]bool{}}
	j := s.Journeys[journey.Name()]
	q.g = Graph{Kind: KindSequence, Title: strings.TrimPrefix(s.Name+": "+journey.Name(), ": ")}
	if j.Entry == "" {
		q.g.Notes = []string{"there is no journey " + journey.Short() + ", or it has no entry"}
		return q.g
	}
	user := arch.Ref("person/user")
	q.add(Node{Ref: user, Kind: Person, Label: "user"})
	q.call(user, arch.Call{To: j.Entry, Rate: j.Rate})
	q.deliver()
	if q.cut > 0 {
		q.note(plural(q.cut, "message", "messages") + " after the first " + strconv.Itoa(maxMessages))
	}
	q.g.Subtitle = strings.TrimSuffix(plural(len(q.g.Edges), "message", "messages")+", "+objectives(j.Objectives), ", ")
	q.g.Legend = legend(q.g)
	return q.g
}

type sequence struct {
	s     arch.System
	g     Graph
	index map[arch.Ref]int // of participants
	stack map[arch.Ref]bool
	queue []arch.Ref // topics published to, in order
	cut   int
}

func (q *sequence) note(text string) {
	if !slices.Contains(q.g.Notes, text) {
		q.g.Notes = append(q.g.Notes, text)
	}
}

func (q *sequence) add(n Node) {
	if _, ok := q.index[n.Ref]; !ok {
		q.index[n.Ref] = len(q.g.Nodes)
		q.g.Nodes = append(q.g.Nodes, n)
	}
}

// participant is who takes part for an element.
func (q *sequence) participant(r arch.Ref) arch.Ref {
	switch r.Kind() {
	case arch.KindOp, arch.KindTable:
		r = r.Parent()
	case arch.KindGateway:
		r = cmp.Or(q.s.Gateways[r.Name()].Service, r)
	}
	n := Node{Ref: r, Kind: nodeKind(r), Label: r.Short(), Missing: !q.s.Has(r)}
	if r.Kind() == arch.KindService {
		n.Role = q.s.Services[r.Name()].Role
	}
	if r.Kind() == arch.KindStore {
		n.Detail = q.s.Stores[r.Name()].Kind
	}
	q.add(n)
	return r
}

func (q *sequence) message(e Edge) int {
	if len(q.g.Edges) >= maxMessages {
		q.cut++
		return -1
	}
	q.g.Edges = append(q.g.Edges, e)
	return len(q.g.Edges) - 1
}

// call draws a message, what the callee does, and, when that was anything, the
// answer.
func (q *sequence) call(from arch.Ref, c arch.Call) {
	to := q.participant(c.To)
	e := Edge{From: from, To: to, Kind: callKind(c), Label: messageLabel(c), Protocol: c.Protocol, Calls: 1, Rate: c.Rate}
	if c.Optional.Or(false) {
		e.Facts = append(e.Facts, Fact{"optional", "yes"})
	}
	if t, ok := c.Effective("").Timeout.Get(); ok && t > 0 {
		e.Facts = append(e.Facts, Fact{"timeout", t.String()})
	}
	before := q.message(e)
	if before < 0 {
		return
	}
	if e.Kind == Publish {
		q.queue = append(q.queue, c.To)
		return
	}
	if c.To.Kind() != arch.KindOp {
		return
	}
	if q.stack[c.To] {
		q.note(c.To.Short() + " calls itself in a circle; drawn once")
		return
	}
	q.stack[c.To] = true
	q.body(c.To)
	delete(q.stack, c.To)
	if e.Kind == Sync && len(q.g.Edges) > before+1 {
		q.message(Edge{From: to, To: from, Kind: Return})
	}
}

func messageLabel(c arch.Call) string {
	label := c.To.Member()
	switch {
	case label == "" && c.To.Kind() == arch.KindTopic:
		label = "publish"
	case label == "":
		label = cmp.Or(c.Access, "call")
	case c.To.Kind() == arch.KindTable:
		label = strings.TrimSpace(c.Access + " " + label)
	}
	if n, ok := c.PerCall.Quantile(.5); ok && n > 1.5 {
		label += fmt.Sprintf(" ×%.0f", n)
	}
	return label
}

func (q *sequence) body(of arch.Ref) {
	op, ok := q.s.Services[of.Name()].Operations[of.Member()]
	if !ok {
		return
	}
	q.step(of, op, op.Body)
	placed := op.Placed()
	var loose []string
	for _, id := range arch.Sorted(op.Calls) {
		if !placed[id] && op.Calls[id].Access != arch.AccessSubscribe {
			loose = append(loose, id)
		}
	}
	draw := func() {
		for _, id := range loose {
			q.one(of, op.Calls[id])
		}
	}
	if len(loose) < 2 {
		draw()
		return
	}
	q.frame("", "in an order that nobody knows", draw)
}

// frame draws what f draws inside a frame, unless that is nothing.
func (q *sequence) frame(kind, label string, f func()) {
	first, at := len(q.g.Edges), len(q.g.Frames)
	q.g.Frames = append(q.g.Frames, Frame{Kind: kind, Label: label, First: first})
	f()
	if len(q.g.Edges) == first {
		q.g.Frames = slices.Delete(q.g.Frames, at, at+1)
		return
	}
	q.g.Frames[at].Last = len(q.g.Edges) - 1
}

func (q *sequence) step(of arch.Ref, op arch.Operation, st arch.Step) {
	switch st.Kind {
	case arch.Do:
		if c, ok := op.Calls[st.Call]; ok {
			q.one(of, c)
		}
	case arch.Par:
		q.parts("par", "at the same time", of, op, st, func(arch.Step) string { return "" })
	case arch.Choice:
		kind := "alt"
		if len(st.Steps) == 1 {
			kind = "opt"
		}
		share := func(s arch.Step) string {
			p, ok := s.Prob.Get()
			if !ok {
				return ""
			}
			return strconv.FormatFloat(p*100, 'g', 3, 64) + " %"
		}
		label := ""
		if len(st.Steps) > 0 {
			label = share(st.Steps[0])
		}
		q.parts(kind, label, of, op, st, share)
	case arch.Loop:
		label := ""
		if n, ok := st.Times.Quantile(.5); ok {
			label = strconv.FormatFloat(n, 'g', 3, 64) + " times"
		}
		q.frame("loop", label, func() { q.steps(of, op, st.Steps) })
	default:
		q.steps(of, op, st.Steps)
	}
}

func (q *sequence) steps(of arch.Ref, op arch.Operation, ss []arch.Step) {
	for _, s := range ss {
		q.step(of, op, s)
	}
}

// parts draws a frame with one part for each step.
func (q *sequence) parts(kind, label string, of arch.Ref, op arch.Operation, st arch.Step, cut func(arch.Step) string) {
	at := len(q.g.Frames)
	var cuts []Cut
	q.frame(kind, label, func() {
		start := len(q.g.Edges)
		for _, s := range st.Steps {
			before := len(q.g.Edges)
			q.step(of, op, s)
			if before > start && len(q.g.Edges) > before {
				cuts = append(cuts, Cut{before, cut(s)})
			}
		}
	})
	if len(q.g.Frames) > at && q.g.Frames[at].Kind == kind {
		q.g.Frames[at].Cuts = cuts
	}
}

// one draws a call of an operation; a saga is its steps.
func (q *sequence) one(of arch.Ref, c arch.Call) {
	from := q.participant(of)
	if c.To.Kind() != arch.KindSaga {
		q.call(from, c)
		return
	}
	name := c.To.Name()
	sg, ok := q.s.Sagas[name]
	if !ok {
		q.message(Edge{From: from, To: q.participant(c.To), Kind: Sync, Label: "saga"})
		return
	}
	owner := from
	if sg.Owner != "" {
		owner = q.participant(sg.Owner)
	}
	q.frame("saga", name, func() {
		for i, st := range sg.Steps {
			if st.Group == "" || i == 0 || sg.Steps[i-1].Group != st.Group {
				q.sagaGroup(owner, sg.Steps[i:])
			}
		}
	})
}

// sagaGroup draws the first step, with those of its group that follow.
func (q *sequence) sagaGroup(owner arch.Ref, steps []arch.SagaStep) {
	n := 1
	for n < len(steps) && steps[0].Group != "" && steps[n].Group == steps[0].Group {
		n++
	}
	draw := func() {
		for _, st := range steps[:n] {
			if st.Action != "" {
				q.call(owner, arch.Call{To: st.Action})
			}
			if st.Emits.Kind() == arch.KindTopic {
				q.call(q.participant(st.Action), arch.Call{To: st.Emits, Access: arch.AccessPublish})
			}
		}
	}
	if n == 1 {
		draw()
		return
	}
	q.frame("par", steps[0].Group, draw)
}

// deliver draws what readers of the topics do, each topic once.
func (q *sequence) deliver() {
	b := newBuilder(KindEvents, q.s, nil)
	subs := b.subscribers()
	done := map[arch.Ref]bool{}
	for len(q.queue) > 0 {
		topic := q.queue[0]
		q.queue = q.queue[1:]
		if done[topic] {
			continue
		}
		done[topic] = true
		q.frame("later", "what "+topic.Short()+" sets off", func() {
			for _, sub := range subs {
				if sub.topic != topic {
					continue
				}
				to := q.participant(sub.by)
				if q.message(Edge{From: topic, To: to, Kind: Subscribe, Label: sub.by.Member(), Calls: 1}) >= 0 && sub.by.Kind() == arch.KindOp && !q.stack[sub.by] {
					q.stack[sub.by] = true
					q.body(sub.by)
					delete(q.stack, sub.by)
				}
			}
		})
	}
}
