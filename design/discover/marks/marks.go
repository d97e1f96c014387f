// Package marks finds single lines of source code and build files that decide how
// a service behaves in trouble, and that no reader of syntax trees keeps: a queue
// that forgets a message when it hands it out, a saga that lives in memory, a
// sampler, the form of log lines, how tokens are checked, which libraries watch.
//
// It claims nothing about the architecture. Its documents hold [File]s, for rules
// of the review; a file that was read and has no mark is a document, too, where it
// is a build file, so that "not there" and "not read" differ. Comments, tests and
// other people's code don't count.
//
// Tried on open-telemetry/opentelemetry-demo@054282e, instana/robot-shop@55292e2,
// FudanSELab/train-ticket@813dd01 and GoogleCloudPlatform/microservices-demo@34ffea9.
package marks

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover"
)

// Name of the source.
const Name = "marks"

// maxBytes of a source file that people wrote.
const maxBytes = 1 << 20

// Kind says what a mark is about.
type Kind string

const (
	EarlyAck     Kind = "early-ack"     // a message counts as done before its effect; Value says how
	MemorySaga   Kind = "memory-saga"   // the state of sagas is kept in memory; Value names what keeps it
	Sampler      Kind = "sampler"       // a share of traces is kept, decided at their start; Value is the share
	LogForm      Kind = "log-form"      // "json" or "text"
	TokenCheck   Kind = "token-check"   // how tokens are checked: "shared secret", "public keys", "asking the issuer"
	Tracing      Kind = "tracing"       // a library or agent that traces; Value names it
	Health       Kind = "health"        // something answers whether the service is well
	FeatureFlags Kind = "feature-flags" // a library for flags; Value names it
	Canary       Kind = "canary"        // a resource that releases step by step; Value names its kind
	SplitName    Kind = "split-name"    // the Service that stands for those between which traffic is split
	WholeBuild   Kind = "whole-build"   // a build that takes in the folders below: a parent
	HTTPServer   Kind = "http-server"   // a build with a library that serves HTTP; Value names it
)

// Mark is one such line.
type Mark struct {
	Kind  Kind
	Value string
	Pos   code.Pos
}

// File is a file that was read.
type File struct {
	Path, Dir string
	Build     bool // it says what a module is built with
	Marks     []Mark
}

// Source reads source code and build files for marks.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Code }

// Match takes build files, logging configurations and source files of the
// languages that have marks.
func (*Source) Match(h discover.Head) bool {
	switch language(h.Base, h.Ext) {
	case "":
		return false
	case manifest:
		return h.Size <= maxBytes && h.Has("argoproj.io/", "flagger.app/", "split.smi-spec.io/")
	}
	return h.Size <= maxBytes && !foreign(h.Path)
}

// Read puts out the file where it has marks or is a build file.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	src, err := in.Bytes(maxBytes)
	if err != nil {
		return err
	}
	f := Find(in.Path, src)
	if f.Build || len(f.Marks) > 0 {
		out.Document(discover.Document{Kind: "marks", Name: in.Path, Value: f})
	}
	return nil
}

// Find reads the marks of a file, in the order of their places. Its language is
// known by the name.
func Find(name string, src []byte) *File {
	base, ext := path.Base(name), strings.ToLower(path.Ext(name))
	lang := language(base, ext)
	f := &File{Path: name, Dir: path.Dir(name), Build: lang == build}
	if lang == "" || !mentions(src, lang) {
		return f
	}
	text := blank(src, lang)
	for _, p := range patterns {
		if !slices.Contains(p.langs, lang) || !p.near(text) || p.with != nil && !p.with.Match(text) || p.without != nil && p.without.Match(text) {
			continue
		}
		for _, m := range p.find(text) {
			value := p.value
			if len(m) > 2 && m[2] >= 0 && value == "" {
				value = string(text[m[2]:m[3]])
			}
			if p.drop != nil && p.drop.Match(text[m[0]:m[1]]) {
				continue
			}
			f.Marks = append(f.Marks, Mark{p.kind, value, place(name, text, m[0])})
		}
	}
	slices.SortFunc(f.Marks, func(a, b Mark) int {
		return cmp.Or(a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col, cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	f.Marks = slices.Compact(f.Marks)
	return f
}

// mentions is a quick look, since most files have no mark.
func mentions(src []byte, lang string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return slices.Contains(p.langs, lang) && p.near(src) })
}

func place(file string, src []byte, at int) code.Pos {
	return code.Pos{File: file, Line: 1 + bytes.Count(src[:at], []byte("\n")), Col: at - bytes.LastIndexByte(src[:at], '\n')}
}

var _ discover.Source = (*Source)(nil)
