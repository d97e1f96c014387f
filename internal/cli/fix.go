package cli

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func (a *app) fixCmd() *cobra.Command {
	var in input
	var diff bool
	c := &cobra.Command{
		Use:     "fix PATH...",
		Short:   "Mend what can be mended mechanically",
		Long:    "Fix changes the files for those findings whose cure needs no decision: misspelt fields, conditions and ports, fields that another has replaced, short host names across namespaces. Comments, order and everything else stay as they are.",
		Example: "  ashlar fix --diff deploy/\n  ashlar fix deploy/",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			_, res, _, err := a.judge(&in, paths, nil)
			if err != nil {
				return err
			}
			byFile := map[string][]review.Edit{}
			titles := map[string][]string{}
			for _, f := range res.Findings {
				for _, e := range f.Edits {
					byFile[e.File] = append(byFile[e.File], e)
				}
				if len(f.Edits) > 0 {
					titles[f.Edits[0].File] = append(titles[f.Edits[0].File], f.Title)
				}
			}
			if len(byFile) == 0 {
				_, _ = fmt.Fprintf(a.stdout, "Nothing to mend mechanically in %s.\n", count(len(res.Findings), "finding"))
				return nil
			}
			failed := false
			for _, file := range arch.Sorted(byFile) {
				if !a.fixFile(file, byFile[file], titles[file], diff) {
					failed = true
				}
			}
			if failed {
				return &exit{code: ExitFindings}
			}
			return nil
		},
	}
	in.flags(c)
	c.Flags().BoolVar(&diff, "diff", false, "print what would change, and change nothing")
	return c
}

// fixFile mends one file; false when something was left to people.
func (a *app) fixFile(file string, edits []review.Edit, titles []string, diff bool) bool {
	src, err := os.ReadFile(file)
	if err != nil {
		_, _ = fmt.Fprintf(a.stderr, "ashlar: %v\n", err)
		return false
	}
	out, fault := review.Fix(file, src, edits)
	if fault != nil {
		_, _ = fmt.Fprintf(a.stderr, "ashlar: by hand, please: %v\n", fault)
	}
	switch {
	case bytes.Equal(out, src):
	case diff:
		a.printDiff(file, src, out)
	default:
		mode := os.FileMode(0o644)
		if fi, err := os.Stat(file); err == nil {
			mode = fi.Mode().Perm()
		}
		if err := os.WriteFile(file, out, mode); err != nil {
			_, _ = fmt.Fprintf(a.stderr, "ashlar: %v\n", err)
			return false
		}
		for _, t := range titles {
			_, _ = fmt.Fprintf(a.stdout, "%s: %s\n", file, doc.Redact(t))
		}
	}
	return fault == nil
}

// printDiff prints a unified diff of two files that differ in single lines, as
// mechanical edits do.
func (a *app) printDiff(file string, before, after []byte) {
	x, y := bytes.Split(before, []byte("\n")), bytes.Split(after, []byte("\n"))
	_, _ = fmt.Fprintf(a.stdout, "--- %s\n+++ %s\n", file, file)
	if len(x) != len(y) {
		_, _ = fmt.Fprintf(a.stdout, "@@ %d lines become %d @@\n", len(x), len(y))
		return
	}
	for i := range x {
		if bytes.Equal(x[i], y[i]) {
			continue
		}
		_, _ = fmt.Fprintf(a.stdout, "@@ -%d +%d @@\n-%s\n+%s\n", i+1, i+1, doc.Redact(string(x[i])), doc.Redact(string(y[i])))
	}
}
