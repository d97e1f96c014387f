package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/bus"
)

// dlqVerb is the flags that the dlq commands share; it finds a program and
// prints as the saga commands do.
type dlqVerb struct{ sagaVerb }

func (a *app) dlqCmd() *cobra.Command {
	v := &dlqVerb{sagaVerb{app: a}}
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "See, edit and replay the dead letters of a running program",
		Long: strings.TrimSpace(`
Talks to a program on this machine that offers its dead letters with
admin.Listen and bus.Section, and runs under the same user. With several such
programs, --program picks one.`),
		Example: "  ashlar dlq list --group billing\n  ashlar dlq show billing.orders.3.117\n  ashlar dlq edit billing.orders.3.117 --file fixed.json\n  ashlar dlq replay billing.orders.3.117",
		Args:    cobra.NoArgs,
	}
	cmd.PersistentFlags().StringVar(&v.program, "program", "", "name or pid of the program")
	cmd.PersistentFlags().StringVar(&v.folder, "runtime", "", "folder with the notes of running programs (default: the user's)")
	cmd.PersistentFlags().BoolVar(&v.json, "json", false, "print JSON")
	cmd.AddCommand(v.list(), v.show(), v.edit(), v.settle("replay", "Publish the event to its topic again, as it was or as edited", "was published again"),
		v.settle("discard", "Settle a dead letter without a replay", "is discarded"))
	return cmd
}

func (v *dlqVerb) list() *cobra.Command {
	var state, group, topic string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, newest first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			q := admin.Query{Limit: limit, Filter: map[string]string{}}
			for k, s := range map[string]string{"state": state, "group": group, "topic": topic} {
				if s != "" {
					q.Filter[k] = s
				}
			}
			raw, next, err := c.List(v.ctx, bus.DeadLettersSection, q)
			if err != nil {
				return answered(err)
			}
			return v.printLetters(raw, next)
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "dead (the default), replayed, discarded or all")
	cmd.Flags().StringVar(&group, "group", "", "only letters of this group")
	cmd.Flags().StringVar(&topic, "topic", "", "only events of this topic")
	cmd.Flags().IntVar(&limit, "limit", admin.DefaultLimit, "at most so many")
	return cmd
}

func (v *dlqVerb) printLetters(raw []json.RawMessage, next string) error {
	if v.json {
		return v.printJSON(raw)
	}
	w := tabwriter.NewWriter(v.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "LETTER\tSTATE\tTOPIC\tKEY\tTRIES\tAGE\tERROR")
	for _, b := range raw {
		var l bus.DeadLetter
		if err := json.Unmarshal(b, &l); err != nil {
			return &exit{ExitEnvironment, fmt.Errorf("the program's answer is not a dead letter: %w", err)}
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", oneLine(l.ID), l.State, oneLine(l.Topic), oneLine(l.Key), l.Tries, time.Since(l.Died).Round(time.Second), oneLine(l.Error))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if next != "" {
		_, _ = fmt.Fprintln(v.stderr, "there are more; raise --limit or filter by --group or --topic")
	}
	return nil
}

func (v *dlqVerb) show() *cobra.Command {
	return &cobra.Command{
		Use: "show LETTER", Short: "Show a dead letter with its headers and body", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := v.client()
			if err != nil {
				return err
			}
			var l bus.DeadLetter
			if err := c.Show(v.ctx, bus.DeadLettersSection, args[0], &l); err != nil {
				return answered(err)
			}
			if v.json {
				return v.printJSON(l)
			}
			v.printLetter(l)
			return nil
		},
	}
}

func (v *dlqVerb) printLetter(l bus.DeadLetter) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(v.stdout, format+"\n", args...) }
	p("%s  %s", l.ID, l.State)
	p("event    topic %s, partition %d, offset %d, key %q, of %s", l.Topic, l.Partition, l.Offset, l.Key, l.RecordTime.Local().Format("2006-01-02 15:04:05.000"))
	p("group    %s gave up after %d tries, %s after the first", l.Group, l.Tries, l.Died.Sub(l.FirstFailed).Round(time.Millisecond))
	p("error    %s", oneLine(l.Error))
	for _, h := range l.Headers {
		p("header   %s: %s", oneLine(h.Name), oneLine(string(h.Value)))
	}
	switch {
	case l.Truncated:
		p("body     cut to %d bytes; the whole lies at the event's place", len(l.Body))
	case l.Edited:
		p("body     edited, %d bytes", len(l.Body))
	default:
		p("body     %d bytes", len(l.Body))
	}
	if utf8.Valid(l.Body) {
		p("\n%s", strings.Map(printable, string(l.Body)))
	} else {
		p("\n%x", l.Body)
	}
}

// printable keeps a body from commanding the terminal, and leaves its lines.
func printable(r rune) rune {
	if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
		return '\uFFFD'
	}
	return r
}

func (v *dlqVerb) edit() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "edit LETTER --file FILE", Short: "Replace the body that a replay will publish", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			read := func() ([]byte, error) { return os.ReadFile(file) }
			if file == "-" {
				read = func() ([]byte, error) { return io.ReadAll(cmd.InOrStdin()) }
			}
			body, err := read()
			if err != nil {
				return &exit{ExitEnvironment, err}
			}
			return v.do(args[0], "edit", map[string]any{"body": body}, "has a new body; replay it to publish that")
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "file with the new body; - is standard input")
	_ = cmd.MarkFlagRequired("file") // fails only for a flag that does not exist
	return cmd
}

func (v *dlqVerb) settle(action, short, done string) *cobra.Command {
	return &cobra.Command{
		Use: action + " LETTER...", Short: short, Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, id := range args {
				if err := v.do(id, action, nil, done); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (v *dlqVerb) do(id, action string, args any, done string) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	if err := c.Act(v.ctx, bus.DeadLettersSection, id, action, args, nil); err != nil {
		return answered(err)
	}
	if !v.json {
		_, _ = fmt.Fprintln(v.stdout, id, done)
	}
	return nil
}
