// Package doc reads documents in YAML and JSON and never forgets where things
// stand: every node has its line and column, strict decoding into Go structs
// reports every fault with its place and the nearest known name, and edits change
// the bytes that they mean and no others.
//
// A file is read whole and within [Limits]: size, number of nodes, depth, what
// aliases expand to. What is over a limit is a fault, not an allocation. A file
// may hold many documents; a fault in one does not hide the others.
package doc

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// Limits bound what a file may ask for; zero fields mean the default.
type Limits struct {
	Bytes int // size of a file; default 16 MiB
	Nodes int // nodes of a file, aliases expanded; default 1,000,000
	Depth int // nesting; default 200
}

func (l *Limits) or() Limits {
	d := Limits{16 << 20, 1_000_000, 200}
	if l == nil {
		return d
	}
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Nodes > 0 {
		d.Nodes = l.Nodes
	}
	if l.Depth > 0 {
		d.Depth = l.Depth
	}
	return d
}

// File is a file with its documents.
type File struct {
	Path   string
	Source []byte // as read; UTF-8
	Docs   []*Document
	Faults []*Fault // of syntax, and limits reached
	// Inside says that the file is a text in another one of the same path; see
	// [Document.Embedded], or made of one; see [File.Move].
	Inside bool

	moved bool // Source is not what the documents were read from
}

// Document is one of the documents of a file.
type Document struct {
	File  *File
	Index int // within the file, from 0
	Root  *Node
}

// ReadFrom reads a file of at most limits.Bytes from r.
func ReadFrom(path string, r io.Reader, limits *Limits) (*File, error) {
	n := limits.or().Bytes
	src, err := io.ReadAll(io.LimitReader(r, int64(n)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return Read(path, src, limits), nil
}

// Read reads a file. Its documents are what could be read; Faults tells the rest.
// A path that ends in .json is JSON; anything else is YAML, and JSON where it
// looks like it.
func Read(path string, src []byte, limits *Limits) *File {
	f := &File{Path: path, Source: toUTF8(src)}
	l := limits.or()
	if len(src) > l.Bytes {
		f.Source = nil
		f.fault(1, 1, Limit, fmt.Sprintf("the file is larger than %s", size(l.Bytes)), "is it a configuration file at all?")
		return f
	}
	b := &budget{limits: l, left: l.Nodes}
	trimmed := bytes.TrimLeft(f.Source, " \t\r\n")
	looksJSON := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	if strings.HasSuffix(path, ".json") || looksJSON {
		readJSON(f, b)
		if len(f.Faults) == 0 || strings.HasSuffix(path, ".json") {
			return f
		}
		f.Docs, f.Faults = nil, nil // flow YAML begins like JSON
		b.left = l.Nodes
	}
	readYAML(f, b)
	return f
}

// Err joins the file's faults; nil when there are none.
func (f *File) Err() error { return joinFaults(f.Faults) }

// FaultAt makes a fault about a node of the file, for readers that check more
// than the types. It is not added to Faults.
func (f *File) FaultAt(n *Node, k FaultKind, what, hint string) *Fault {
	x := &Fault{Kind: k, Pos: Pos{File: f.Path}, What: what, Hint: hint, file: f}
	if n != nil {
		x.Pos.Line, x.Pos.Col = n.Line, n.Col
	}
	return x
}

func (f *File) fault(line, col int, k FaultKind, what, hint string) {
	f.Faults = append(f.Faults, &Fault{Kind: k, Pos: Pos{f.Path, line, col}, What: what, Hint: hint, file: f})
}

// line returns a line of the source without its end, from 1.
func (f *File) line(n int) string {
	src := f.Source
	for ; n > 1; n-- {
		i := bytes.IndexByte(src, '\n')
		if i < 0 {
			return ""
		}
		src = src[i+1:]
	}
	if i := bytes.IndexByte(src, '\n'); i >= 0 {
		src = src[:i]
	}
	return strings.TrimSuffix(string(src), "\r")
}

// budget counts nodes across the documents of a file.
type budget struct {
	limits Limits
	left   int
	spent  bool // the fault was reported
}

// toUTF8 drops a byte order mark and converts UTF-16 that has one.
func toUTF8(b []byte) []byte {
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		return b[3:]
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}), bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		big := b[0] == 0xFE
		u := make([]uint16, 0, len(b)/2)
		for b = b[2:]; len(b) >= 2; b = b[2:] {
			if big {
				u = append(u, uint16(b[0])<<8|uint16(b[1]))
			} else {
				u = append(u, uint16(b[1])<<8|uint16(b[0]))
			}
		}
		return []byte(string(utf16.Decode(u)))
	}
	return b
}

func size(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
