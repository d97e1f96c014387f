package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/design/review"
)

func (a *app) baselineCmd() *cobra.Command {
	var in input
	var out, expires string
	c := &cobra.Command{
		Use:     "baseline PATH...",
		Short:   "Accept what a review finds today, so that it tells what is new",
		Long:    "Baseline writes a file with all findings of today. Name it in ashlar.yaml (review: {baseline: FILE}) or with `ashlar review --baseline FILE`: these findings count no longer until it expires.",
		Example: "  ashlar baseline deploy/ --expires 90d -o ashlar-baseline.json",
		Args:    paths,
		RunE: func(_ *cobra.Command, paths []string) error {
			_, res, _, err := a.judge(&in, paths, nil)
			if err != nil {
				return err
			}
			b, err := review.NewBaseline(res, expires, time.Now())
			if err != nil {
				return fmt.Errorf("--expires: %w", err)
			}
			w, done, err := a.output(out)
			if err != nil {
				return err
			}
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			e.SetEscapeHTML(false)
			if err := e.Encode(b); err != nil {
				return &exit{ExitEnvironment, err}
			}
			if out != "" && out != "-" {
				_, _ = fmt.Fprintf(a.stderr, "%s: %s accepted\n", out, count(len(b.Findings), "finding"))
			}
			return done()
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to")
	c.Flags().StringVar(&expires, "expires", "90d", "how long it holds: 90d, 12h; empty for good")
	return c
}
