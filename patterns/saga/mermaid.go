package saga

import (
	"fmt"
	"strings"
)

// Mermaid draws the definition as a Mermaid flowchart: actions from left to
// right, each with its compensation below, the pivot as a hexagon.
func (d *Definition[In]) Mermaid() string { return d.d.mermaid(nil, Info{}) }

// mermaid draws the definition and, given a state, colours how far it came.
func (d *definition) mermaid(st *state, i Info) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flowchart LR\n  begin((%s))\n", label(fmt.Sprintf("%s v%d", d.name, d.version)))
	for _, s := range d.steps {
		open, end := "[", "]"
		if s.pivot {
			open, end = "{{", "}}"
		}
		fmt.Fprintf(&b, "  s%d%s%s%s\n", s.index, open, label(s.name), end)
		if s.undo != nil {
			fmt.Fprintf(&b, "  u%d([%s])\n  s%d -.-> u%d\n", s.index, label("undo "+s.name), s.index, s.index)
		}
	}
	prev := []string{"begin"}
	for _, g := range d.groups {
		var here []string
		for _, s := range g {
			n := fmt.Sprintf("s%d", s.index)
			for _, p := range prev {
				fmt.Fprintf(&b, "  %s --> %s\n", p, n)
			}
			here = append(here, n)
		}
		prev = here
	}
	b.WriteString("  finish((done))\n")
	for _, p := range prev {
		fmt.Fprintf(&b, "  %s --> finish\n", p)
	}
	if st != nil {
		d.colour(&b, st, i)
	}
	return b.String()
}

func (d *definition) colour(b *strings.Builder, st *state, i Info) {
	b.WriteString("  classDef done fill:#cfe8cf,stroke:#2e7d32\n  classDef failed fill:#f8d0cd,stroke:#b3261e\n  classDef undone fill:#e0e0e0,stroke:#616161\n  classDef under stroke:#1565c0,stroke-width:3px\n")
	for _, s := range d.steps {
		if _, done := st.done[s.name]; done {
			fmt.Fprintf(b, "  class s%d done\n", s.index)
		}
		if st.failedStep == s.name {
			fmt.Fprintf(b, "  class s%d failed\n", s.index)
		}
		if st.undone[s.name] {
			fmt.Fprintf(b, "  class u%d undone\n", s.index)
		}
	}
	for _, name := range st.next {
		s := d.byName[name]
		switch {
		case s == nil:
		case st.phase == Compensating:
			fmt.Fprintf(b, "  class u%d under\n", s.index)
		default:
			fmt.Fprintf(b, "  class s%d under\n", s.index)
		}
	}
	if st.phase == Completed {
		b.WriteString("  class finish done\n")
	}
	if i.State == Stuck {
		fmt.Fprintf(b, "  stuck[/%s/]\n  class stuck failed\n", label(fmt.Sprintf("stuck at %s, attempt %d: %s", i.Step, i.Attempt, i.Cause)))
	}
}

// label quotes a text for Mermaid.
func label(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return `"` + strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;").Replace(s) + `"`
}
