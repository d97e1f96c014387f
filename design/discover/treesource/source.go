// Package treesource reads source code by its syntax tree: Java first, and other
// languages at the level of servers, clients and tables. The trees come from a
// [Parser] that is handed in, since the grammars run in processes of their own;
// what a file says is kept by its content, so that a second run parses only what
// has changed.
//
// Nothing is compiled and no library is needed: types are known by name, imports
// and package, calls by the types of fields, parameters and variables. What cannot
// be known that way is left out rather than guessed.
package treesource

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/csharp"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/java"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/python"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/typescript"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
	"github.com/ashlar-dev/ashlar/formats/syntax"
)

// Name of the source, as it stands in the ledger.
const Name = "treesource"

// maxBytes of a source file: what is larger is data or generated.
const maxBytes = 8 << 20

// Parser makes syntax trees. Safe for concurrent use.
type Parser interface {
	// Languages that it knows, such as "java"; none when it was built without.
	Languages() []string
	// Parse reads UTF-8. An error concerns this file alone.
	Parse(ctx context.Context, lang string, src []byte) (*syntax.Tree, error)
}

// Options of a source; the zero value is the default.
type Options struct {
	// Cache keeps what files say between runs; nil keeps nothing.
	Cache *keep.Store
}

// Source reads source files.
type Source struct {
	parser Parser
	cache  *keep.Store
	langs  []string
}

// New returns the source. Without a parser it matches no file.
func New(p Parser, opts *Options) *Source {
	s := &Source{parser: p}
	if p != nil {
		s.langs = p.Languages()
	}
	if opts != nil {
		s.cache = opts.Cache
	}
	return s
}

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Code }

// language is what is known of a kind of source file.
type language struct {
	grammar string
	test    func(path string) bool
	extract func(t *syntax.Tree, path string) *unit.File
}

// languages by extension.
var languages = map[string]language{
	".java": {"java", java.Tests, java.Extract},
	".py":   {"python", python.Tests, python.Extract},
	".ts":   {"typescript", typescript.Tests, typescript.Extract},
	".tsx":  {"tsx", typescript.Tests, typescript.Extract},
	".js":   {"javascript", typescript.Tests, typescript.Extract},
	".jsx":  {"javascript", typescript.Tests, typescript.Extract},
	".mjs":  {"javascript", typescript.Tests, typescript.Extract},
	".cjs":  {"javascript", typescript.Tests, typescript.Extract},
	".cs":   {"csharp", csharp.Tests, csharp.Extract},
}

// Match takes source files of known languages, and files beside them that say
// what they are built with and how they map to tables and routes.
func (s *Source) Match(h discover.Head) bool {
	if s.parser == nil {
		return false
	}
	if _, ok := languages[h.Ext]; ok {
		return !strings.HasSuffix(h.Base, ".d.ts") && !strings.HasSuffix(h.Base, ".min.js")
	}
	return beside(h)
}

// passed is a file that was not read on purpose.
type passed struct{ dir, why string }

// left is a file whose language this build cannot read.
type left struct{ lang string }

// Read puts out what a file says.
func (s *Source) Read(ctx context.Context, in *discover.Input, out discover.Sink) error {
	lang, ok := languages[in.Ext]
	if !ok {
		return readBeside(in, out)
	}
	if dir := vendored(in.Path); dir != "" {
		out.Document(discover.Document{Kind: "passed", Name: in.Path, Value: &passed{dir, "other people's code"}})
		return nil
	}
	if !slices.Contains(s.langs, lang.grammar) {
		out.Document(discover.Document{Kind: "left out", Name: in.Path, Value: &left{lang.grammar}})
		return nil
	}
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	src, err = decode(src)
	if err != nil {
		return err
	}
	f, err := s.unit(ctx, lang, in, src)
	if err != nil {
		return err
	}
	if f.Broken > 0 && len(f.Types) == 0 {
		return fmt.Errorf("it does not parse as %s", lang.grammar)
	}
	out.Document(discover.Document{Kind: "source " + f.Lang, Name: in.Path, Value: f})
	return nil
}

// unit is what the file says, from the cache or by parsing.
func (s *Source) unit(ctx context.Context, lang language, in *discover.Input, src []byte) (*unit.File, error) {
	key := key(lang.grammar, src)
	f := s.kept(key)
	if f == nil {
		tree, err := s.parser.Parse(ctx, lang.grammar, src)
		if err != nil {
			return nil, err
		}
		f = lang.extract(tree, "")
		f.Made = generated(src)
		s.cache.Put(key, f.Append(nil))
	}
	p := in.Path
	f.Path = p
	f.Made = f.Made || strings.Contains(p, "/generated/") || strings.Contains(p, "/generated-sources/")
	f.Test = lang.test(p)
	if f.Package == "" && lang.grammar != "java" && lang.grammar != "csharp" { // files are the modules there
		name := p
		if in.Rel != "" { // types are called alike wherever the folder lies
			name = in.Rel
		}
		f.Package = strings.TrimSuffix(name, path.Ext(name))
	}
	return f, nil
}

// vendored gives the folder of other people's code that the path lies in.
func vendored(p string) string {
	parts := strings.Split(path.Dir(p), "/")
	for i, d := range parts {
		switch d {
		case "vendor", "third_party", "third-party", "thirdparty", "bower_components", "site-packages":
			return strings.Join(parts[:i+1], "/")
		case "target", "build", "dist", "out", "bin", "obj":
			if i > 0 && !slices.Contains(parts[:i], "src") && i+1 < len(parts) { // what a build has put there
				return strings.Join(parts[:i+1], "/")
			}
		}
	}
	return ""
}

var marks = [][]byte{[]byte("Code generated "), []byte("DO NOT EDIT"), []byte("@Generated"), []byte("@generated"), []byte("<auto-generated"), []byte("Generated by the protocol buffer compiler"), []byte("Autogenerated by"), []byte("This file was automatically generated"), []byte("This file is generated by")}

// generated looks for the words that generators leave, before the first type.
func generated(src []byte) bool {
	head := src[:min(len(src), 2000)]
	if i := bytes.Index(head, []byte("class ")); i > 0 {
		head = head[:i]
	}
	return slices.ContainsFunc(marks, func(m []byte) bool { return bytes.Contains(head, m) })
}

// decode makes UTF-8 of what sources are written in: UTF-8, UTF-16 with a mark,
// or an encoding of one byte a character, read as Latin-1.
func decode(src []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(src, []byte{0xef, 0xbb, 0xbf}):
		src = src[3:]
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}), bytes.HasPrefix(src, []byte{0xfe, 0xff}):
		big := src[0] == 0xfe
		src = src[2:]
		u := make([]uint16, 0, len(src)/2)
		for i := 0; i+1 < len(src); i += 2 {
			if big {
				u = append(u, uint16(src[i])<<8|uint16(src[i+1]))
			} else {
				u = append(u, uint16(src[i+1])<<8|uint16(src[i]))
			}
		}
		src = []byte(string(utf16.Decode(u)))
	}
	if bytes.IndexByte(src, 0) >= 0 {
		return nil, fmt.Errorf("it holds zero bytes and is no source text")
	}
	if !utf8.Valid(src) {
		b := make([]byte, 0, len(src)+len(src)/8)
		for _, c := range src {
			b = utf8.AppendRune(b, rune(c))
		}
		src = b
	}
	return src, nil
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
