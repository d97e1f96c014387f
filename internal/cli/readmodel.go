package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/cqrs"
)

// readModelVerb is the flags that the readmodel commands share; it finds a
// program and prints as the saga commands do.
type readModelVerb struct {
	sagaVerb
	timeout time.Duration
}

func (a *app) readModelCmd() *cobra.Command {
	v := &readModelVerb{sagaVerb: sagaVerb{app: a}}
	cmd := &cobra.Command{
		Use:   "readmodel",
		Short: "See how far the read models of a running program lag, rebuild and reconcile them",
		Long: strings.TrimSpace(`
Talks to a program on this machine that offers its read models with admin.Listen
and cqrs.Section, and runs under the same user. With several such programs,
--program picks one.`),
		Example: "  ashlar readmodel list\n  ashlar readmodel reconcile balances --dry-run\n  ashlar readmodel reconcile balances\n  ashlar readmodel rebuild balances",
		Args:    cobra.NoArgs,
	}
	cmd.PersistentFlags().StringVar(&v.program, "program", "", "name or pid of the program")
	cmd.PersistentFlags().StringVar(&v.folder, "runtime", "", "folder with the notes of running programs (default: the user's)")
	cmd.PersistentFlags().BoolVar(&v.json, "json", false, "print JSON")
	cmd.AddCommand(v.list(), v.show(), v.rebuild(), v.reconcile())
	return cmd
}

const readModels = "readmodels" // section of the admin handler

func (v *readModelVerb) list() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use: "list", Short: "List read models with their lag", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			q := admin.Query{Filter: map[string]string{}}
			if state != "" {
				q.Filter["state"] = state
			}
			raw, _, err := c.List(v.ctx, readModels, q)
			if err != nil {
				return answered(err)
			}
			if v.json {
				return v.printJSON(raw)
			}
			models := make([]cqrs.Status, len(raw))
			for i, b := range raw {
				if err := json.Unmarshal(b, &models[i]); err != nil {
					return &exit{ExitEnvironment, fmt.Errorf("the program's answer is not a read model: %w", err)}
				}
			}
			return v.print(models...)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only current, behind or failing")
	return cmd
}

func (v *readModelVerb) print(models ...cqrs.Status) error {
	w := tabwriter.NewWriter(v.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "READ MODEL\tSTATE\tGENERATION\tPOSITION\tHEAD\tBEHIND\tAGE\tERROR")
	for _, m := range models {
		age := time.Duration(m.Age * float64(time.Second)).Round(time.Millisecond)
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", oneLine(m.ID), m.State, m.Generation, m.Position, m.Head, m.Behind, age, oneLine(m.Error))
	}
	return w.Flush()
}

func (v *readModelVerb) show() *cobra.Command {
	return &cobra.Command{
		Use: "show MODEL", Short: "Show one read model with its lag", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			var m cqrs.Status
			if err := c.Show(v.ctx, readModels, args[0], &m); err != nil {
				return answered(err)
			}
			if v.json {
				return v.printJSON(m)
			}
			return v.print(m)
		},
	}
}

// patient is a call that may take as long as reading all of a read model does.
func (v *readModelVerb) patient(model, action string, args, out any) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(v.ctx, v.timeout, fmt.Errorf("%s of %s took longer than --timeout %s; it is cut short", action, model, v.timeout))
	defer cancel()
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if err := c.Act(ctx, readModels, model, action, args, out); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return answered(err)
	}
	return nil
}

func (v *readModelVerb) rebuild() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rebuild MODEL", Short: "Build a new generation from the first event on beside the live one, and switch", Args: cobra.ExactArgs(1),
		Long: "Readers are served by the live generation until the new one has caught up. A\nrebuild that was cut short goes on where it was when it is asked for again.",
		RunE: func(_ *cobra.Command, args []string) error {
			var m cqrs.Status
			if err := v.patient(args[0], "rebuild", nil, &m); err != nil {
				return err
			}
			if v.json {
				return v.printJSON(m)
			}
			_, _ = fmt.Fprintf(v.stdout, "%s is served from generation %d\n", m.ID, m.Generation)
			return nil
		},
	}
	v.patience(cmd)
	return cmd
}

func (v *readModelVerb) patience(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&v.timeout, "timeout", time.Hour, "how long it may take")
}

func (v *readModelVerb) reconcile() *cobra.Command {
	var dry bool
	var most int
	cmd := &cobra.Command{
		Use: "reconcile MODEL", Short: "Measure how stale a read model is against its truth, and repair it", Args: cobra.ExactArgs(1),
		Long: "Exits with 1 when items are wrong and stay so: with --dry-run, or because a\nrepair failed. Items that differ only by lag are counted as late, not as wrong.",
		RunE: func(_ *cobra.Command, args []string) error {
			var r cqrs.Report
			failed := v.patient(args[0], "reconcile", map[string]any{"dry_run": dry, "max_repairs": most}, &r)
			if failed != nil && r.Name == "" {
				return failed // nothing was compared
			}
			if v.json {
				if err := v.printJSON(r); err != nil {
					return err
				}
			} else {
				v.printReport(r)
			}
			if failed != nil {
				return failed
			}
			if left := r.Wrong - r.Repaired; left > 0 {
				return &exit{ExitFindings, fmt.Errorf("%d of %d items of %s are wrong", left, r.Compared, args[0])}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "measure and repair nothing")
	cmd.Flags().IntVar(&most, "max-repairs", 0, "refuse to repair more items than this: then a rebuild is the better answer (default 1000)")
	v.patience(cmd)
	return cmd
}

func (v *readModelVerb) printReport(r cqrs.Report) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(v.stdout, format+"\n", args...) }
	p("%s  %d compared, %d wrong, %d late, %d repaired, in %s", r.Name, r.Compared, r.Wrong, r.Late, r.Repaired, r.Took.Round(time.Millisecond))
	if r.Wrong > 0 {
		p("staleness %s at most", r.Staleness.Round(time.Millisecond))
	}
	for _, s := range r.Samples {
		p("wrong     %s", oneLine(s))
	}
	for _, key := range r.Failed {
		p("failed    %s", oneLine(key))
	}
}
