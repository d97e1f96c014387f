package report

import (
	"bytes"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// around is how many lines a page shows before and behind a place.
const around = 3

// snippets shows lines of the files that were read, without their secrets.
type snippets struct {
	files map[string]*doc.File
	lines map[string][]string // by path, made when first asked for
}

func newSnippets(docs []discover.Document) *snippets {
	s := &snippets{map[string]*doc.File{}, map[string][]string{}}
	for _, d := range docs {
		if d.Doc != nil {
			s.files[d.Doc.File.Path] = d.Doc.File
		}
	}
	return s
}

func (s *snippets) around(path string, line int) []pageLine {
	f := s.files[path]
	if f == nil || line == 0 {
		return nil
	}
	lines, ok := s.lines[path]
	if !ok {
		lines = masked(f)
		s.lines[path] = lines
	}
	var out []pageLine
	for n := max(1, line-around); n <= min(len(lines), line+around); n++ {
		out = append(out, pageLine{n, lines[n-1], n == line})
	}
	return out
}

// masked is a file's lines with its secrets replaced: values of keys and
// variables with a secret's name, everything in a Secret, and what looks like a
// credential by itself.
func masked(f *doc.File) []string {
	found := map[string]bool{}
	for _, d := range f.Docs {
		secrets(d.Root, d.Root.Str("kind") == "Secret", found)
	}
	var words []string
	for w := range found {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	var out []string
	for l := range bytes.SplitSeq(f.Source, []byte("\n")) {
		text := strings.TrimRight(string(l), "\r")
		for _, w := range words {
			text = strings.ReplaceAll(text, w, doc.Mask)
		}
		text = doc.Redact(text)
		if r := []rune(text); len(r) > 240 {
			text = string(r[:240]) + "…"
		}
		out = append(out, text)
	}
	return out
}

// secrets gathers the texts below a node that must not be shown.
func secrets(n *doc.Node, all bool, found map[string]bool) {
	if n == nil {
		return
	}
	named := doc.SecretName(n.Str("name"))
	for _, e := range n.Entries {
		hide := doc.SecretName(e.Key.Text) || named && e.Key.Text == "value" || all && (e.Key.Text == "data" || e.Key.Text == "stringData")
		if hide {
			texts(e.Value, found)
			continue
		}
		secrets(e.Value, all || e.Value.Str("kind") == "Secret", found)
	}
	for _, it := range n.Items {
		secrets(it, all || it.Str("kind") == "Secret", found)
	}
}

func texts(n *doc.Node, found map[string]bool) {
	if n.Kind != doc.Map && n.Kind != doc.List {
		for l := range strings.SplitSeq(n.Text, "\n") { // a block scalar stands on several lines
			if l = strings.TrimSpace(l); len(l) > 2 {
				found[l] = true
			}
		}
		return
	}
	for _, e := range n.Entries {
		texts(e.Value, found)
	}
	for _, it := range n.Items {
		texts(it, found)
	}
}
