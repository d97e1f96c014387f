package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
	"github.com/ashlar-dev/ashlar/design/advise/decisions"
	"github.com/ashlar-dev/ashlar/design/split"
)

// decideFlags are those of `ashlar advise`.
type decideFlags struct {
	in                                  input
	format, out, records, prices, model string
	asJSON, verbose, ask, showPrices    bool
}

func decisionNames() []string {
	var out []string
	for _, d := range decisions.All() {
		out = append(out, d.ID)
	}
	return out
}

func (f *decideFlags) flags(c *cobra.Command) {
	f.in.flags(c)
	c.Flags().StringVarP(&f.format, "format", "f", "terminal", "terminal or json")
	c.Flags().BoolVar(&f.asJSON, "json", false, "same as --format json")
	c.Flags().StringVarP(&f.out, "output", "o", "", "file to write to")
	c.Flags().StringVar(&f.records, "records", "", "write a decision record for each into a `DIR`; those that are there are brought up to date")
	c.Flags().StringVar(&f.prices, "prices", "", "a YAML `FILE` with prices that replace those built in")
	c.Flags().BoolVar(&f.showPrices, "show-prices", false, "print the prices that are built in, to copy and change")
	c.Flags().BoolVar(&f.ask, "ask", false, "ask what is not known, and write the answers into the model")
	c.Flags().StringVar(&f.model, "model", "", "the ashlar.yaml that --ask writes; default: the one among the paths")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every decision with every number")
}

// decide answers `ashlar advise [DECISION] [PATH]...`.
func (a *app) decide(f *decideFlags, args []string) error {
	if f.showPrices {
		_, err := a.stdout.Write(decide.BuiltIn())
		return err
	}
	if f.asJSON {
		f.format = "json"
	}
	if f.format != "terminal" && f.format != "json" {
		return fmt.Errorf("--format %s: want terminal or json", f.format)
	}
	name, paths, err := decisionArg(args)
	if err != nil {
		return err
	}
	prices := decide.DefaultPrices()
	if f.prices != "" {
		src, err := os.ReadFile(f.prices)
		if err != nil {
			return &exit{ExitEnvironment, err}
		}
		if prices, err = decide.ReadPrices(f.prices, src); err != nil {
			return err
		}
	}
	if f.ask {
		if err := a.askDecisions(f, name, paths, prices); err != nil {
			return err
		}
	}
	_, answers, err := a.decided(&f.in, name, paths, prices)
	if err != nil {
		return err
	}
	if f.records != "" {
		changed, err := decide.Records(f.records, answers)
		if err != nil {
			return &exit{ExitEnvironment, err}
		}
		for _, file := range changed {
			_, _ = fmt.Fprintln(a.stderr, "written:", file)
		}
		if len(changed) == 0 {
			_, _ = fmt.Fprintf(a.stderr, "%s says so already\n", f.records)
		}
	}
	var b bytes.Buffer
	if f.format == "json" {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(answers)
	} else {
		err = decide.Terminal(&b, answers, " "+strings.Join(paths, " "), f.verbose)
	}
	if err != nil {
		return err
	}
	w, done, err := a.output(f.out)
	if err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return &exit{ExitEnvironment, err}
	}
	return done()
}

// decisionArg takes the name of a decision off the arguments; the rest are paths.
func decisionArg(args []string) (name string, paths []string, err error) {
	paths = args
	if len(args) > 0 {
		if slices.Contains(decisionNames(), args[0]) {
			name, paths = args[0], args[1:]
		} else if _, err := os.Stat(args[0]); err != nil && args[0] != "-" {
			return "", nil, fmt.Errorf("%s is neither a path nor a decision: want resilience, %s", args[0], strings.Join(decisionNames(), ", "))
		}
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	return name, paths, nil
}

// decided reads, reviews, looks for a cut where there is code, and decides.
func (a *app) decided(in *input, name string, paths []string, prices decide.Prices) (arch.System, []decide.Answer, error) {
	r, res, _, err := a.judge(in, paths, nil)
	if err != nil {
		return arch.System{}, nil, err
	}
	c := &decide.Case{System: r.System, Code: r.Code, Findings: res.Findings, Environment: in.environment, Prices: prices}
	if !r.Code.Empty() {
		found, err := split.Run(a.ctx, r.Code, &split.Options{System: &r.System, Pins: pins(r)})
		if err != nil && !errors.Is(err, split.ErrNoCode) {
			return arch.System{}, nil, err
		}
		if err == nil {
			c.Split = found
		}
	}
	answers, err := decide.Run(c, decisions.All(), name)
	return r.System, answers, err
}

func (a *app) askDecisions(f *decideFlags, name string, paths []string, prices decide.Prices) error {
	if slices.Contains(paths, "-") {
		return errors.New("--ask reads the answers from standard input: give the files by name")
	}
	file, err := modelFile(f.model, paths)
	if err != nil {
		return err
	}
	return a.interview(file, func() (arch.System, []advise.Question, error) {
		some := paths
		if exists(file) && !covered(file, paths) {
			some = append(slices.Clone(paths), file)
		}
		s, answers, err := a.decided(&f.in, name, some, prices)
		var qs []advise.Question
		for i := range answers {
			qs = append(qs, answers[i].Questions...)
		}
		return s, qs, err
	})
}
