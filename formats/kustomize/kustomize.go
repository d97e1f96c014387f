// Package kustomize reads kustomizations and builds them in process, with
// kustomize's own library on a copy in memory.
//
// The copy holds only what a kustomization names and what lies in the given file
// system. Whatever else it names (a remote base, a URL, a file that is not there,
// a plugin, a chart) is taken out before the library sees it and is listed, so
// that nothing is fetched and no program is started, and the rest still counts.
//
// It only reads.
package kustomize

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Names of the file that makes a folder a kustomization.
var Names = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Left is something that a kustomization names and that was left out.
type Left struct {
	Path string // of the kustomization's file
	What string // as it stands there
	Why  string
}

// Limits bound what a kustomization may ask for; zero fields mean the default.
type Limits struct {
	Files   int   // default 5,000
	Bytes   int64 // of all of them; default 32 MiB
	Depth   int   // of bases; default 32
	Objects int   // files that the bases stand for, each as often as it is used; default 20,000
}

func (l *Limits) or() Limits {
	d := Limits{Files: 5000, Bytes: 32 << 20, Depth: 32, Objects: 20_000}
	if l == nil {
		return d
	}
	return Limits{cmp.Or(l.Files, d.Files), cmp.Or(l.Bytes, d.Bytes), cmp.Or(l.Depth, d.Depth), cmp.Or(l.Objects, d.Objects)}
}

// ErrLimit is wrapped by errors about something that is more than [Limits] allow.
var ErrLimit = errors.New("over a limit")

// Tree is a kustomization with all that it leads to.
type Tree struct {
	Dir       string
	Component bool
	Bases     []string // folders that it names itself, sorted: bases, overlays, components
	Resources []string // files that it names itself as resources, sorted
	Files     []string // all files that it leads to, kustomizations included, sorted
	Left      []Left   // sorted

	content map[string][]byte // by path; kustomizations cleaned
	sources map[string][]byte // kustomizations as they are
	objects int
}

// Load reads the kustomization in a folder. Links are not followed.
func Load(fsys fs.FS, dir string, limits *Limits) (*Tree, error) {
	l := &loader{fsys: fsys, limits: limits.or(), t: &Tree{Dir: path.Clean(dir), content: map[string][]byte{}, sources: map[string][]byte{}}, weight: map[string]int{}}
	k, err := l.folder(l.t.Dir, 0)
	if err != nil {
		return nil, err
	}
	t := l.t
	t.Component, t.Bases, t.Resources, t.objects = k.component, k.dirs, k.files, k.weight
	slices.Sort(t.Bases)
	t.Bases = slices.Compact(t.Bases)
	slices.Sort(t.Resources)
	for p := range t.content {
		t.Files = append(t.Files, p)
	}
	slices.Sort(t.Files)
	slices.SortFunc(t.Left, func(a, b Left) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why))
	})
	t.Left = slices.Compact(t.Left)
	if t.objects > l.limits.Objects {
		return t, fmt.Errorf("its bases stand for more than %d files: %w", l.limits.Objects, ErrLimit)
	}
	return t, nil
}

// Find is the kustomization's file in a folder, or "".
func Find(fsys fs.FS, dir string) string {
	for _, n := range Names {
		if p := path.Join(dir, n); regular(fsys, p) {
			return p
		}
	}
	return ""
}

type loader struct {
	fsys   fs.FS
	limits Limits
	t      *Tree
	bytes  int64
	open   []string
	weight map[string]int // files that a folder stands for
}

// one is a kustomization as far as it is its own.
type one struct {
	component   bool
	dirs, files []string
	weight      int
}

func (l *loader) folder(dir string, depth int) (*one, error) {
	file := Find(l.fsys, dir)
	if file == "" {
		return nil, fmt.Errorf("%s: there is no kustomization", dir)
	}
	if slices.Contains(l.open, dir) {
		return nil, fmt.Errorf("%s: it is its own base", file)
	}
	if depth > l.limits.Depth {
		return nil, fmt.Errorf("%s: bases nest more than %d deep: %w", file, l.limits.Depth, ErrLimit)
	}
	l.open = append(l.open, dir)
	defer func() { l.open = l.open[:len(l.open)-1] }()
	src, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		return nil, err
	}
	k := map[string]any{}
	if err := yaml.Unmarshal(src, &k); err != nil {
		msg, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(msg, "error converting YAML to JSON: yaml: "))
	}
	c := &cleaner{l: l, file: file, dir: dir, depth: depth, one: &one{component: k["kind"] == "Component", weight: 1}}
	if err := c.clean(k); err != nil {
		return nil, err
	}
	clean, err := yaml.Marshal(k)
	if err != nil {
		return nil, err
	}
	l.t.sources[file] = src
	if err := l.keep(file, clean); err != nil {
		return nil, err
	}
	l.weight[dir] = c.one.weight
	return c.one, nil
}

func (l *loader) keep(p string, b []byte) error {
	if _, ok := l.t.content[p]; ok {
		return nil
	}
	l.bytes += int64(len(b))
	l.t.content[p] = b
	if len(l.t.content) > l.limits.Files || l.bytes > l.limits.Bytes {
		return fmt.Errorf("it leads to more than %d files or %d MiB: %w", l.limits.Files, l.limits.Bytes>>20, ErrLimit)
	}
	return nil
}

// regular reports whether a path leads to a file, over no link.
func regular(fsys fs.FS, p string) bool {
	fi, ok := lstat(fsys, p)
	return ok && fi.Mode().IsRegular()
}

func folder(fsys fs.FS, p string) bool {
	fi, ok := lstat(fsys, p)
	return ok && fi.IsDir()
}

func lstat(fsys fs.FS, p string) (fs.FileInfo, bool) {
	if !fs.ValidPath(p) {
		return nil, false
	}
	for i := 0; i < len(p); i++ {
		if p[i] == '/' {
			if fi, err := fs.Lstat(fsys, p[:i]); err != nil || fi.Mode()&fs.ModeSymlink != 0 {
				return nil, false
			}
		}
	}
	fi, err := fs.Lstat(fsys, p)
	return fi, err == nil
}
