package treesource

import (
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
)

// manifest says that a folder is built as one.
type manifest struct {
	dir   string
	name  string   // by the file itself, "" when it is the folder's
	langs []string // extensions that it builds
}

var (
	scripts = []string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs"}
	// manifests by name; a project file of .NET goes by its ending.
	manifests = map[string][]string{
		"package.json": scripts, "requirements.txt": {".py"}, "pyproject.toml": {".py"}, "Pipfile": {".py"}, "setup.cfg": {".py"},
		"Dockerfile": slices.Concat(scripts, []string{".py", ".cs"}),
	}
)

// builds lists what a file of this name builds.
func builds(h discover.Head) []string {
	if h.Ext == ".csproj" {
		return []string{".cs"}
	}
	return manifests[h.Base]
}

// built makes a manifest of a file.
func built(in *discover.Input) *manifest {
	m := &manifest{dir: path.Dir(in.Path), langs: builds(in.Head)}
	if in.Ext == ".csproj" {
		m.name = strings.TrimSuffix(in.Base, path.Ext(in.Base))
	}
	return m
}

// plainDirs are folders that hold the sources of something that their parent
// names.
var plainDirs = []string{"src", "source", "app", "server", "service", "code", "."}

// named is the folder's name, or that of the first above it that says something.
func (m *manifest) named() string {
	for d := m.dir; d != "." && d != "/" && d != ""; d = path.Dir(d) {
		if b := path.Base(d); !slices.Contains(plainDirs, strings.ToLower(b)) && b != ".." {
			return b
		}
	}
	if m.name != "" {
		return m.name
	}
	return "code"
}

// manifested adds a module for every folder with a manifest that no build of the
// JVM has.
func (ms *moduleSet) manifested(ev *discover.Evidence) {
	for _, d := range discover.Of[*manifest](ev.Documents) {
		m := ms.byDir[d.V.dir]
		switch {
		case m == nil:
			ms.byDir[d.V.dir] = &module{name: d.V.named(), dir: d.V.dir, only: slices.Clone(d.V.langs)}
		case m.only != nil:
			m.only = append(m.only, d.V.langs...)
		}
	}
}

// takes reports whether a file may belong to a module: one that is built of
// Python takes no C#.
func (m *module) takes(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	if _, source := languages[ext]; !source || m.only == nil {
		return true
	}
	return slices.Contains(m.only, ext)
}
