package cli

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

func (a *app) diffCmd() *cobra.Command {
	var in input
	var out, format string
	var asJSON bool
	c := &cobra.Command{
		Use:     "diff A B",
		Short:   "Say or draw what differs between two systems",
		Long:    "Diff discovers the systems that two files or folders describe and says what it takes to get from A to B.",
		Example: "  ashlar diff deploy-old/ deploy/\n  ashlar diff ashlar.yaml deploy/ -o changes.svg",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, paths []string) error {
			from, err := a.read(&in, paths[:1])
			if err != nil {
				return err
			}
			to, err := a.read(&in, paths[1:])
			if err != nil {
				return err
			}
			cs := changes(from.System, to.System)
			switch {
			case asJSON:
				return writeJSON(a.stdout, cs)
			case format != "" || out != "":
				return a.writeGraph(view.Diff(from.System, to.System, nil), format, out, fmt.Sprintf("%d facts differ", len(cs)))
			}
			b := bufio.NewWriter(a.stdout)
			if len(cs) == 0 {
				_, _ = fmt.Fprintln(b, "both say the same")
			}
			for _, ch := range cs {
				_, _ = fmt.Fprintln(b, ch)
			}
			return b.Flush()
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "file to draw into")
	c.Flags().StringVarP(&format, "format", "f", "", formatNames())
	c.Flags().BoolVar(&asJSON, "json", false, "the differing facts as JSON")
	return c
}

// change is a differing fact for people and programs.
type change struct {
	Of  arch.Ref   `json:"of"`
	At  arch.Field `json:"at,omitempty"`
	Old *string    `json:"old,omitempty"`
	New *string    `json:"new,omitempty"`
}

func changes(from, to arch.System) []change {
	cs := []change{}
	for _, d := range arch.Diff(from, to) {
		c := change{Of: d.Of, At: d.At}
		if d.Old.Known {
			v := doc.Redact(d.Old.V)
			c.Old = &v
		}
		if d.New.Known {
			v := doc.Redact(d.New.V)
			c.New = &v
		}
		cs = append(cs, c)
	}
	return cs
}

func (c change) String() string {
	what := string(c.Of.Kind()) + " " + c.Of.Short()
	if c.At != "" {
		what += " " + string(c.At)
	}
	value := func(v *string) string {
		if v == nil || *v == "" {
			return ""
		}
		return " " + short(*v)
	}
	switch {
	case c.Old == nil:
		return "+ " + what + value(c.New)
	case c.New == nil:
		return "- " + what + value(c.Old)
	}
	return "~ " + what + value(c.Old) + " ->" + value(c.New)
}
