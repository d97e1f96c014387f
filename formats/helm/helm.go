// Package helm reads Helm charts and renders them in process: values files laid
// over one another, sub charts in charts/ (folders and archives), in folders
// beside (file://), conditions, tags, aliases and import-values, and templates
// with Helm's functions.
//
// It renders as `helm template` does, but for four things, since what it renders
// is read and not applied:
//
//   - Nothing is fetched, looked up or resolved: a dependency that is not vendored
//     is listed, lookup finds nothing, getHostByName is empty.
//   - The same chart gives the same bytes: random texts, keys and certificates are
//     fixed texts, and now is [Epoch].
//   - Work is bounded ([Limits]): steps, time, and how much is made.
//   - Every line knows the place in the template that it came from, and a template
//     that fails does not hide the others.
//
// Semantics are those of Helm 3.
//
// It only reads.
package helm

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// ChartFile is the file that makes a folder a chart.
const ChartFile = "Chart.yaml"

// Epoch is what now is while charts are rendered.
var Epoch = time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)

// Metadata is what Chart.yaml says. Templates see it as .Chart.
type Metadata struct {
	Name         string            `json:"name"`
	Home         string            `json:"home"`
	Sources      []string          `json:"sources"`
	Version      string            `json:"version"`
	Description  string            `json:"description"`
	Keywords     []string          `json:"keywords"`
	Maintainers  []Maintainer      `json:"maintainers"`
	Icon         string            `json:"icon"`
	APIVersion   string            `json:"apiVersion"`
	Condition    string            `json:"condition"`
	Tags         string            `json:"tags"`
	AppVersion   string            `json:"appVersion"`
	Deprecated   bool              `json:"deprecated"`
	Annotations  map[string]string `json:"annotations"`
	KubeVersion  string            `json:"kubeVersion"`
	Dependencies []*Dependency     `json:"dependencies"`
	Type         string            `json:"type"` // application, library
}

// Maintainer of a chart.
type Maintainer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	URL   string `json:"url"`
}

// Dependency is another chart that a chart asks for.
type Dependency struct {
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Repository   string   `json:"repository"`
	Condition    string   `json:"condition"`
	Tags         []string `json:"tags"`
	Enabled      bool     `json:"enabled"`
	ImportValues []any    `json:"import-values"`
	Alias        string   `json:"alias"`
}

// name is what the parent's values call it.
func (d *Dependency) name() string { return cmp.Or(d.Alias, d.Name) }

// File is a file of a chart.
type File struct {
	Name string // in the chart: templates/order.yaml
	Path string // in the file system that it was loaded from; of an archive's files, the archive's with the name behind a colon
	Data []byte
}

// Chart is a chart with its sub charts.
type Chart struct {
	Metadata  Metadata
	Dir       string // in the file system that it was loaded from
	Values    map[string]any
	Templates []File // sorted by name
	CRDs      []File
	Files     []File
	Charts    []*Chart
}

// Library reports whether the chart is only there to be included.
func (c *Chart) Library() bool { return strings.EqualFold(c.Metadata.Type, "library") }

// Limits bound what a chart may ask for; zero fields mean the default.
type Limits struct {
	Files  int           // of a chart with its sub charts; default 5,000
	Bytes  int64         // of all of them; default 64 MiB
	Depth  int           // of sub charts; default 8
	Steps  int           // loop turns and template calls of one rendering; default 2,000,000
	Made   int64         // bytes and values that functions make in one rendering; default 256 Mi
	Output int           // bytes of one template's output; default 16 MiB
	Time   time.Duration // of one rendering; default 20 s
}

func (l *Limits) or() Limits {
	d := Limits{Files: 5000, Bytes: 64 << 20, Depth: 8, Steps: 2_000_000, Made: 256 << 20, Output: 16 << 20, Time: 20 * time.Second}
	if l == nil {
		return d
	}
	return Limits{
		Files: cmp.Or(l.Files, d.Files), Bytes: cmp.Or(l.Bytes, d.Bytes), Depth: cmp.Or(l.Depth, d.Depth),
		Steps: cmp.Or(l.Steps, d.Steps), Made: cmp.Or(l.Made, d.Made), Output: cmp.Or(l.Output, d.Output), Time: cmp.Or(l.Time, d.Time),
	}
}

// ErrLimit is wrapped by errors about something that is more than [Limits] allow.
var ErrLimit = errors.New("over a limit")

// ReadMetadata reads a Chart.yaml.
func ReadMetadata(src []byte) (Metadata, error) {
	var m Metadata
	if err := yaml.Unmarshal(src, &m); err != nil {
		return m, fmt.Errorf("%s: %s", ChartFile, oneLine(err))
	}
	if m.Name == "" || strings.ContainsAny(m.Name, "/\\") {
		return m, fmt.Errorf("%s: it gives no name", ChartFile)
	}
	m.APIVersion = cmp.Or(m.APIVersion, "v1")
	m.Dependencies = slices.DeleteFunc(m.Dependencies, func(d *Dependency) bool { return d == nil || d.Name == "" })
	return m, nil
}

// ReadValues reads a values file. Numbers are float64, as Helm has them.
func ReadValues(src []byte) (map[string]any, error) {
	v := map[string]any{}
	if err := yaml.Unmarshal(src, &v); err != nil {
		return nil, errors.New(oneLine(err))
	}
	if v == nil {
		v = map[string]any{}
	}
	return v, nil
}

func oneLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(strings.TrimPrefix(s, "error converting YAML to JSON: "), "yaml: ")
}

// within reports whether a cleaned path stays inside its file system.
func within(p string) bool { return fs.ValidPath(p) && p != ".." }

func join(dir, name string) string { return path.Clean(path.Join(dir, name)) }
