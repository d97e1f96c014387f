// Package protobuf reads Protocol Buffers definitions (proto2, proto3 and
// editions) as contracts. [Parse] reads one file; [Link] resolves the names of
// several, also where an import is missing: what it would have defined may then
// be anything, and the import is a fault.
//
// It only reads.
package protobuf

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// File is a definition file whose names are not resolved yet.
type File struct {
	Path     string
	Package  string
	Services []string // full names, in their order
	Imports  []Import
	Faults   []*doc.Fault // of syntax; what could be read still counts

	src  *doc.File
	res  parser.Result
	desc *descriptorpb.FileDescriptorProto
}

// Import is a file that another names.
type Import struct {
	Path string
	Pos  doc.Pos
}

// Parse reads a file. The error is there when nothing of it could be read.
func Parse(name string, src []byte) (f *File, err error) {
	defer func() {
		if p := recover(); p != nil { // the parser's lexer trips over some texts that are not UTF-8
			f, err = nil, fmt.Errorf("%s: the file is no text that a parser of Protocol Buffers can read: %v", name, p)
		}
	}()
	f = &File{Path: name, src: &doc.File{Path: name, Source: src}}
	h := reporter.NewHandler(reporter.NewReporter(func(err reporter.ErrorWithPos) error {
		at := err.GetPosition()
		f.Faults = append(f.Faults, f.src.FaultAt(&doc.Node{Line: at.Line, Col: at.Col}, doc.Syntax, err.Unwrap().Error(), ""))
		return nil
	}, nil))
	node, err := parser.Parse(name, bytes.NewReader(src), h)
	if node == nil {
		return nil, err
	}
	res, _ := parser.ResultFromAST(node, false, h) // what is wrong went to the handler; the rest counts
	f.res, f.desc = res, res.FileDescriptorProto()
	f.Package = f.desc.GetPackage()
	for _, s := range f.desc.GetService() {
		f.Services = append(f.Services, under(f.Package, s.GetName()))
	}
	for _, d := range node.Decls {
		if im, ok := d.(*ast.ImportNode); ok {
			f.Imports = append(f.Imports, Import{im.Name.AsString(), f.at(im)})
		}
	}
	return f, nil
}

func under(pkg, name string) string { return strings.TrimPrefix(pkg+"."+name, ".") }

func (f *File) at(n ast.Node) doc.Pos {
	if n == nil {
		return doc.Pos{File: f.Path, Line: 1, Col: 1}
	}
	at := f.res.AST().NodeInfo(n).Start()
	return doc.Pos{File: f.Path, Line: max(1, at.Line), Col: max(1, at.Col)}
}

func (f *File) pos(m proto.Message) doc.Pos { return f.at(f.res.Node(m)) }

// Link resolves the names of files among each other and returns the contract of
// each, in their order, and the faults of imports and names. A name that several
// files define is the nearest one's: of the file itself, of an import, of the
// folder with the longest common path.
func Link(files []*File) ([]*contract.Contract, []*doc.Fault) {
	l := &linker{files: files, types: map[string][]*entry{}}
	for _, f := range files {
		for _, m := range f.desc.GetMessageType() {
			l.declare(f, f.Package, m)
		}
		for _, e := range f.desc.GetEnumType() {
			l.put(&entry{file: f, name: under(f.Package, e.GetName()), enum: e})
		}
	}
	var out []*contract.Contract
	for _, f := range files {
		l.imports(f)
		out = append(out, l.contract(f))
	}
	return out, l.faults
}

// entry is a type with where it stands.
type entry struct {
	file  *File
	name  string
	msg   *descriptorpb.DescriptorProto
	enum  *descriptorpb.EnumDescriptorProto
	shape *contract.Shape
}

type linker struct {
	files  []*File
	types  map[string][]*entry
	lost   map[*File]bool // an import of it is missing
	faults []*doc.Fault
}

func (l *linker) put(e *entry) { l.types[e.name] = append(l.types[e.name], e) }

func (l *linker) declare(f *File, scope string, m *descriptorpb.DescriptorProto) {
	name := under(scope, m.GetName())
	l.put(&entry{file: f, name: name, msg: m})
	for _, n := range m.GetNestedType() {
		l.declare(f, name, n)
	}
	for _, e := range m.GetEnumType() {
		l.put(&entry{file: f, name: under(name, e.GetName()), enum: e})
	}
}

// known are the roots of imports that come with compilers and frameworks.
var known = []string{"google/", "gogoproto/", "buf/validate/", "validate/validate.proto", "protoc-gen-openapiv2/", "protoc-gen-swagger/", "opencensus/", "grpc/"}

func (l *linker) imports(f *File) {
	for _, im := range f.Imports {
		if slices.ContainsFunc(l.files, func(g *File) bool { return g.Path == im.Path || strings.HasSuffix(g.Path, "/"+im.Path) }) {
			continue
		}
		if l.lost == nil {
			l.lost = map[*File]bool{}
		}
		l.lost[f] = true
		if !slices.ContainsFunc(known, func(p string) bool { return strings.HasPrefix(im.Path, p) }) {
			l.faults = append(l.faults, f.src.FaultAt(&doc.Node{Line: im.Pos.Line, Col: im.Pos.Col}, doc.Value, "the import "+im.Path+" is not among the files that were read", "what it defines may be anything; name its folder, too"))
		}
	}
}

// find resolves a name as it is written inside a scope.
func (l *linker) find(f *File, scope, name string) *entry {
	if strings.HasPrefix(name, ".") {
		return l.nearest(f, name[1:])
	}
	for {
		if e := l.nearest(f, under(scope, name)); e != nil {
			return e
		}
		if scope == "" {
			return nil
		}
		i := strings.LastIndexByte(scope, '.')
		scope = scope[:max(i, 0)]
	}
}

func (l *linker) nearest(f *File, full string) *entry {
	var best *entry
	score := -1
	for _, e := range l.types[full] {
		s := common(e.file.Path, f.Path)
		switch {
		case e.file == f:
			s = 1 << 30
		case slices.ContainsFunc(f.Imports, func(im Import) bool { return strings.HasSuffix(e.file.Path, im.Path) }):
			s += 1 << 20
		}
		if s > score {
			best, score = e, s
		}
	}
	return best
}

func common(a, b string) int {
	n := 0
	x, y := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}
