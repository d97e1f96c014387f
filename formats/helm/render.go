package helm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Options of [Chart.Render]; the zero value is the default.
type Options struct {
	Values    map[string]any // over the chart's own; see [Lay]
	Release   string         // default: the chart's name
	Namespace string         // default "default"
	Limits    *Limits
}

// Rendered is a chart as it would be applied.
type Rendered struct {
	Files   []Output // sorted by path
	Missing []Missing
	Failed  []Failure // templates that could not be rendered, sorted by path
}

// Output is what one template, or one file of crds/, gives.
type Output struct {
	Path string // of the template in the file system that the chart was loaded from
	Text []byte
	// Docs are the documents of Text, with places in the template. A namespace
	// that is the release's own is left out of their metadata, as objects without
	// one go there too.
	Docs *doc.File
}

// Failure is a template that could not be rendered.
type Failure struct {
	Path string
	Err  error
}

// Render renders the chart's templates and those of its sub charts. What fails
// is in the result; the error is for a chart that cannot be rendered at all.
func (c *Chart) Render(ctx context.Context, o *Options) (*Rendered, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if c.Library() {
		return nil, errors.New("a library chart is only there to be included")
	}
	r := &rendering{b: newBudget(ctx, opts.Limits.or()), namespace: cmp.Or(opts.Namespace, "default"), out: &Rendered{}}
	name := cmp.Or(opts.Release, c.Metadata.Name)
	top := resolve(c, Lay(opts.Values, nil), "", name, &r.out.Missing)
	vals := coalesced(top, Lay(opts.Values, nil))
	release := map[string]any{"Name": name, "Namespace": r.namespace, "IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm"}
	r.chart(top, top.Metadata.Name, vals, release, true)
	if err := r.parse(); err != nil {
		return nil, err
	}
	for _, f := range r.files {
		if strings.HasPrefix(path.Base(f.name), "_") || f.broken || f.library || strings.HasSuffix(f.name, "NOTES.txt") {
			continue
		}
		if err := r.render(f); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.out.Failed = append(r.out.Failed, Failure{f.path, err})
			if errors.Is(err, ErrLimit) && r.b.made+int64(r.b.steps) > 0 && r.spent() {
				break // the budget is the chart's: the rest would only fail too
			}
		}
	}
	slices.SortStableFunc(r.out.Files, func(a, b Output) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(r.out.Failed, func(a, b Failure) int { return cmp.Compare(a.Path, b.Path) })
	return r.out, nil
}

// rendering is one Render under way.
type rendering struct {
	b         *budget
	namespace string
	files     []*renderable
	root      *template.Template
	out       *Rendered

	current *renderable // whose places are marked
	places  *places
	writer  *output
}

// renderable is a template file with the values that it sees. All files of a
// chart see the same map: what one of them sets in it, those after it find there,
// and charts are built on that (a file of Istio's lays a profile under .Values).
type renderable struct {
	name, base, path string
	text             []byte
	vals             map[string]any
	library          bool
	broken           bool
}

func (r *rendering) spent() bool {
	return r.b.steps > r.b.limits.Steps || r.b.made > r.b.limits.Made || !r.b.end.After(now())
}

// chartView is .Chart.
type chartView struct {
	Metadata
	IsRoot bool
}

// chart gathers the templates of a chart and of its sub charts, and returns what
// they see.
func (r *rendering) chart(c *Chart, full string, vals map[string]any, release map[string]any, root bool) map[string]any {
	subs := map[string]any{}
	sees := map[string]any{
		"Chart": chartView{c.Metadata, root}, "Files": newFiles(c.Files), "Release": release, "Capabilities": capabilities(),
		"Values": vals, "Subcharts": subs,
	}
	for _, s := range c.Charts {
		below, _ := vals[s.Metadata.Name].(map[string]any)
		if below == nil {
			below = map[string]any{}
		}
		subs[s.Metadata.Name] = r.chart(s, full+"/charts/"+s.Metadata.Name, below, release, false)
	}
	for _, t := range c.Templates {
		if c.Library() && !strings.HasPrefix(path.Base(t.Name), "_") {
			continue
		}
		r.files = append(r.files, &renderable{name: full + "/" + t.Name, base: full + "/templates", path: t.Path, text: t.Data, vals: sees, library: c.Library()})
	}
	for _, f := range c.CRDs {
		r.add(Output{Path: f.Path, Text: f.Data, Docs: doc.Read(f.Path, f.Data, nil)})
	}
	return sees
}

// parse parses all templates: those of deeper charts first, so that a chart's own
// definitions win over those of the charts in it.
func (r *rendering) parse() error {
	slices.SortFunc(r.files, func(a, b *renderable) int {
		return cmp.Or(cmp.Compare(strings.Count(b.name, "/"), strings.Count(a.name, "/")), cmp.Compare(b.name, a.name))
	})
	r.root = template.New("chart").Option("missingkey=zero")
	r.root.Funcs(r.funcs(r.root))
	done := map[*parse.Tree]bool{}
	for _, f := range r.files {
		if _, err := r.root.New(f.name).Parse(string(f.text)); err != nil {
			f.broken = true
			r.out.Failed = append(r.out.Failed, Failure{f.path, plain(err)})
		}
	}
	names := map[string]bool{}
	for _, f := range r.files {
		names[f.name] = true
	}
	for _, t := range r.root.Templates() {
		if t.Tree != nil && !done[t.Tree] {
			done[t.Tree] = true
			instrument(t.Root, names[t.Name()])
		}
	}
	return nil
}

// render runs one template file.
func (r *rendering) render(f *renderable) (err error) {
	defer func() {
		if p := recover(); p != nil { // a function of a template that does not expect what it got
			err = fmt.Errorf("%v", p)
		}
	}()
	w := &output{limit: r.b.limits.Output, b: r.b}
	r.current, r.places, r.writer, r.b.depth = f, &places{template: f.text}, w, 0
	f.vals["Template"] = map[string]any{"Name": f.name, "BasePath": f.base}
	if err := r.root.ExecuteTemplate(w, f.name, f.vals); err != nil {
		return plain(err)
	}
	text := w.Bytes()
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if text[len(text)-1] != '\n' { // as Helm ends each file, which a block of text at its end notices
		text = append(text, '\n')
	}
	file := doc.Read(f.path, text, nil)
	from, to, ps := newLines(text), newLines(f.text), r.places
	file.Move(f.path, f.text, func(line, col int) (int, int) { return to.place(ps.source(from.offset(line, col))) })
	r.add(Output{Path: f.path, Text: text, Docs: file})
	return nil
}

// add keeps what is there to be applied: no tests, which only run when asked for.
func (r *rendering) add(o Output) {
	o.Docs.Docs = slices.DeleteFunc(o.Docs.Docs, func(d *doc.Document) bool {
		hook := d.Root.Str("metadata", "annotations", "helm.sh/hook")
		return hook == "test" || strings.HasPrefix(hook, "test-")
	})
	for _, d := range o.Docs.Docs {
		meta := d.Root.Get("metadata")
		if meta.Str("namespace") == r.namespace {
			meta.Entries = slices.DeleteFunc(meta.Entries, func(e doc.Entry) bool { return e.Key.Text == "namespace" })
		}
	}
	if len(o.Docs.Docs)+len(o.Docs.Faults) > 0 {
		r.out.Files = append(r.out.Files, o)
	}
}

// plain drops from a template's error what the file's own name already says.
func plain(err error) error {
	var s stopped
	if errors.As(err, &s) {
		return s.error
	}
	var said told
	if errors.As(err, &said) {
		return said
	}
	msg := err.Error()
	if rest, ok := strings.CutPrefix(msg, "template: "); ok {
		if i := strings.Index(rest, ".yaml:"); i >= 0 {
			rest = "line " + rest[i+len(".yaml:"):]
		}
		msg = rest
	}
	if line, _, more := strings.Cut(msg, "\n"); more {
		msg = line
	}
	return &renderError{msg, err}
}

// renderError keeps the cause behind a message for people.
type renderError struct {
	msg string
	err error
}

func (e *renderError) Error() string { return e.msg }
func (e *renderError) Unwrap() error { return e.err }
