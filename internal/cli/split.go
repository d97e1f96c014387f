package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/plan"
	"github.com/ashlar-dev/ashlar/design/split/report"
	"github.com/ashlar-dev/ashlar/design/split/strangler"
	"github.com/ashlar-dev/ashlar/formats/codeowners"
)

// splitFlags are the flags of the verb.
type splitFlags struct {
	in                                         input
	format, out, explain, score, apply, saveAs string
	asJSON, verbose, flat                      bool
	contexts, percent                          int
	seed                                       uint64
	extract                                    []string
	routes, monolith                           string
}

func (a *app) splitCmd() *cobra.Command {
	var f splitFlags
	c := &cobra.Command{
		Use:   "split PATH...",
		Short: "Find where to cut a monolith, who owns which table, and how to get there",
		Long: strings.TrimSpace(`
Split reads source code (and traces, history and an ashlar.yaml beside it) and
answers first: what to do, why not more or fewer services, what would change the
answer. Then it says which types and tables belong together, what crosses the
borders and what replaces it, and plans the way there.

A section "split:" in ashlar.yaml holds pins: together, apart, names.`),
		Example: "  ashlar split src/\n  ashlar split src/ --format markdown -o split.md\n  ashlar split src/ --explain OrderDao\n  ashlar split src/ --score ours.yaml      # a file: context name, then its types\n  ashlar split src/ --apply ashlar.yaml\n  ashlar split src/ --extract billing --routes kong --percent 1 -o strangler.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, paths []string) error { return a.split(&f, paths) },
	}
	f.in.flags(c)
	c.Flags().StringVarP(&f.format, "format", "f", "terminal", "terminal, markdown, json or html")
	c.Flags().BoolVar(&f.asJSON, "json", false, "same as --format json")
	c.Flags().StringVarP(&f.out, "output", "o", "", "file to write to")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every type, table, crossing and step")
	c.Flags().IntVar(&f.contexts, "contexts", 0, "how many contexts are wanted; by default the number that costs least")
	c.Flags().Uint64Var(&f.seed, "seed", 0, "seed of the search; the same seed gives the same answer")
	c.Flags().BoolVar(&f.flat, "ignore-folders", false, "do not let packages and folders say what belongs together")
	c.Flags().StringVar(&f.explain, "explain", "", "say why a `TYPE` or table is where it is")
	c.Flags().StringVar(&f.score, "score", "", "measure the cut in a `FILE`: YAML or JSON, context name and list of types")
	c.Flags().StringVar(&f.saveAs, "save", "", "write the recommended cut to a `FILE` that --score reads")
	c.Flags().StringSliceVar(&f.extract, "extract", nil, "plan these `CONTEXTS` as services, in this order, whatever the answer is")
	c.Flags().StringVar(&f.routes, "routes", "", "print the strangler's routes as configuration of a `TARGET`: "+strings.Join(strangler.Targets(), ", "))
	c.Flags().IntVar(&f.percent, "percent", 0, "share of the traffic that --routes sends to the new services")
	c.Flags().StringVar(&f.monolith, "monolith", "", "`HOST:PORT` of the monolith for --routes (default monolith:8080)")
	c.Flags().StringVar(&f.apply, "apply", "", "write the recommended contexts into an ashlar.yaml `FILE`")
	return c
}

func (a *app) split(f *splitFlags, paths []string) error {
	if f.asJSON {
		f.format = "json"
	}
	if !slices.Contains([]string{"terminal", "markdown", "json", "html"}, f.format) {
		return fmt.Errorf("--format %s: want terminal, markdown, json or html", f.format)
	}
	r, err := a.read(&f.in, paths)
	if err != nil {
		return err
	}
	opts := &split.Options{Seed: f.seed, Contexts: f.contexts, IgnoreFolders: f.flat, System: &r.System, Pins: pins(r), Extract: f.extract, Owner: owner(r)}
	if file, ok := a.stderr.(*os.File); ok && !f.in.quiet && terminal(file) {
		opts.Progress = progressBar(file)
	}
	found, err := split.Run(a.ctx, r.Code, opts)
	if errors.Is(err, split.ErrNoCode) {
		return fmt.Errorf("%s: %w", strings.Join(paths, " "), err)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch {
	case f.explain != "":
		err = report.Explain(&b, found, f.explain)
	case f.score != "":
		err = a.scoreFile(&b, found, f.score)
	default:
		rep := &report.Report{System: cmp.Or(r.System.Name, folderName(paths)), Result: found, Paths: paths, Verbose: f.verbose, Color: a.color && !a.noColor && f.out == ""}
		if len(found.Candidates) > 0 {
			rep.Plan = plan.Make(found, &found.Candidates[0])
		}
		if f.routes != "" {
			err = printRoutes(&b, f, rep.Plan)
			break
		}
		err = map[string]func() error{
			"terminal": func() error { return report.Terminal(&b, rep) },
			"markdown": func() error { return report.Markdown(&b, rep) },
			"json":     func() error { return report.JSON(&b, rep) },
			"html":     func() error { return report.HTML(&b, rep) },
		}[f.format]()
	}
	if err != nil {
		return err
	}
	if err := a.saveSplit(f, r, found); err != nil {
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

func printRoutes(b *bytes.Buffer, f *splitFlags, p plan.Plan) error {
	text, err := strangler.Write(f.routes, p, strangler.Options{Monolith: f.monolith, Percent: f.percent})
	if errors.Is(err, strangler.ErrNothing) {
		return fmt.Errorf("%w; --extract CONTEXT does", err)
	}
	b.WriteString(text)
	return err
}

// saveSplit writes the files that --save and --apply name.
func (a *app) saveSplit(f *splitFlags, r *discover.Result, found *split.Result) error {
	if len(found.Candidates) == 0 {
		return nil
	}
	best := &found.Candidates[0]
	if f.saveAs != "" {
		b, err := yaml.Marshal(report.Partition(best))
		if err != nil {
			return err
		}
		if err := replaceFile(f.saveAs, b); err != nil {
			return &exit{ExitEnvironment, err}
		}
		_, _ = fmt.Fprintf(a.stderr, "%s written: edit it, then: ashlar split --score %s ...\n", f.saveAs, f.saveAs)
	}
	if f.apply != "" {
		report.Apply(&r.System, best, r.Code.Types)
		return a.writeArchfile(f.apply, nil, r)
	}
	return nil
}

// scoreFile measures a partition that the user wrote.
func (a *app) scoreFile(b *bytes.Buffer, found *split.Result, name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return &exit{ExitEnvironment, err}
	}
	var contexts map[string][]string
	if err := yaml.Unmarshal(src, &contexts); err != nil {
		return fmt.Errorf("%s: want context names, each with a list of types: %w", name, err)
	}
	if len(contexts) == 0 {
		return fmt.Errorf("%s: no contexts in it; want for example\n  ordering: [Order, OrderService]\n  billing: [Invoice]", name)
	}
	c, rest, err := found.Score(contexts)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return report.Scored(b, found, &c, rest)
}

// owner looks files up in the CODEOWNERS that were read; nil when there are none.
func owner(r *discover.Result) func(string) string {
	files := discover.Of[*codeowners.File](r.Documents)
	if len(files) == 0 {
		return nil
	}
	return func(file string) string {
		for _, f := range files {
			rel, err := filepath.Rel(filepath.FromSlash(f.V.Root()), filepath.FromSlash(file))
			if err != nil || strings.HasPrefix(rel, "..") {
				continue
			}
			who, _, ok := f.V.Owners(filepath.ToSlash(rel))
			for _, w := range who {
				if t := codeowners.Team(w); ok && t != "" {
					return t
				}
			}
		}
		return ""
	}
}

// pins are those of every ashlar.yaml that was read.
func pins(r *discover.Result) split.Pins {
	p := split.Pins{Names: map[string]string{}}
	for _, d := range r.Documents {
		f, ok := d.Value.(*archfile.File)
		if !ok {
			continue
		}
		p.Together = append(p.Together, f.Split.Together...)
		p.Apart = append(p.Apart, f.Split.Apart...)
		for k, v := range f.Split.Names {
			p.Names[k] = v
		}
	}
	return p
}
