package helm

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
)

// environment is one with its values files, in the order in which they are laid
// over each other.
type environment struct {
	name  string
	files []string
}

// valuesFile speaks for an environment.
type valuesFile struct {
	path, environment string
}

// folders beside templates/ that hold values by environment.
var folders = []string{"values", "env", "envs", "environment", "environments", "config"}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

// isValues: values.yaml, values-prod.yaml, prod-values.yaml, prod.values.yaml.
func isValues(name string) bool {
	if !isYAML(name) {
		return false
	}
	stem := strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	words := strings.FieldsFunc(stem, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return len(words) > 0 && (words[0] == "values" || words[len(words)-1] == "values")
}

func valuesFiles(root fs.FS, dir string) []valuesFile {
	var out []valuesFile
	add := func(p, name string) {
		if env := discover.EnvironmentOf(strings.TrimSuffix(strings.TrimSuffix(name, "-values"), ".values")); env != "" {
			out = append(out, valuesFile{p, env})
		}
	}
	for _, e := range list(root, dir) {
		if isValues(e.Name()) && e.Type().IsRegular() {
			add(path.Join(dir, e.Name()), strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
		}
	}
	for _, f := range folders {
		for _, e := range list(root, path.Join(dir, f)) {
			p := path.Join(dir, f, e.Name())
			switch {
			case e.Type().IsRegular() && isYAML(e.Name()):
				add(p, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
			case e.IsDir():
				for _, x := range list(root, p) {
					if x.Type().IsRegular() && isValues(x.Name()) {
						add(path.Join(p, x.Name()), e.Name())
					}
				}
			}
		}
	}
	return out
}

func list(root fs.FS, dir string) []fs.DirEntry {
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil // there is no such folder
	}
	return entries
}

func environments(root fs.FS, dir string) []environment {
	by := map[string]*environment{}
	for _, v := range valuesFiles(root, dir) {
		if by[v.environment] == nil {
			by[v.environment] = &environment{name: v.environment}
		}
		by[v.environment].files = append(by[v.environment].files, v.path)
	}
	var out []environment
	for _, e := range by {
		slices.Sort(e.files)
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b environment) int { return cmp.Compare(a.name, b.name) })
	return out
}
