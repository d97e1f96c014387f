package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/design/review/report"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/layout"
	"github.com/ashlar-dev/ashlar/design/view/svg"
)

func (a *app) diagramCmd() *cobra.Command {
	var in input
	var out, title, focus string
	var findings, hide bool
	c := &cobra.Command{
		Use:   "diagram PATH...",
		Short: "Draw the system as an SVG map",
		Long:  "Diagram discovers the system and draws it: services, stores, topics, gateways and who calls whom.\nA PATH is a file, a folder, or - for standard input.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			r, res, _, err := a.judge(&in, paths)
			if err != nil {
				return err
			}
			opts := &view.Options{Title: title, Env: in.environment, HideInfrastructure: hide}
			if focus != "" {
				if opts.Focus, err = findRef(r.System, focus); err != nil {
					return err
				}
			}
			if findings {
				opts.Findings = report.Marks(res.Findings)
			}
			if err := opts.Validate(r.System); err != nil {
				return err
			}
			placed, err := layout.Place(view.Services(r.System, opts), nil)
			if err != nil {
				return err
			}
			w, done, err := a.output(out)
			if err != nil {
				return err
			}
			if _, err := w.Write(svg.Render(placed, nil)); err != nil {
				return &exit{ExitEnvironment, err}
			}
			if out != "" && out != "-" {
				_, _ = fmt.Fprintf(a.stderr, "%s: %s\n", out, summary(r))
			}
			return done()
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to")
	c.Flags().StringVar(&title, "title", "", "title of the picture")
	c.Flags().StringVar(&focus, "focus", "", "draw only what lies around this element")
	c.Flags().BoolVar(&findings, "findings", true, "mark what review finds")
	c.Flags().BoolVar(&hide, "hide-infrastructure", false, "leave out what every service leans on")
	return c
}
