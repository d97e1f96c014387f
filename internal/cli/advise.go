package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/design/advise"
)

func (a *app) adviseCmd() *cobra.Command {
	c := &cobra.Command{Use: "advise", Short: "Answer with numbers that were computed for this system"}
	c.AddCommand(a.adviseResilienceCmd())
	return c
}

func (a *app) adviseResilienceCmd() *cobra.Command {
	var in input
	var opts advise.Options
	var format, as, out string
	var asJSON, verbose bool
	c := &cobra.Command{
		Use:     "resilience [FROM TO] PATH...",
		Short:   "Timeout, tries, breaker, bulkhead, hedge and fallback of a call",
		Long:    "Resilience computes the settings of the calls from FROM to TO (each a service, or an operation as SERVICE.OPERATION), or of all calls when the first argument is a path that exists. Every number comes with its formula and inputs; what is not known is listed as a question.",
		Example: "  ashlar advise resilience order payment deploy/ traces.json ashlar.yaml\n  ashlar advise resilience 'order.POST /orders' payment . --as istio",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			from, to, paths := "", "", args
			if _, err := os.Stat(args[0]); err != nil && args[0] != "-" {
				if len(args) < 3 {
					return fmt.Errorf("%s is no path: want FROM TO PATH..., or PATH... for all calls", args[0])
				}
				from, to, paths = args[0], args[1], args[2:]
			}
			r, err := a.read(&in, paths)
			if err != nil {
				return err
			}
			opts.Env = in.environment
			answers, err := advise.Resilience(r.System, from, to, &opts)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			switch {
			case as != "":
				err = advise.Config(&b, as, answers)
			case asJSON || format == "json":
				e := json.NewEncoder(&b)
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				err = e.Encode(answers)
			case format == "terminal":
				err = advise.Terminal(&b, answers, verbose)
			default:
				err = fmt.Errorf("--format %s: want terminal or json", format)
			}
			if err != nil {
				return err
			}
			w, done, err := a.output(out)
			if err != nil {
				return err
			}
			if _, err := w.Write(b.Bytes()); err != nil {
				return &exit{ExitEnvironment, err}
			}
			if err := done(); err != nil {
				return &exit{ExitEnvironment, err}
			}
			return nil
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&format, "format", "f", "terminal", "terminal or json")
	c.Flags().BoolVar(&asJSON, "json", false, "same as --format json")
	c.Flags().StringVar(&as, "as", "", "print configuration: "+advise.Targets)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to")
	c.Flags().DurationVar(&opts.Detect, "detect", 10*time.Second, "a dead callee is noticed within this")
	c.Flags().IntVar(&opts.Amplification, "amplification", 3, "tries at the callee that one request at the entry may become")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "every number with its inputs and the source of its formula")
	return c
}
