package helm

import (
	"encoding/base64"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// files is .Files: what lies in a chart besides its templates.
type files map[string][]byte

func newFiles(list []File) files {
	m := files{}
	for _, f := range list {
		m[f.Name] = f.Data
	}
	return m
}

// GetBytes is empty for a file that is not there.
func (f files) GetBytes(name string) []byte {
	if b, ok := f[name]; ok {
		return b
	}
	return []byte{}
}

func (f files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob takes * within a folder, ** across, ?, [a-z], {a,b}.
func (f files) Glob(pattern string) files {
	re, err := regexp.Compile(globExpression(pattern))
	out := files{}
	for name, b := range f {
		if err != nil || re.MatchString(name) { // as Helm: a pattern that is none takes all
			out[name] = b
		}
	}
	return out
}

func globExpression(p string) string {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '*':
			if i+1 < len(p) && p[i+1] == '*' {
				i++
				b.WriteString(".*")
			} else {
				b.WriteString("[^/]*")
			}
		case '?':
			b.WriteString("[^/]")
		case '{':
			b.WriteString("(?:")
		case '}':
			b.WriteString(")")
		case ',':
			b.WriteString("|")
		case '[', ']', '-':
			b.WriteByte(c)
		case '!':
			if i > 0 && p[i-1] == '[' {
				b.WriteByte('^')
			} else {
				b.WriteByte('!')
			}
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String() + "$"
}

// AsConfig writes the files as the data of a ConfigMap, by their base names.
func (f files) AsConfig() string { return f.data(func(b []byte) string { return string(b) }) }

// AsSecrets writes them as those of a Secret.
func (f files) AsSecrets() string { return f.data(base64.StdEncoding.EncodeToString) }

func (f files) data(write func([]byte) string) string {
	if f == nil {
		return ""
	}
	m := map[string]string{}
	for name, b := range f {
		m[path.Base(name)] = write(b)
	}
	b, err := yaml.Marshal(m)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// Lines of a file.
func (f files) Lines(name string) []string {
	s := strings.TrimSuffix(string(f[name]), "\n")
	if s == "" {
		return []string{}
	}
	return strings.Split(s, "\n")
}
