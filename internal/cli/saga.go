package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/saga"
)

// sagaVerb is the flags that the saga commands share.
type sagaVerb struct {
	*app
	program, folder string
	json            bool
}

func (a *app) sagaCmd() *cobra.Command {
	v := &sagaVerb{app: a}
	cmd := &cobra.Command{
		Use:   "saga",
		Short: "See and mend the sagas of a running program",
		Long: strings.TrimSpace(`
Talks to a program on this machine that offers its sagas with admin.Listen and
runs under the same user. With several such programs, --program picks one.`),
		Example: "  ashlar saga list --state stuck\n  ashlar saga show order-42\n  ashlar saga retry order-42\n  ashlar saga skip order-42 charge --by 'Ada: paid in cash'",
		Args:    cobra.NoArgs,
	}
	cmd.PersistentFlags().StringVar(&v.program, "program", "", "name or pid of the program")
	cmd.PersistentFlags().StringVar(&v.folder, "runtime", "", "folder with the notes of running programs (default: the user's)")
	cmd.PersistentFlags().BoolVar(&v.json, "json", false, "print JSON")
	cmd.AddCommand(v.list(), v.show(), v.retry(), v.skip(), v.force())
	return cmd
}

const sagas = "sagas" // section of the admin handler

func (v *sagaVerb) client() (*admin.Client, error) {
	c, err := admin.Find(v.folder, v.program)
	if err != nil {
		return nil, &exit{ExitEnvironment, err}
	}
	return c, nil
}

// answered turns what the program said into an exit code: its refusals are the
// user's to mend, its silence is the environment's.
func answered(err error) error {
	var p *admin.Problem
	if err == nil || errors.As(err, &p) && p.Status < http.StatusInternalServerError {
		return err
	}
	return &exit{ExitEnvironment, err}
}

func (v *sagaVerb) list() *cobra.Command {
	var state, definition string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List sagas: the stuck ones first, then the oldest, then those that ended", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			q := admin.Query{Limit: limit, Filter: map[string]string{}}
			for k, s := range map[string]string{"state": state, "definition": definition} {
				if s != "" {
					q.Filter[k] = s
				}
			}
			raw, next, err := c.List(v.ctx, sagas, q)
			if err != nil {
				return answered(err)
			}
			return v.printList(raw, next)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only running, compensating, stuck, completed or compensated")
	cmd.Flags().StringVar(&definition, "definition", "", "only sagas of this definition")
	cmd.Flags().IntVar(&limit, "limit", admin.DefaultLimit, "at most so many")
	return cmd
}

func (v *sagaVerb) printList(raw []json.RawMessage, next string) error {
	if v.json {
		return v.printJSON(raw)
	}
	w := tabwriter.NewWriter(v.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SAGA\tDEFINITION\tSTATE\tSTEP\tATTEMPT\tAGE\tCAUSE")
	for _, b := range raw {
		var i saga.Info
		if err := json.Unmarshal(b, &i); err != nil {
			return &exit{ExitEnvironment, fmt.Errorf("the program's answer is not a saga: %w", err)}
		}
		_, _ = fmt.Fprintf(w, "%s\t%s v%d\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.Definition, i.Version, i.State, i.Step, number(i.Attempt), time.Since(i.Started).Round(time.Second), oneLine(i.Cause))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if next != "" {
		_, _ = fmt.Fprintln(v.stderr, "there are more; raise --limit or filter by --state")
	}
	return nil
}

func (v *sagaVerb) show() *cobra.Command {
	var mermaid bool
	cmd := &cobra.Command{
		Use: "show SAGA", Short: "Show a saga with its history", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			var i saga.Info
			if err := c.Show(v.ctx, sagas, args[0], &i); err != nil {
				return answered(err)
			}
			switch {
			case mermaid:
				_, _ = fmt.Fprint(v.stdout, i.Diagram)
			case v.json:
				return v.printJSON(i)
			default:
				v.printSaga(i)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&mermaid, "mermaid", false, "print a Mermaid flowchart of how far it came")
	return cmd
}

func (v *sagaVerb) printSaga(i saga.Info) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(v.stdout, format+"\n", args...) }
	p("%s  %s v%d  %s", i.ID, i.Definition, i.Version, i.State)
	if i.Step != "" {
		p("step     %s %s", i.Step, attempts(i))
	}
	if i.Cause != "" {
		p("cause    %s", oneLine(i.Cause))
	}
	if i.Node != "" && !i.State.Ended() {
		p("driven by %s", i.Node)
	}
	p("")
	for _, e := range i.History {
		line := fmt.Sprintf("%s  %-11s %s", e.Time.Local().Format("2006-01-02 15:04:05.000"), e.Kind, e.Step)
		for _, s := range []string{e.Cause, e.By} {
			if s != "" {
				line += "  " + oneLine(s)
			}
		}
		p("%s", strings.TrimRight(line, " "))
	}
}

func attempts(i saga.Info) string {
	switch {
	case i.Attempt == 0:
		return ""
	case i.Retry.IsZero():
		return fmt.Sprintf("(attempt %d under way)", i.Attempt)
	}
	return fmt.Sprintf("(attempt %d failed, next in %s)", i.Attempt, max(0, time.Until(i.Retry)).Round(time.Second))
}

func (v *sagaVerb) retry() *cobra.Command {
	return &cobra.Command{
		Use: "retry SAGA", Short: "Make the next attempt now", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return v.act(args[0], "retry", nil, "is tried again now") },
	}
}

func (v *sagaVerb) skip() *cobra.Command {
	var by, result string
	cmd := &cobra.Command{
		Use: "skip SAGA STEP", Short: "Record a step as done without calling it", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			in := map[string]any{"step": args[1], "by": by}
			if result != "" {
				if !json.Valid([]byte(result)) {
					return fmt.Errorf("--result %q is not JSON", result)
				}
				in["result"] = json.RawMessage(result)
			}
			return v.act(args[0], "skip", in, "goes on after "+args[1])
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who decides it and why; kept in the history")
	cmd.Flags().StringVar(&result, "result", "", "what the step would have returned, as JSON")
	_ = cmd.MarkFlagRequired("by") // fails only for a flag that does not exist
	return cmd
}

func (v *sagaVerb) force() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "force SAGA compensating|compensated|completed", Short: "Turn a saga back, or end it whatever its participants did", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return v.act(args[0], "force", map[string]any{"to": args[1], "by": by}, "is forced to "+args[1])
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who decides it and why; kept in the history")
	_ = cmd.MarkFlagRequired("by") // fails only for a flag that does not exist
	return cmd
}

func (v *sagaVerb) act(id, action string, args any, done string) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	if err := c.Act(v.ctx, sagas, id, action, args, nil); err != nil {
		return answered(err)
	}
	if !v.json {
		_, _ = fmt.Fprintln(v.stdout, id, done)
	}
	return nil
}

func (v *sagaVerb) printJSON(x any) error {
	e := json.NewEncoder(v.stdout)
	e.SetIndent("", "  ")
	return e.Encode(x)
}

// oneLine keeps a cause from breaking a table, and a terminal from obeying it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
