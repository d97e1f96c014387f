package kustomize

import (
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/yaml"
)

// Why something was left out.
const (
	whyRemote  = "it lies elsewhere, and nothing is fetched"
	whyMissing = "there is no such file or folder"
	whyPlugin  = "plugins are not run"
	whyChart   = "a chart inside a kustomization is not rendered"
	whyVars    = "they are not filled in; replacements took their place"
	whyCopies  = "its patches copy more than is sensible"
)

// cleaner takes out of a kustomization what the copy in memory cannot have.
type cleaner struct {
	l         *loader
	file, dir string
	depth     int
	one       *one
	err       error
}

func (c *cleaner) left(what, why string) {
	if i := strings.IndexByte(what, '\n'); i >= 0 {
		what = what[:i]
	}
	c.l.t.Left = append(c.l.t.Left, Left{c.file, what, why})
}

func (c *cleaner) clean(k map[string]any) error {
	for _, f := range []string{"resources", "bases", "components"} {
		c.list(k, f, c.resource)
	}
	for _, f := range []string{"generators", "transformers", "validators"} {
		c.list(k, f, c.plugin)
	}
	for _, f := range []string{"configurations", "crds"} {
		c.list(k, f, c.path)
	}
	c.unnamed(k)
	c.list(k, "patchesStrategicMerge", func(s string) (string, bool) {
		if strings.Contains(s, "\n") || strings.HasPrefix(strings.TrimSpace(s), "{") {
			return s, true
		}
		return c.path(s)
	})
	for _, f := range []string{"patches", "patchesJson6902", "replacements"} {
		c.tables(k, f, func(m map[string]any) bool { return c.at(m, "path") && c.sane(m) })
	}
	for _, f := range []string{"configMapGenerator", "secretGenerator"} {
		c.tables(k, f, func(m map[string]any) bool {
			c.list(m, "files", func(s string) (string, bool) {
				key, p, named := strings.Cut(s, "=")
				if !named {
					return c.path(s)
				}
				p, ok := c.path(p)
				return key + "=" + p, ok
			})
			c.list(m, "envs", c.path)
			if !c.at(m, "env") {
				delete(m, "env")
			}
			return true
		})
	}
	if m, ok := k["openapi"].(map[string]any); ok && !c.at(m, "path") {
		delete(k, "openapi")
	}
	for _, f := range []string{"helmCharts", "helmChartInflationGenerator"} {
		list, _ := k[f].([]any)
		for _, x := range list {
			m, _ := x.(map[string]any)
			name, _ := m["name"].(string)
			if name == "" {
				name, _ = m["chartName"].(string)
			}
			c.left("chart "+name, whyChart)
		}
		delete(k, f)
	}
	delete(k, "helmGlobals")
	delete(k, "buildMetadata")
	if c.err == nil {
		c.modern(k)
	}
	return c.err
}

// unnamed takes paths that stand among the patches for what they were before
// patches had targets: strategic merges. Left there their files would count as
// manifests.
func (c *cleaner) unnamed(k map[string]any) {
	list, _ := k["patches"].([]any)
	merges, _ := k["patchesStrategicMerge"].([]any)
	var rest []any
	for _, x := range list {
		if s, ok := x.(string); ok {
			merges = append(merges, s)
		} else {
			rest = append(rest, x)
		}
	}
	if len(rest) < len(list) {
		k["patches"], k["patchesStrategicMerge"] = rest, merges
	}
}

// modern writes old fields as those that took their place: the library warns of
// them on standard error, which is not its to write to.
func (c *cleaner) modern(k map[string]any) {
	join := func(field string, more []any) {
		if len(more) > 0 {
			old, _ := k[field].([]any)
			k[field] = append(old, more...)
		}
	}
	old := func(field string) []any {
		l, _ := k[field].([]any)
		delete(k, field)
		return l
	}
	join("resources", old("bases"))
	join("images", old("imageTags"))
	var patches []any
	for _, x := range old("patchesStrategicMerge") {
		s, _ := x.(string)
		if strings.Contains(s, "\n") || strings.HasPrefix(strings.TrimSpace(s), "{") {
			patches = append(patches, map[string]any{"patch": s})
		} else {
			patches = append(patches, map[string]any{"path": s})
		}
	}
	join("patches", append(patches, old("patchesJson6902")...))
	if m, ok := k["commonLabels"].(map[string]any); ok {
		join("labels", []any{map[string]any{"pairs": m, "includeSelectors": true}})
	}
	delete(k, "commonLabels")
	if len(old("vars")) > 0 {
		c.left("vars", whyVars)
	}
}

// list keeps the texts of a list that keep keeps, as it writes them.
func (c *cleaner) list(m map[string]any, field string, keep func(string) (string, bool)) {
	list, ok := m[field].([]any)
	if !ok {
		return
	}
	out := make([]any, 0, len(list))
	for _, x := range list {
		s, ok := x.(string)
		if !ok || c.err != nil {
			continue
		}
		if s, ok = keep(s); ok {
			out = append(out, s)
		}
	}
	m[field] = out
}

func (c *cleaner) tables(m map[string]any, field string, keep func(map[string]any) bool) {
	list, ok := m[field].([]any)
	if !ok {
		return
	}
	out := make([]any, 0, len(list))
	for _, x := range list {
		if t, ok := x.(map[string]any); ok && c.err == nil && keep(t) {
			out = append(out, t)
		}
	}
	m[field] = out
}

// at checks the path under a key; there may be none.
func (c *cleaner) at(m map[string]any, key string) bool {
	s, ok := m[key].(string)
	if !ok || s == "" {
		return true
	}
	p, ok := c.path(s)
	m[key] = p
	return ok
}

// path keeps a file that is there.
func (c *cleaner) path(s string) (string, bool) {
	p := path.Join(c.dir, s)
	if remote(s) || !regular(c.l.fsys, p) {
		c.gone(s)
		return "", false
	}
	return local(s), c.read(p)
}

func (c *cleaner) read(p string) bool {
	b, err := fs.ReadFile(c.l.fsys, p)
	if err == nil {
		err = c.l.keep(p, b)
	}
	if err != nil && c.err == nil {
		c.err = err
	}
	return err == nil
}

func (c *cleaner) gone(s string) {
	if remote(s) {
		c.left(s, whyRemote)
	} else {
		c.left(s, whyMissing)
	}
}

// resource keeps a file, or a folder with a kustomization of its own.
func (c *cleaner) resource(s string) (string, bool) {
	p := path.Join(c.dir, s)
	switch {
	case remote(s):
	case regular(c.l.fsys, p):
		c.one.files = append(c.one.files, p)
		c.one.weight++
		return local(s), c.read(p)
	case folder(c.l.fsys, p) && Find(c.l.fsys, p) != "":
		c.one.dirs = append(c.one.dirs, p)
		if w, ok := c.l.weight[p]; ok { // read before
			c.one.weight = min(c.one.weight+w, 1<<30)
			return local(s), true
		}
		base, err := c.l.folder(p, c.depth+1)
		if err != nil {
			c.err = err
			return "", false
		}
		c.one.weight = min(c.one.weight+base.weight, 1<<30)
		return local(s), true
	}
	c.gone(s)
	return "", false
}

// plugin keeps what kustomize does itself.
func (c *cleaner) plugin(s string) (string, bool) {
	text := []byte(s)
	inline := strings.Contains(s, "\n")
	if !inline {
		p := path.Join(c.dir, s)
		if remote(s) || !regular(c.l.fsys, p) {
			c.left(s, whyPlugin)
			return "", false
		}
		b, err := fs.ReadFile(c.l.fsys, p)
		if err != nil {
			return "", false
		}
		text = b
	}
	for part := range strings.SplitSeq(string(text), "\n---") {
		var m map[string]any
		if yaml.Unmarshal([]byte(part), &m) != nil || m != nil && (m["apiVersion"] != "builtin" || m["kind"] == "HelmChartInflationGenerator" || !c.builtin(m)) {
			c.left(s, whyPlugin)
			return "", false
		}
	}
	if inline {
		return s, true
	}
	return c.path(s)
}

// builtin: one that names files of its own would read them past this cleaning.
func (c *cleaner) builtin(m map[string]any) bool {
	for _, k := range []string{"path", "paths", "files", "envs", "env"} {
		if _, ok := m[k]; ok {
			return false
		}
	}
	return true
}

// maxCopies bounds a patch's copy operations, each of which can double an object.
const maxCopies = 8

func (c *cleaner) sane(m map[string]any) bool {
	text, _ := m["patch"].(string)
	if p, ok := m["path"].(string); ok {
		text += string(c.l.t.content[path.Join(c.dir, p)])
	}
	if strings.Count(text, "copy") > maxCopies {
		c.left("patch", whyCopies)
		return false
	}
	return true
}

// remote: what kustomize would fetch when it is not there.
func remote(s string) bool {
	if strings.Contains(s, "://") || strings.Contains(s, "?ref=") || strings.Contains(s, "::") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "gh:") {
		return true
	}
	first, _, deep := strings.Cut(s, "/")
	return deep && strings.Contains(strings.Trim(first, "."), ".") || strings.Contains(s, ".git/") || strings.Contains(s, "//")
}

// local writes a path so that it cannot be taken for anything but a file's.
func local(s string) string {
	p := path.Clean(s)
	if strings.HasPrefix(p, "../") || p == ".." {
		return p
	}
	return "./" + p
}
