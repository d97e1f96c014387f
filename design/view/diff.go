package view

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
)

// fullDiff is up to how many nodes a diff shows what did not change, too.
const fullDiff = 30

// Diff is the services map of both systems with what was added, removed or
// changed on the way from a to b. In large systems what did not change and
// touches nothing that did is left out.
func Diff(a, b arch.System, o *Options) Graph {
	old, now := newBuilder(KindDiff, a, o), newBuilder(KindDiff, b, o)
	old.services()
	now.services()
	for r, n := range now.nodes {
		switch was := old.nodes[r]; {
		case was == nil, was.Missing && !n.Missing:
			n.Change = Added
		case n.Missing && !was.Missing: // gone, and still named
			n.Change, n.Role, n.Detail = Removed, was.Role, "still named"
			n.Group, n.Context, n.Team = was.Group, was.Context, was.Team
		}
	}
	for r, n := range old.nodes {
		if now.nodes[r] == nil {
			n.Change = Removed
			now.nodes[r] = n
		}
	}
	for id, g := range old.groups {
		if _, ok := now.groups[id]; !ok {
			now.groups[id] = g
		}
	}
	for k, e := range now.edges {
		if old.edges[k] == nil {
			e.Change = Added
		}
	}
	for k, e := range old.edges {
		if now.edges[k] == nil {
			e.Change = Removed
			now.edges[k] = e
			now.said[k] = old.said[k]
		}
	}
	now.changes(arch.Diff(a, b), old)
	now.splitCompartments()
	if len(now.nodes) > fullDiff {
		now.onlyChanged()
	}
	g := now.graph()
	g.Subtitle = changed(g)
	return g
}

// changes hangs every changed fact on the node or edge that it is about.
func (b *builder) changes(cs []arch.Change, old *builder) {
	for _, c := range cs {
		text := strings.TrimPrefix(string(c.At), "/") + ": " + c.Old.Or("nothing") + " → " + c.New.Or("nothing")
		if steps := c.At.Steps(); len(steps) > 1 && (steps[0] == "calls" || steps[0] == "uses") {
			if b.changedCall(c, steps, old, text) {
				continue
			}
		}
		n := b.nodes[b.of(c.Of)]
		if n == nil {
			n = b.nodes[old.of(c.Of)]
		}
		if n == nil || n.Change == Added || n.Change == Removed || c.At == "" && c.Of == n.Ref {
			continue
		}
		n.Change = Changed
		if c.At == "" {
			text = string(c.Of.Kind()) + " " + c.Of.Short() + map[bool]string{true: " is gone", false: " is new"}[c.Old.Known]
		}
		n.Facts = append(n.Facts, Fact{"changed", clip(text)})
	}
}

// changedCall marks the arrow that a call is part of; an arrow that is new or
// gone already says it all.
func (b *builder) changedCall(c arch.Change, steps []string, old *builder, text string) bool {
	target, _ := arch.SplitCallID(steps[1])
	from, to := b.of(c.Of), b.of(target)
	hit := false
	for k, e := range b.edges {
		if k.from == from && k.to == to || k.to == from && k.from == to && k.kind == Subscribe {
			hit = true
			if e.Change == Same && len(steps) > 2 {
				e.Change = Changed
			}
			if e.Change == Changed {
				b.say(e, "changed", clip(strings.Join(steps[2:], "/")+text[strings.Index(text, ": "):]))
			}
		}
	}
	return hit
}

func clip(s string) string {
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}

// splitCompartments draws a store on its own where it changed hands: inside one
// service, the other arrow would not be seen.
func (b *builder) splitCompartments() {
	for k, e := range b.edges {
		n := b.nodes[k.to]
		if n.Inside == "" {
			continue
		}
		if host := b.nodes[n.Inside]; host == nil || k.from != n.Inside || e.Change != Same || n.Change != host.Change && n.Change != Same {
			n.Inside = ""
		}
	}
}

// onlyChanged keeps what changed and what touches it.
func (b *builder) onlyChanged() {
	keep := map[arch.Ref]bool{}
	for r, n := range b.nodes {
		if n.Change != Same {
			keep[r] = true
		}
	}
	for k, e := range b.edges {
		if e.Change != Same {
			keep[k.from], keep[k.to] = true, true
		}
	}
	near := map[arch.Ref]bool{}
	for k := range b.edges {
		if b.nodes[k.from].Change != Same {
			near[k.to] = true
		}
		if b.nodes[k.to].Change != Same {
			near[k.from] = true
		}
	}
	for r := range near {
		keep[r] = true
	}
	for r, n := range b.nodes {
		if n.Inside != "" && keep[r] {
			keep[n.Inside] = true
		}
	}
	for r, n := range b.nodes {
		if n.Inside != "" && keep[n.Inside] {
			keep[r] = true
		}
	}
	if n := b.drop(func(n *Node) bool { return !keep[n.Ref] }); n > 0 {
		b.note(plural(n, "element", "elements") + " that did not change")
	}
}

// changed counts: "2 added, 1 removed".
func changed(g Graph) string {
	count := map[Change]int{}
	for _, n := range g.Nodes {
		count[n.Change]++
	}
	arrows := map[Change]int{}
	for _, e := range g.Edges {
		arrows[e.Change]++
	}
	var parts []string
	for _, c := range []Change{Added, Removed, Changed} {
		if count[c]+arrows[c] == 0 {
			continue
		}
		parts = append(parts, string(c)+": "+plural(count[c], "element", "elements")+" and "+plural(arrows[c], "connection", "connections"))
	}
	if len(parts) == 0 {
		return "nothing changed"
	}
	return strings.Join(parts, "; ")
}
