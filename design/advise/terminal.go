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
		fmt.Fprintf(b, "    %d open: %s\n", n, a.Questions[0].String())
	}
}

// width is how wide a line gets before it goes on in the next one.
const width = 100

func full(b *strings.Builder, a Answer, verbose bool) {
	head(b, a)
	for _, n := range a.Numbers {
		first := fmt.Sprintf("  %-18s %-8s ", n.Name, n.Text)
		wrapped(b, first, n.Formula)
		if verbose {
			fmt.Fprintf(b, "%29s by %s\n", "", n.Source)
			for _, in := range n.Inputs {
				fmt.Fprintf(b, "%29s %s = %s (%s)\n", "", in.Name, in.Value, in.Where)
			}
		}
	}
	if a.Fallback != "" {
		fmt.Fprintf(b, "  %-18s %s\n", "fallback", a.Fallback)
	}
	for _, s := range a.Notes {
		wrapped(b, "  - ", s)
	}
	if !verbose {
		known(b, a)
	}
	if len(a.Questions) > 0 {
		b.WriteString("unknown; --ask asks for it, or write it into ashlar.yaml\n")
		for _, q := range a.Questions {
			wrapped(b, "  ? ", q.String())
		}
	}
}

// known lists the inputs by the file that says them: who doubts a number looks
// there.
func known(b *strings.Builder, a Answer) {
	var files []string
	by := map[string][]string{}
	seen := map[Input]bool{}
	for _, n := range a.Numbers {
		for _, in := range n.Inputs {
			if seen[in] {
				continue
			}
			seen[in] = true
			file, place := in.Where, ""
			if name, rest, ok := strings.Cut(in.Where, ":"); ok {
				file, place = name, " :"+strings.Split(rest, ":")[0]
			} else if name, _, ok := strings.Cut(in.Where, " span "); ok {
				file = name
			}
			if by[file] == nil {
				files = append(files, file)
			}
			by[file] = append(by[file], in.Name+" "+in.Value+place)
		}
	}
	for _, f := range files {
		wrapped(b, "  from "+f+": ", strings.Join(by[f], ", "))
	}
}

// wrapped writes text behind a first word and breaks it between words, what
// follows standing below where it began, or a little in where that is far right.
func wrapped(b *strings.Builder, first, text string) {
	in := len(first)
	if in > 40 {
		in = 6
	}
	b.WriteString(first)
	at := len(first)
	for i, w := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len([]rune(w)) > width:
			b.WriteString("\n" + strings.Repeat(" ", in))
			at = in
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len([]rune(w))
	}
	b.WriteByte('\n')
}
