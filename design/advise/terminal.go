package advise

import (
	"fmt"
	"io"
	"strings"
)

// Terminal writes answers for people: one screen for one call, a line each for
// several unless verbose.
func Terminal(w io.Writer, answers []Answer, verbose bool) error {
	var b strings.Builder
	for i, a := range answers {
		if i > 0 {
			b.WriteByte('\n')
		}
		if len(answers) > 1 && !verbose {
			brief(&b, a)
			continue
		}
		full(&b, a, verbose)
	}
	if len(answers) == 0 {
		b.WriteString("no calls were found in what was read\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func head(b *strings.Builder, a Answer) {
	fmt.Fprintf(b, "%s -> %s: %s", a.From.Short(), a.To.Short(), a.Verdict)
	for i, s := range a.Because {
		if i == 0 {
			b.WriteString(", because ")
		} else {
			b.WriteString("\n    and ")
		}
		b.WriteString(s)
	}
	b.WriteByte('\n')
}

func brief(b *strings.Builder, a Answer) {
	head(b, a)
	var parts []string
	for _, n := range a.Numbers {
		switch n.Name {
		case Timeout, Tries, RetryBudget, Threshold, Window, InARow, Bulkhead, Hedge:
			parts = append(parts, n.Name+" "+n.Text)
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "    %s\n", strings.Join(parts, ", "))
	}
	if n := len(a.Questions); n > 0 {
		fmt.Fprintf(b, "    %d open: %s\n", n, a.Questions[0])
	}
}

func full(b *strings.Builder, a Answer, verbose bool) {
	head(b, a)
	for _, n := range a.Numbers {
		fmt.Fprintf(b, "  %-19s %-9s %s\n", n.Name, n.Text, n.Formula)
		if verbose {
			fmt.Fprintf(b, "  %29s by %s\n", "", n.Source)
			for _, in := range n.Inputs {
				fmt.Fprintf(b, "  %29s %s = %s (%s)\n", "", in.Name, in.Value, in.Where)
			}
		}
	}
	if a.Fallback != "" {
		fmt.Fprintf(b, "  %-19s %s\n", "fallback", a.Fallback)
	}
	for _, s := range a.Notes {
		fmt.Fprintf(b, "  - %s\n", s)
	}
	if !verbose {
		seen, line := map[Input]bool{}, ""
		for _, n := range a.Numbers {
			for _, in := range n.Inputs {
				if !seen[in] {
					seen[in] = true
					line += fmt.Sprintf("\n  %s = %s  (%s)", in.Name, in.Value, in.Where)
				}
			}
		}
		if line != "" {
			fmt.Fprintf(b, "known%s\n", line)
		}
	}
	if len(a.Questions) > 0 {
		fmt.Fprintf(b, "unknown; write it into ashlar.yaml and ask again\n  %s\n", strings.Join(a.Questions, "\n  "))
	}
}
