package marks

import (
	"path"
	"slices"
	"strings"
)

// Languages, as far as marks tell them apart.
const (
	build    = "build"
	jvm      = "jvm"
	golang   = "go"
	python   = "python"
	script   = "script" // JavaScript and TypeScript
	csharp   = "csharp"
	logxml   = "logxml"   // logback's and log4j's files
	manifest = "manifest" // Kubernetes resources
)

// language of a file by its name; "" for none that has marks.
func language(base, ext string) string {
	switch base {
	case "pom.xml", "build.gradle", "build.gradle.kts", "package.json", "go.mod", "Pipfile", "pyproject.toml", "setup.py", "Gemfile", "composer.json", "mix.exs", "Cargo.toml", "Dockerfile":
		return build
	}
	switch ext {
	case ".csproj", ".fsproj":
		return build
	case ".java", ".kt", ".scala", ".groovy":
		return jvm
	case ".go":
		return golang
	case ".py":
		return python
	case ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx":
		if strings.HasSuffix(base, ".min.js") || strings.HasSuffix(base, ".d.ts") {
			return ""
		}
		return script
	case ".cs":
		return csharp
	case ".xml":
		if strings.HasPrefix(base, "logback") || strings.HasPrefix(base, "log4j") {
			return logxml
		}
	case ".yaml", ".yml":
		return manifest
	case ".txt":
		if strings.HasPrefix(base, "requirements") {
			return build
		}
	}
	return ""
}

// foreign: tests, other people's code and what tools have made.
func foreign(p string) bool {
	base := path.Base(p)
	if strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || strings.Contains(base, ".test.") || strings.Contains(base, ".spec.") || strings.HasSuffix(base, ".pb.go") || strings.HasSuffix(base, "_pb2.py") || strings.HasSuffix(base, "_pb2_grpc.py") || strings.HasSuffix(base, "_pb.js") {
		return true
	}
	dirs := strings.Split(path.Dir(p), "/")
	return slices.ContainsFunc(dirs, func(d string) bool {
		switch d {
		case "test", "tests", "__tests__", "testdata", "testing", "e2e", "vendor", "third_party", "third-party", "node_modules", "bower_components", "site-packages", "target", "dist", "obj", "docs", "genproto":
			return true
		}
		return strings.HasSuffix(d, ".Tests") || strings.HasSuffix(d, ".Test")
	})
}

// blank replaces comments by white space, so that places stay and what is
// commented out does not count. Texts in quotes stay.
func blank(src []byte, lang string) []byte {
	out := append([]byte(nil), src...)
	line, open, end := "//", "/*", "*/"
	switch lang {
	case python, manifest:
		line, open, end = "#", "", ""
	case logxml:
		line, open, end = "", "<!--", "-->"
	case build:
		line, open, end = "", "<!--", "-->" // of Maven and .NET; a name in another comment does no harm
	}
	wipe := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	s := string(src)
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case line != "" && strings.HasPrefix(s[i:], line):
			to := i + lengthTo(s[i:], "\n", 0)
			wipe(i, to)
			i = to
		case open != "" && strings.HasPrefix(s[i:], open):
			to := i + lengthTo(s[i:], end, len(end))
			wipe(i, to)
			i = to
		case lang != logxml && lang != build && (c == '"' || c == '\'' || c == '`'):
			i = quoted(s, i)
		default:
			i++
		}
	}
	return out
}

// lengthTo is the length of s up to a mark and n bytes more, or all of it.
func lengthTo(s, mark string, n int) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + n
	}
	return len(s)
}

// quoted is the index behind a text in quotes that starts at i. A quote that does
// not end on its line is none, but for the back quote.
func quoted(s string, i int) int {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && q != '`':
			j++
		case s[j] == q:
			return j + 1
		case s[j] == '\n' && q != '`':
			return i + 1
		}
	}
	return i + 1
}
