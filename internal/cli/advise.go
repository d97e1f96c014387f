package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
)

func (a *app) adviseCmd() *cobra.Command {
	var f decideFlags
	c := &cobra.Command{
		Use:   "advise [DECISION] [PATH]...",
		Short: "Answer with numbers that were computed for this system",
		Long: "Advise makes the decisions of an architecture for this system: what to do, why, what each alternative costs in days of work a year, what would change it, and how sure that is. Without a PATH this folder is read. What is not known is never made up: it widens the range, and it is asked for.\n" +
			"Decisions: " + strings.Join(decisionNames(), ", ") + ". Limits of calls: ashlar advise resilience.",
		Example: "  ashlar advise .\n  ashlar advise mesh deploy/ ashlar.yaml\n  ashlar advise . --records docs/decisions\n  ashlar advise . --prices ours.yaml --json",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(_ *cobra.Command, args []string) error { return a.decide(&f, args) },
	}
	f.flags(c)
	c.AddCommand(a.adviseResilienceCmd())
	return c
}

func (a *app) adviseResilienceCmd() *cobra.Command {
	var in input
	var opts advise.Options
	var format, as, out, model string
	var asJSON, verbose, ask, apply bool
	c := &cobra.Command{
		Use:   "resilience [FROM TO] [PATH]...",
		Short: "Timeout, tries, breaker, bulkhead, hedge and fallback of a call",
		Long: "Resilience computes the settings of the calls from FROM to TO (each a service, or an operation as SERVICE.OPERATION), or of all calls when the first argument is a path that exists. Without a PATH this folder is read. Every number comes with its formula and inputs; what is not known is listed as a question.\n" +
			"--ask asks the questions on the terminal and writes the answers into the model, an ashlar.yaml. --apply writes the settings there; what hands wrote stays, comments too.",
		Example: "  ashlar advise resilience order payment deploy/ traces.json ashlar.yaml\n  ashlar advise resilience order payment . --ask --apply\n  ashlar advise resilience 'order.POST /orders' payment . --as istio",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			from, to, paths := "", "", args
			if _, err := os.Stat(args[0]); err != nil && args[0] != "-" {
				if len(args) < 2 {
					return fmt.Errorf("%s is no path: want FROM TO PATH..., or PATH... for all calls", args[0])
				}
				if from, to, paths = args[0], args[1], args[2:]; len(paths) == 0 {
					paths = []string{"."}
				}
			}
			opts.Env = in.environment
			var file string
			var err error
			if ask || apply {
				if file, err = modelFile(model, paths); err != nil {
					return err
				}
			}
			if ask && slices.Contains(paths, "-") {
				return errors.New("--ask reads the answers from standard input: give the files by name")
			}
			read := func() (arch.System, []advise.Answer, error) {
				if ask && exists(file) && !covered(file, paths) {
					paths = append(slices.Clone(paths), file)
				}
				r, err := a.read(&in, paths)
				if err != nil {
					return arch.System{}, nil, err
				}
				answers, err := advise.Resilience(r.System, from, to, &opts)
				return r.System, answers, err
			}
			if ask {
				err := a.interview(file, func() (arch.System, []advise.Question, error) {
					s, answers, err := read()
					var qs []advise.Question
					for _, x := range answers {
						qs = append(qs, x.Questions...)
					}
					return s, qs, err
				})
				if err != nil {
					return err
				}
			}
			s, answers, err := read()
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
			if apply {
				return a.applied(a.stderr, file, s, answers)
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
	c.Flags().BoolVar(&ask, "ask", false, "ask what is not known, and write the answers into the model")
	c.Flags().BoolVar(&apply, "apply", false, "write the settings into the model")
	c.Flags().StringVar(&model, "model", "", "the ashlar.yaml that --ask and --apply write; default: the one among the paths")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "every number with its inputs and the source of its formula")
	return c
}

// covered reports whether the paths lead to the file already.
func covered(file string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool {
		rel, err := filepath.Rel(p, file)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	})
}
