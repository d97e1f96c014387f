package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE|FIELD]",
		Short: "Say what a rule or a field of ashlar.yaml is about, or list all rules",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all := rules.All()
			if len(args) == 0 {
				for _, r := range all {
					_, _ = fmt.Fprintf(a.stdout, "%-42s %-8s %s\n", r.ID, r.Severity, r.Title)
				}
				return nil
			}
			r, err := review.FindRule(all, args[0])
			if err == nil {
				a.printRule(r)
				return nil
			}
			fields, ferr := explainField(args[0])
			if ferr != nil {
				return ferr
			}
			for _, f := range fields {
				_, _ = fmt.Fprintln(a.stdout, f)
			}
			if len(fields) == 0 {
				return fmt.Errorf("%w, and no field of ashlar.yaml of that name\n`ashlar explain` lists all rules", err)
			}
			return nil
		},
	}
}

func (a *app) printRule(r review.Rule) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(a.stdout, format+"\n", args...) }
	p("%s  (%s, since %s)\n\n%s\n\n%s\n", r.ID, r.Severity, r.Since, r.Title, r.Why)
	p("bad   %s\ngood  %s\n", r.Bad, r.Good)
	for _, x := range r.Params {
		p("parameter %s = %s: %s", x.Name, x.Default, x.About)
	}
	if len(r.Needs) > 0 {
		var ns []string
		for _, n := range r.Needs {
			ns = append(ns, string(n))
		}
		p("needs     %s", strings.Join(ns, ", "))
	}
	for _, c := range r.Cures() {
		p("cure      %s", c)
	}
	p("source    %s", r.Source)
	for _, x := range [][2]string{{"fires on ", r.Fires}, {"silent on", r.Silent}, {"untried  ", r.Untried}} {
		if x[1] != "" {
			p("%s %s", x[0], x[1])
		}
	}
}

// explainField finds what the schema of ashlar.yaml says about a key, wherever it
// may stand. A dotted name ends with the key: services.order.replicas.
func explainField(name string) ([]string, error) {
	key := name[strings.LastIndexByte(name, '.')+1:]
	var schema any
	if err := json.Unmarshal(archfile.Schema(), &schema); err != nil {
		return nil, err
	}
	var out []string
	seen := map[string]bool{}
	var walk func(at string, x any)
	walk = func(at string, x any) {
		m, ok := x.(map[string]any)
		if !ok {
			if l, ok := x.([]any); ok {
				for _, it := range l {
					walk(at, it)
				}
			}
			return
		}
		if defs, ok := m["definitions"].(map[string]any); ok {
			for _, n := range arch.Sorted(defs) {
				walk(n, defs[n])
			}
		}
		props, _ := m["properties"].(map[string]any)
		if p, ok := props[key].(map[string]any); ok {
			line := fmt.Sprintf("%s (in a %s): %v", key, at, p["description"])
			if p["description"] != nil && !seen[line] {
				seen[line] = true
				out = append(out, line)
			}
		}
		for _, k := range arch.Sorted(m) {
			if k != "definitions" {
				walk(at, m[k])
			}
		}
	}
	walk("file", schema)
	return out, nil
}
