package rules

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/design/review"
)

// Pages prints the documentation of rules as Markdown, by file name: a page for
// each and README.md, the index.
func Pages(all []review.Rule) map[string][]byte {
	out := map[string][]byte{}
	var index strings.Builder
	index.WriteString("# Rules\n\nPrinted from the declarations in design/review/rules; `ashlar explain RULE` says the same.\n\nSeverity and parameters can be set in `ashlar.yaml`:\n\n```yaml\nreview:\n  rules:\n    communication/sync-chain: { severity: error, parameters: { services: 5 } }\n    boundaries/modular-monolith: { severity: \"off\" }\n  suppress:\n    - { rule: resilience/single-replica, of: service/ledger, reason: it holds a lock, until: \"2027-03-31\" }\n  baseline: ashlar-baseline.json\n```\n\nor, for one place, in a comment on its line or the line above:\n\n```yaml\nreplicas: 1 # ashlar:accept resilience/single-replica until 2027-03-31: it holds a lock\n```\n")
	family := ""
	for _, r := range all {
		if r.Family() != family {
			family = r.Family()
			fmt.Fprintf(&index, "\n## %s\n\n| rule | severity | what it finds |\n|---|---|---|\n", strings.ToUpper(family[:1])+family[1:])
		}
		fmt.Fprintf(&index, "| [%s](%s) | %s | %s |\n", strings.TrimPrefix(r.ID, family+"/"), fileOf(r), r.Severity, r.Title)
		out[fileOf(r)] = pageOf(r)
	}
	out["README.md"] = []byte(index.String())
	return out
}

func fileOf(r review.Rule) string { return strings.ReplaceAll(r.ID, "/", "-") + ".md" }

func pageOf(r review.Rule) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n`%s`, severity %s, confidence %.0f %%, since %s\n\n%s\n\n", r.Title, r.ID, r.Severity, r.Confidence*100, r.Since, r.Why)
	fmt.Fprintf(&b, "Bad:\n\n```\n%s\n```\n\nGood:\n\n```\n%s\n```\n", r.Bad, r.Good)
	if len(r.Params) > 0 {
		b.WriteString("\n| parameter | default | what it is |\n|---|---|---|\n")
		for _, p := range r.Params {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", p.Name, strings.ReplaceAll(p.Default, "|", "\\|"), p.About)
		}
	}
	if len(r.Needs) > 0 {
		var needs []string
		for _, n := range r.Needs {
			needs = append(needs, string(n))
		}
		fmt.Fprintf(&b, "\nNeeds: %s. Without them it does not judge.\n", strings.Join(needs, ", "))
	}
	if r.Advice != "" {
		fmt.Fprintf(&b, "\nThe numbers: `ashlar advise %s CALLER CALLEE` computes them for a call.\n", r.Advice)
	}
	if r.Cure != "" {
		fmt.Fprintf(&b, "\nThe cure: `ashlar %s .`\n", r.Cure)
	}
	fmt.Fprintf(&b, "\nSource: %s.\n", strings.TrimSuffix(r.Source, "."))
	for _, x := range [][2]string{{"Fires on", r.Fires}, {"Silent on", r.Silent}, {"Untried", r.Untried}} {
		if x[1] != "" {
			fmt.Fprintf(&b, "\n%s: %s.\n", x[0], strings.TrimSuffix(x[1], "."))
		}
	}
	return []byte(b.String())
}
