// Package helm discovers what Helm charts deploy: it renders them with their own
// values and, for each environment that has a values file, with that file over
// them, and shows what comes out to the sources that read manifests. Positions are
// those of the templates.
//
// Values files speak for an environment by their names: values-prod.yaml,
// values.staging.yaml, prod-values.yaml, and prod.yaml or prod/values.yaml in a
// folder called values, env, envs or environments.
package helm

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/helm"
)

// Name of the source, as it stands in the ledger.
const Name = "helm"

// Source renders charts.
type Source struct {
	limits *helm.Limits
}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes Chart.yaml.
func (*Source) Match(h discover.Head) bool { return h.Base == helm.ChartFile }

// Claims takes the chart's templates, values and sub charts: read raw, templates
// are no manifests.
func (*Source) Claims(in *discover.Input) []string {
	dir := path.Dir(in.Rel)
	out := []string{in.Rel}
	for _, n := range []string{"templates", "charts", "crds", "ci", "examples", "tests", "requirements.yaml", "requirements.lock", "Chart.lock", "values.schema.json"} {
		out = append(out, path.Join(dir, n))
	}
	if entries, err := fs.ReadDir(in.Root, dir); err == nil {
		for _, e := range entries {
			if !e.IsDir() && isValues(e.Name()) {
				out = append(out, path.Join(dir, e.Name()))
			}
		}
	}
	for _, v := range valuesFiles(in.Root, dir) {
		out = append(out, v.path)
	}
	return out
}

// Read renders the chart for all its environments.
func (s *Source) Read(ctx context.Context, in *discover.Input, out discover.Sink) error {
	if in.Root == nil {
		return fmt.Errorf("a chart is more than its %s: name its folder", helm.ChartFile)
	}
	dir := path.Dir(in.Rel)
	if parent := includedBy(in.Root, dir); parent != "" {
		return nil // rendered with the chart that it is part of
	}
	c, err := helm.Load(in.Root, dir, s.limits)
	if err != nil {
		return err
	}
	if c.Library() {
		return nil
	}
	base := strings.TrimSuffix(in.Path, in.Rel)
	bundle := "chart " + path.Dir(in.Path)
	done := map[string]bool{}
	note := func(p, why string) { // the same in every environment counts once
		if !done[p+why] {
			done[p+why] = true
			out.Skip(p, why)
		}
	}
	back := func(files []string) *backing { return &backing{base: base, root: in.Root, chart: dir, files: files} }
	n := s.render(ctx, c, nil, discover.Origins{Behind: back(nil), Via: "rendered with the chart's values.yaml", Bundle: bundle, Release: c.Metadata.Name}, base, out, note)
	for _, env := range environments(in.Root, dir) {
		vals := map[string]any{}
		var names []string
		for _, p := range env.files {
			b, err := fs.ReadFile(in.Root, p)
			if err != nil {
				return err
			}
			v, err := helm.ReadValues(b)
			if err != nil {
				note(base+p, "helm: "+err.Error())
				continue
			}
			vals = helm.Lay(vals, v)
			names = append(names, strings.TrimPrefix(p, dir+"/"))
		}
		if len(names) > 0 {
			n += s.render(ctx, c, vals, discover.Origins{Behind: back(env.files), Via: "rendered with " + strings.Join(names, ", "), Environment: env.name, Bundle: bundle, Release: c.Metadata.Name}, base, out, note)
		}
	}
	if n > 0 {
		out.Cover(arch.Coverage{Origin: arch.Config})
	}
	return ctx.Err()
}

// render shows what one rendering gives and lists what it could not.
func (s *Source) render(ctx context.Context, c *helm.Chart, vals map[string]any, o discover.Origins, base string, out discover.Sink, note func(path, why string)) int {
	in := ""
	if o.Environment != "" {
		in = " for " + o.Environment
	}
	r, err := c.Render(ctx, &helm.Options{Values: vals, Limits: s.limits})
	if err != nil {
		note(base+path.Join(c.Dir, helm.ChartFile), "helm: could not be rendered"+in+": "+err.Error())
		return 0
	}
	for _, m := range r.Missing {
		out.Document(discover.Document{Path: base + path.Join(c.Dir, helm.ChartFile), Kind: "helm missing chart", Name: m.String(), Value: &absent{m, c.Metadata.Name}, Origins: o})
		note(base+path.Join(c.Dir, helm.ChartFile), "helm: "+m.String()+" could not be rendered: it is not in charts/ (helm dependency build puts it there)")
	}
	for _, f := range r.Failed {
		note(base+f.Path, "helm: could not be rendered"+in+": "+f.Err.Error())
	}
	for _, f := range r.Files {
		f.Docs.Path = base + f.Path
		for _, x := range f.Docs.Faults {
			x.Pos.File = f.Docs.Path
		}
		out.Input(discover.NewRendered(manifestName(f.Path), f.Docs, f.Text, o))
	}
	return len(r.Files)
}

// manifestName is what a rendered template is called for those who match files by
// their names: a manifest, whatever its template's name.
func manifestName(p string) string {
	return strings.TrimSuffix(path.Base(p), path.Ext(p)) + ".yaml"
}

// includedBy is the chart that renders the one in a folder as part of itself: by
// its charts/ folder, or as a dependency of a file:// repository; "" for none.
func includedBy(root fs.FS, dir string) string {
	for d := dir; d != "." && d != "/"; d = path.Dir(d) {
		if path.Base(path.Dir(d)) == "charts" && exists(root, path.Join(path.Dir(path.Dir(d)), helm.ChartFile)) {
			return path.Dir(path.Dir(d))
		}
	}
	for _, near := range []string{path.Dir(dir), path.Dir(path.Dir(dir))} {
		candidates := []string{near}
		entries, _ := fs.ReadDir(root, near) // unreadable is listed by the walk
		for _, e := range entries[:min(len(entries), 200)] {
			if e.IsDir() {
				candidates = append(candidates, path.Join(near, e.Name()))
			}
		}
		for _, c := range candidates {
			if c != dir && dependsOn(root, c, dir) {
				return c
			}
		}
	}
	return ""
}

func dependsOn(root fs.FS, chart, dir string) bool {
	b, err := fs.ReadFile(root, path.Join(chart, helm.ChartFile))
	if err != nil {
		return false
	}
	m, err := helm.ReadMetadata(b)
	return err == nil && slices.ContainsFunc(m.Dependencies, func(d *helm.Dependency) bool {
		rel, local := strings.CutPrefix(d.Repository, "file://")
		return local && path.Join(chart, rel) == dir
	})
}

func exists(root fs.FS, p string) bool {
	fi, err := fs.Stat(root, p)
	return err == nil && fi.Mode().IsRegular()
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Claimer = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
