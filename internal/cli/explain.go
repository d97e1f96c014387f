package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/rules"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule is about, or list all rules",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			all := rules.All()
			if len(args) == 0 {
				for _, r := range all {
					_, _ = fmt.Fprintf(a.stdout, "%-42s %-8s %s\n", r.ID, r.Severity, r.Title)
				}
				return nil
			}
			var ids []string
			for _, r := range all {
				ids = append(ids, r.ID)
				if _, name, _ := strings.Cut(r.ID, "/"); r.ID == args[0] || name == args[0] {
					a.printRule(r)
					return nil
				}
			}
			msg := fmt.Sprintf("there is no rule %q", args[0])
			if near := doc.Nearest(args[0], ids); near != "" {
				msg += fmt.Sprintf("; did you mean %s?", near)
			}
			return fmt.Errorf("%s\n`ashlar explain` lists all", msg)
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
	p("source    %s", r.Source)
	for what, v := range map[string]string{"fires on ": r.Fires, "silent on": r.Silent, "untried  ": r.Untried} {
		if v != "" {
			p("%s %s", what, v)
		}
	}
}
