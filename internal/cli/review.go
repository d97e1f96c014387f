package cli

import (
	"bufio"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/design/review/report"
	"github.com/ashlar-dev/ashlar/design/review/rules"
)

func (a *app) reviewCmd() *cobra.Command {
	var in judgement
	var format, out, failOn string
	var asJSON, verbose bool
	c := &cobra.Command{
		Use:     "review PATH...",
		Short:   "Find the red flags, the worst first",
		Long:    "Review discovers the system and judges it: one screen with what to fix first, the number that hurts here, and what could not be judged for lack of input.\nA PATH is a file, a folder, or - for standard input.\n\nIt ends with 0 when nothing reaches --fail-on, with 1 when something does, with 2 on a usage error.",
		Example: "  ashlar review deploy/\n  kubectl get deploy,svc,virtualservice -A -o yaml | ashlar review -\n  ashlar review . --against main\n  ashlar review deploy/ traces.json --format sarif -o ashlar.sarif",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			threshold, err := review.ParseSeverity(failOn)
			if err != nil && failOn != "never" {
				return fmt.Errorf("--fail-on: %w, or never", err)
			}
			if asJSON {
				format = "json"
			}
			write, ok := report.Formats[format]
			if !ok {
				return fmt.Errorf("--format %s: want one of %s", format, report.Names())
			}
			r, res, err := a.review(&in, paths)
			if err != nil {
				return err
			}
			w, done, err := a.output(out)
			if err != nil {
				return err
			}
			b := bufio.NewWriter(w)
			err = write(b, &report.Report{Summary: found(r), Sources: sourcesRead(r), Read: os.ReadFile, Paths: paths, Version: Version, Result: res, Rules: rules.All(), System: r.System, Documents: r.Documents, Skipped: r.Skipped, Verbose: verbose, Width: columns(w), Color: a.color && !a.noColor && (out == "" || out == "-")})
			if err != nil {
				return err
			}
			if err := b.Flush(); err != nil {
				return &exit{ExitEnvironment, err}
			}
			if err := done(); err != nil {
				return &exit{ExitEnvironment, err}
			}
			for _, f := range res.Findings {
				if failOn != "never" && f.Severity >= threshold {
					return &exit{code: ExitFindings}
				}
			}
			return nil
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&format, "format", "f", "terminal", report.Names())
	c.Flags().BoolVar(&asJSON, "json", false, "same as --format json")
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to")
	c.Flags().StringVar(&in.baseline, "baseline", "", "file of findings that are accepted; see ashlar baseline")
	c.Flags().StringVar(&in.newFrom, "new-from", "", "only findings that this `REVISION` of the repository does not have")
	c.Flags().StringVar(&in.against, "against", "", "say what breaks consumers of this `REF`, a git revision or a folder: operations, fields and events that were there and are gone or changed")
	c.Flags().StringVar(&failOn, "fail-on", "high", "severity from which the exit code is 1: info, low, medium, high, critical, never")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "every finding with its evidence and cure")
	return c
}
