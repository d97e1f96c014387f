package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review/report"
	"github.com/ashlar-dev/ashlar/design/view"
	"github.com/ashlar-dev/ashlar/design/view/export"
)

// views by name; sequence and diff have flags and a verb of their own.
var views = map[string]func(arch.System, *view.Options) view.Graph{
	"services": view.Services, "contexts": view.Contexts, "data": view.DataOwnership, "events": view.Events, "deployment": view.Deployment,
}

func (a *app) diagramCmd() *cobra.Command {
	var in input
	var out, format, kind, sequence, title, focus string
	var findings, hide bool
	c := &cobra.Command{
		Use:     "diagram PATH...",
		Short:   "Draw the system: services, data, events, contexts, deployment, or a journey",
		Long:    "Diagram discovers the system and draws it, as an SVG or for another tool.\nA PATH is a file, a folder, or - for standard input.",
		Example: "  ashlar diagram deploy/ -o map.svg\n  ashlar diagram deploy/ --view data -f mermaid\n  ashlar diagram ashlar.yaml traces.json --sequence buy -o buy.svg\n  ashlar diagram deploy/ --sequence order.Place -f mermaid",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, paths []string) error {
			r, res, _, err := a.judge(&in, paths, nil)
			if err != nil {
				return err
			}
			opts := &view.Options{Title: title, Env: in.environment, HideInfrastructure: hide}
			if title == "" && r.System.Name == "" {
				opts.Title = folderName(paths)
			}
			if focus != "" {
				if opts.Focus, err = findRef(r.System, focus); err != nil {
					return err
				}
			}
			if findings {
				opts.Findings = report.Marks(res.Findings)
			}
			if err := opts.Validate(r.System); err != nil {
				return err
			}
			var g view.Graph
			switch draw, ok := views[kind]; {
			case sequence != "":
				if g, err = journey(r.System, sequence); err != nil {
					return err
				}
			case !ok:
				return fmt.Errorf("--view %s: want one of %s", kind, strings.Join(arch.Sorted(views), ", "))
			default:
				g = draw(r.System, opts)
			}
			return a.writeGraph(g, format, out, summary(r))
		},
	}
	in.flags(c)
	c.Flags().StringVarP(&out, "output", "o", "", "file to write to")
	c.Flags().StringVarP(&format, "format", "f", "", formatNames()+"; default by the output file's name, else svg")
	c.Flags().StringVar(&kind, "view", "services", strings.Join(arch.Sorted(views), ", "))
	c.Flags().StringVar(&sequence, "sequence", "", "draw what happens in a `JOURNEY`, or in an operation (order.Place)")
	c.Flags().StringVar(&title, "title", "", "title of the picture")
	c.Flags().StringVar(&focus, "focus", "", "draw only what lies around this element")
	c.Flags().BoolVar(&findings, "findings", true, "mark what review finds")
	c.Flags().BoolVar(&hide, "hide-infrastructure", false, "leave out what every service leans on")
	return c
}

// folderName titles a picture when nobody named the system: the folder that it
// was read from.
func folderName(paths []string) string {
	abs, err := filepath.Abs(paths[0])
	if fi, serr := os.Stat(paths[0]); err != nil || serr != nil || !fi.IsDir() {
		return ""
	}
	return filepath.Base(abs)
}

// journey draws a journey, or the operation of that name as if it were one.
func journey(s arch.System, name string) (view.Graph, error) {
	if ref := arch.NewRef(arch.KindJourney, name); s.Has(ref) {
		return view.Sequence(s, ref), nil
	}
	svc, op, _ := strings.Cut(name, ".")
	entry := arch.NewRef(arch.KindOp, svc, op)
	if !s.Has(entry) {
		msg := fmt.Sprintf("there is no journey and no operation %q", name)
		if near := s.Nearest(entry); near != "" {
			msg += fmt.Sprintf("; did you mean %s?", near.Short())
		}
		return view.Graph{}, fmt.Errorf("%s", msg)
	}
	s.Journeys = map[string]arch.Journey{name: {Entry: entry}}
	return view.Sequence(s, arch.NewRef(arch.KindJourney, name)), nil
}

func formatNames() string {
	var ns []string
	for _, f := range export.Formats() {
		ns = append(ns, f.Name)
	}
	return strings.Join(ns, ", ")
}

// writeGraph renders a picture into a file or to standard output.
func (a *app) writeGraph(g view.Graph, format, out, what string) error {
	if format == "" {
		format = "svg"
		for _, f := range export.Formats() {
			if strings.HasSuffix(filepath.Base(out), f.Ext) {
				format = f.Name
			}
		}
	}
	f, err := export.ByName(format)
	if err != nil {
		return err
	}
	b, err := f.Write(g)
	if err != nil {
		return err
	}
	w, done, err := a.output(out)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return &exit{ExitEnvironment, err}
	}
	if out != "" && out != "-" {
		_, _ = fmt.Fprintf(a.stderr, "%s: %s\n", out, what)
	}
	return done()
}
