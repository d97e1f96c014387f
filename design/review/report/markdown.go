package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// markdownMax is below what GitHub (65,536 characters) and GitLab take as one
// comment.
const markdownMax = 60_000

// Markdown prints a comment for a pull request: what to fix first in a table, the
// rest folded away.
func Markdown(w io.Writer, r *Report) error {
	var b strings.Builder
	gs := r.groups()
	if len(gs) == 0 {
		fmt.Fprintf(&b, "### Architecture review: nothing found\n\n%s\n", escapeMD(r.what()))
	} else {
		fmt.Fprintf(&b, "### Architecture review: %s\n\n%s\n\n| | What to fix first | Where |\n|---|---|---|\n", counts(r.Result.Findings), escapeMD(r.what()))
		for i, g := range gs {
			if i == first {
				break
			}
			top := g.findings[0]
			fmt.Fprintf(&b, "| **%s** | %s%s<br>%s | %s |\n", top.Severity, escapeMD(doc.Redact(top.Title)), same(g), escapeMD(doc.Redact(firstSentence(top.Fix))), code(place(top)))
		}
		fmt.Fprintf(&b, "\n<details><summary>All %d findings</summary>\n\n", len(r.Result.Findings))
		markdownAll(&b, gs)
		b.WriteString("\n</details>\n")
	}
	if n := len(r.Result.Accepted); n > 0 {
		fmt.Fprintf(&b, "\n%d finding%s accepted by ashlar.yaml, a comment or the baseline.\n", n, plural(n))
	}
	for _, n := range r.Result.Notes {
		fmt.Fprintf(&b, "\n> %s\n", escapeMD(doc.Redact(n)))
	}
	if len(r.Result.NotJudged) > 0 {
		b.WriteString("\n<details><summary>Not judged</summary>\n\n")
		for _, u := range r.Result.NotJudged {
			fmt.Fprintf(&b, "- `%s`%s: %s\n", u.Rule, elements(u), escapeMD(u.Why))
		}
		b.WriteString("\n</details>\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownAll prints every finding, until the comment is full.
func markdownAll(b *strings.Builder, gs []group) {
	left := 0
	for _, g := range gs {
		fmt.Fprintf(b, "\n**%s** (`%s`)\n\n", escapeMD(g.rule.Title), g.rule.ID)
		for _, f := range g.findings {
			if b.Len() > markdownMax-8_000 {
				left++
				continue
			}
			fmt.Fprintf(b, "- %s: %s %s\n", f.Severity, escapeMD(doc.Redact(f.Title)), code(place(f)))
			if f.Advice != "" {
				fmt.Fprintf(b, "  The numbers: %s\n", code(doc.Redact(f.Advice)))
			}
		}
	}
	if left > 0 {
		fmt.Fprintf(b, "\n%d more do not fit into a comment.\n", left)
	}
}

func elements(u review.Unjudged) string {
	if len(u.Of) == 0 {
		return ""
	}
	return fmt.Sprintf(" of %d element%s", len(u.Of), plural(len(u.Of)))
}

// escapeMD keeps names from becoming markup, mentions or HTML.
func escapeMD(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "@", "@\u200b", "\n", " ").Replace(s)
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", "\\|", "\n", " ").Replace(s) + "`"
}
