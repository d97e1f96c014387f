package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sandbox confines paths to the folders that the server was started with.
type sandbox struct{ roots []string } // absolute, without links

func newSandbox(roots []string) (*sandbox, error) {
	b := &sandbox{}
	for _, r := range roots {
		abs, err := filepath.Abs(r)
		if err != nil {
			return nil, &exit{ExitEnvironment, err}
		}
		real, err := filepath.EvalSymlinks(abs)
		if err != nil {
			return nil, fmt.Errorf("root %s: %w", r, err)
		}
		if fi, err := os.Stat(real); err != nil || !fi.IsDir() {
			return nil, fmt.Errorf("root %s: want a folder", r)
		}
		b.roots = append(b.roots, real)
	}
	return b, nil
}

// paths resolves what a caller names: relative to a root, or absolute inside of
// one; links are followed before it is judged. None means all roots.
func (b *sandbox) paths(names []string) ([]string, error) {
	if len(names) == 0 {
		return b.roots, nil
	}
	if len(names) > 100 {
		return nil, fmt.Errorf("%d paths: name at most 100, folders rather than files", len(names))
	}
	var out []string
	for _, n := range names {
		p, err := b.path(n)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (b *sandbox) path(name string) (string, error) {
	if name == "-" || name == "" || len(name) > 4096 || strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("path %.40q: want a file or folder below %s", name, strings.Join(b.roots, " or "))
	}
	tries := []string{name}
	if !filepath.IsAbs(name) {
		tries = nil
		for _, r := range b.roots {
			tries = append(tries, filepath.Join(r, name))
		}
	}
	for _, t := range tries {
		real, err := filepath.EvalSymlinks(t)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("path %s: it cannot be read", name)
		}
		if b.holds(real) {
			return real, nil
		}
		return "", fmt.Errorf("path %s leads outside of %s", name, strings.Join(b.roots, " and "))
	}
	// Whether something outside exists is nobody's business.
	return "", fmt.Errorf("path %s: there is no such file or folder below %s", name, strings.Join(b.roots, " or "))
}

func (b *sandbox) holds(real string) bool {
	for _, r := range b.roots {
		if rel, err := filepath.Rel(r, real); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// target is a file to write, which need not exist: its folder must be inside.
func (b *sandbox) target(name string) (string, error) {
	dir, err := b.path(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, filepath.Base(name))
	if fi, err := os.Lstat(file); err == nil && !fi.Mode().IsRegular() {
		return "", fmt.Errorf("path %s: want a file that is no link", name)
	}
	return file, nil
}
