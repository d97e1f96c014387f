package report

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// around is how many lines a page shows before and behind a place.
const around = 3

// snippets shows lines of the files that evidence stands in, without their
// secrets.
type snippets struct {
	files map[string]*doc.File
	lines map[string][]string // by path, made when first asked for
	read  func(string) ([]byte, error)
}

func newSnippets(docs []discover.Document, read func(string) ([]byte, error)) *snippets {
	s := &snippets{map[string]*doc.File{}, map[string][]string{}, read}
	for _, d := range docs {
		if d.Doc != nil {
			s.files[d.Doc.File.Path] = d.Doc.File
		}
	}
	return s
}

func (s *snippets) around(file string, line int) []pageLine {
	if file == "" || line == 0 {
		return nil
	}
	lines, ok := s.lines[file]
	if !ok {
		if f := s.files[file]; f != nil {
			lines = masked(f)
		} else if s.read != nil && !structured(file) {
			if b, err := s.read(file); err == nil && len(b) < maxSource && !bytes.ContainsRune(b, 0) {
				lines = maskedCode(b)
			}
		}
		s.lines[file] = lines
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
		out = append(out, short(doc.Redact(text)))
	}
	return out
}

// maxSource bounds the source files whose lines are shown: a larger one is
// generated.
const maxSource = 2 << 20

var (
	// literal is a text as most languages write it.
	literal = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)+\"|'(?:[^'\\\\]|\\\\.)+'|`[^`]+`")
	element = regexp.MustCompile(`>[^<>]+<`)
)

// maskedCode is source code without its secrets: every text on a line that speaks
// of one, and what looks like a credential by itself.
func maskedCode(src []byte) []string {
	var out []string
	for l := range bytes.SplitSeq(src, []byte("\n")) {
		text := strings.TrimRight(strings.ToValidUTF8(string(l), "\uFFFD"), "\r")
		if doc.SecretName(text + " ") { // the blank: what ends in tokenUrl is harmless as a name, not as a line
			text = literal.ReplaceAllStringFunc(text, func(s string) string { return s[:1] + doc.Mask + s[len(s)-1:] })
			text = element.ReplaceAllString(text, ">"+doc.Mask+"<")
		}
		out = append(out, short(doc.RedactLine(text)))
	}
	return out
}

// structured: whose secrets show by their place only, and which could not be read
// as what they are.
func structured(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

func short(line string) string {
	if r := []rune(line); len(r) > 240 {
		return string(r[:240]) + "…"
	}
	return line
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
