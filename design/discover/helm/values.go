package helm

import (
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/helm"
)

// backing knows which values stand behind the lines of a chart's templates, and
// where those are given.
type backing struct {
	base  string // of paths that people see
	root  fs.FS
	chart string   // folder
	files []string // values files over the chart's own, in the order in which they are laid

	mu    sync.Mutex
	lines map[string]map[int][][]string // by template
	docs  map[string]*doc.Document      // by values file; nil when it cannot be read
}

// maxBehind values of one line are named.
const maxBehind = 3

// Behind names the values that a line of a template prints, with the places where
// they are given: "image.tag at charts/shop/values.yaml:4".
func (b *backing) Behind(p doc.Pos) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := strings.TrimPrefix(p.File, b.base)
	if b.lines[name] == nil {
		text, err := fs.ReadFile(b.root, name)
		if err != nil { // inside an archive
			text = nil
		}
		if b.lines == nil {
			b.lines, b.docs = map[string]map[int][][]string{}, map[string]*doc.Document{}
		}
		b.lines[name] = helm.ValuesAt(text)
		if b.lines[name] == nil {
			b.lines[name] = map[int][][]string{}
		}
	}
	var out []string
	for _, v := range b.lines[name][p.Line] {
		if at := b.given(name, v); at != "" && len(out) < maxBehind {
			out = append(out, strings.Join(v, ".")+" at "+at)
		}
	}
	return strings.Join(out, ", ")
}

// given is where a value is set: in the last file that has it. A sub chart's values
// stand below its name in those of the chart around it, or in its own file.
func (b *backing) given(template string, value []string) string {
	var below []string
	own := b.chart
	rest := strings.TrimPrefix(template, b.chart+"/")
	for {
		after, ok := strings.CutPrefix(rest, "charts/")
		name, next, more := strings.Cut(after, "/")
		if !ok || !more {
			break
		}
		below, own, rest = append(below, name), path.Join(own, "charts", name), next
	}
	full := append(below, value...)
	if value[0] == "global" {
		full = value
	}
	for i := len(b.files) - 1; i >= 0; i-- {
		if at := b.find(b.files[i], full); at != "" {
			return at
		}
	}
	if at := b.find(path.Join(b.chart, "values.yaml"), full); at != "" || own == b.chart {
		return at
	}
	return b.find(path.Join(own, "values.yaml"), value)
}

func (b *backing) find(file string, value []string) string {
	d, seen := b.docs[file]
	if !seen {
		if text, err := fs.ReadFile(b.root, file); err == nil {
			if f := doc.Read(b.base+file, text, nil); len(f.Docs) > 0 {
				d = f.Docs[0]
			}
		}
		b.docs[file] = d
	}
	if d == nil {
		return ""
	}
	n := d.Root.Find(value...)
	if n == nil {
		return ""
	}
	p := d.Pos(n)
	p.Col = 0
	return strings.TrimSuffix(p.String(), ":0")
}
