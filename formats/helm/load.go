package helm

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Load reads the chart in a folder. A dependency of a file:// repository is read
// from that folder when it is in fsys and charts/ does not have it. Links are not
// followed.
func Load(fsys fs.FS, dir string, limits *Limits) (*Chart, error) {
	l := &loader{fsys: fsys, limits: limits.or()}
	return l.folder(path.Clean(dir), 0)
}

type loader struct {
	fsys   fs.FS
	limits Limits
	files  int
	bytes  int64
	open   []string // folders being loaded: a file:// dependency on one is a loop
}

func (l *loader) spend(n int64) error {
	l.files++
	l.bytes += n
	if l.files > l.limits.Files || l.bytes > l.limits.Bytes {
		return fmt.Errorf("the chart has more than %d files or %d MiB: %w", l.limits.Files, l.limits.Bytes>>20, ErrLimit)
	}
	return nil
}

func (l *loader) folder(dir string, depth int) (*Chart, error) {
	if slices.Contains(l.open, dir) {
		return nil, fmt.Errorf("%s depends on itself", dir)
	}
	l.open = append(l.open, dir)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	ignored := readIgnore(l.fsys, dir)
	var files []File
	err := fs.WalkDir(l.fsys, dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
		if dir == "." {
			name = p
		}
		if p == dir {
			return nil
		}
		if d.IsDir() {
			if ignored(name, true) || d.Name() == ".git" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || ignored(name, false) || !wanted(name) {
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if err := l.spend(fi.Size()); err != nil {
			return err
		}
		b, err := fs.ReadFile(l.fsys, p)
		files = append(files, File{Name: name, Path: p, Data: b})
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.chart(dir, files, depth)
}

// wanted leaves out what no template can ask for sensibly: a chart at the root of
// a repository has the whole repository as its files.
func wanted(name string) bool {
	first, _, deep := strings.Cut(name, "/")
	if !deep || first == "templates" || first == "charts" || first == "crds" {
		return true
	}
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".tpl", ".txt", ".conf", ".cfg", ".ini", ".properties", ".toml", ".xml", ".sh", ".sql", ".lua", ".env", ".tgz":
		return true
	}
	return false
}

// chart makes a chart of its files.
func (l *loader) chart(dir string, files []File, depth int) (*Chart, error) {
	if depth > l.limits.Depth {
		return nil, fmt.Errorf("sub charts nest more than %d deep: %w", l.limits.Depth, ErrLimit)
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	c := &Chart{Dir: dir, Values: map[string]any{}}
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == ChartFile })
	if i < 0 {
		return nil, fmt.Errorf("%s has no %s", dir, ChartFile)
	}
	var err error
	if c.Metadata, err = ReadMetadata(files[i].Data); err != nil {
		return nil, err
	}
	subs := map[string][]File{}
	for _, f := range files {
		switch first, rest, _ := strings.Cut(f.Name, "/"); {
		case f.Name == ChartFile || f.Name == "Chart.lock" || f.Name == "values.schema.json":
		case f.Name == "values.yaml":
			if c.Values, err = ReadValues(f.Data); err != nil {
				return nil, fmt.Errorf("%s: %w", f.Path, err)
			}
		case f.Name == "requirements.yaml":
			var m Metadata
			if yaml.Unmarshal(f.Data, &m) == nil && len(c.Metadata.Dependencies) == 0 {
				c.Metadata.Dependencies = slices.DeleteFunc(m.Dependencies, func(d *Dependency) bool { return d == nil || d.Name == "" })
			}
		case first == "templates":
			c.Templates = append(c.Templates, f)
		case first == "crds":
			c.CRDs = append(c.CRDs, f)
		case first == "charts":
			if sub, inner, ok := strings.Cut(rest, "/"); ok {
				subs[sub] = append(subs[sub], File{inner, f.Path, f.Data})
			} else if strings.HasSuffix(rest, ".tgz") {
				subs[rest] = []File{f}
			}
		default:
			c.Files = append(c.Files, f)
		}
	}
	return c, l.subCharts(c, subs, depth)
}

func (l *loader) subCharts(c *Chart, subs map[string][]File, depth int) error {
	names := make([]string, 0, len(subs))
	for n := range subs {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if strings.HasPrefix(n, "_") || strings.HasPrefix(n, ".") {
			continue
		}
		sub, err := l.subChart(c, n, subs[n], depth)
		if err != nil {
			return fmt.Errorf("charts/%s: %w", n, err)
		}
		if sub != nil {
			c.Charts = append(c.Charts, sub)
		}
	}
	for _, d := range c.Metadata.Dependencies {
		rel, local := strings.CutPrefix(d.Repository, "file://")
		dir := join(c.Dir, rel)
		if !local || l.fsys == nil || !within(dir) || slices.ContainsFunc(c.Charts, func(x *Chart) bool { return x.Metadata.Name == d.Name }) {
			continue
		}
		if _, err := fs.Stat(l.fsys, path.Join(dir, ChartFile)); err != nil {
			continue // listed as not vendored when the chart is rendered
		}
		sub, err := l.folder(dir, depth+1)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Repository, err)
		}
		c.Charts = append(c.Charts, sub)
	}
	return nil
}

func (l *loader) subChart(c *Chart, n string, files []File, depth int) (*Chart, error) {
	if strings.HasSuffix(n, ".tgz") {
		return l.archive(files[0], depth+1)
	}
	if !slices.ContainsFunc(files, func(f File) bool { return f.Name == ChartFile }) {
		return nil, nil // a folder that is no chart
	}
	return l.chart(join(c.Dir, "charts/"+n), files, depth+1)
}

// archive reads a packed chart. Its files' path is the archive's with the name
// behind a colon.
func (l *loader) archive(f File, depth int) (*Chart, error) {
	z, err := gzip.NewReader(bytes.NewReader(f.Data))
	if err != nil {
		return nil, err
	}
	var files []File
	for r := tar.NewReader(io.LimitReader(z, l.limits.Bytes)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		_, name, ok := strings.Cut(path.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || !ok || !within(name) {
			continue
		}
		if err := l.spend(h.Size); err != nil {
			return nil, err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Path: f.Path + ":" + name, Data: b})
	}
	inner := &loader{limits: l.limits, files: l.files, bytes: l.bytes} // its file:// repositories lie nowhere
	c, err := inner.chart(f.Path+":", files, depth)
	l.files, l.bytes = inner.files, inner.bytes
	return c, err
}

// readIgnore reads .helmignore: one pattern a line, on the name or, with a slash,
// on the whole path; ! takes back; a slash at the end means folders only.
func readIgnore(fsys fs.FS, dir string) func(name string, folder bool) bool {
	b, err := fs.ReadFile(fsys, path.Join(dir, ".helmignore"))
	if err != nil || len(b) > 1<<16 {
		return func(string, bool) bool { return false }
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return func(name string, folder bool) bool {
		out := false
		for _, p := range lines {
			p, back := strings.CutPrefix(p, "!")
			p, only := strings.CutSuffix(p, "/")
			if only && !folder {
				continue
			}
			on := path.Base(name)
			if strings.Contains(p, "/") {
				on = name
			}
			if ok, err := path.Match(strings.TrimPrefix(p, "/"), on); err == nil && ok {
				out = !back
			}
		}
		return out
	}
}
