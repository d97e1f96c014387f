package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// readJSON reads one or more JSON values, one after the other.
func readJSON(f *File, b *budget) {
	r := &jsonReader{file: f, budget: b, dec: json.NewDecoder(bytes.NewReader(f.Source)), line: 1}
	r.dec.UseNumber()
	for {
		r.skip()
		if r.at >= len(f.Source) {
			return
		}
		n, err := r.value(0)
		if err != nil {
			if !errors.Is(err, errReported) {
				r.syntax(err)
			}
			return
		}
		f.Docs = append(f.Docs, &Document{File: f, Index: len(f.Docs), Root: n})
	}
}

var errReported = errors.New("reported")

type jsonReader struct {
	file   *File
	budget *budget
	dec    *json.Decoder
	// line and col of offset at, moved forward only.
	at, line, lineStart int
}

// skip moves to the start of the next token.
func (r *jsonReader) skip() {
	src := r.file.Source
	for r.moveTo(int(r.dec.InputOffset())); r.at < len(src); {
		switch src[r.at] {
		case ' ', '\t', '\r', '\n', ',', ':':
			r.moveTo(r.at + 1)
		default:
			return
		}
	}
}

func (r *jsonReader) moveTo(offset int) {
	src := r.file.Source
	for r.at < offset && r.at < len(src) {
		if src[r.at] == '\n' {
			r.line, r.lineStart = r.line+1, r.at+1
		}
		r.at++
	}
}

func (r *jsonReader) node() *Node {
	r.skip()
	return &Node{Line: r.line, Col: utf8.RuneCount(r.file.Source[r.lineStart:r.at]) + 1, Style: Flow}
}

func (r *jsonReader) value(depth int) (*Node, error) {
	n := r.node()
	r.budget.left--
	switch {
	case r.budget.left < 0:
		r.budget.spent = true
		r.file.fault(n.Line, n.Col, Limit, fmt.Sprintf("the file has more than %d values", r.budget.limits.Nodes), "")
		return nil, errReported
	case depth > r.budget.limits.Depth:
		r.file.fault(n.Line, n.Col, Limit, fmt.Sprintf("nested more than %d deep", r.budget.limits.Depth), "")
		return nil, errReported
	}
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch x := t.(type) {
	case json.Delim:
		if x == '{' {
			n.Kind = Map
			return n, r.object(n, depth)
		}
		n.Kind = List
		for r.dec.More() {
			it, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, it)
		}
		_, err = r.dec.Token()
		return n, err
	case string:
		n.Kind, n.Style, n.Text = String, Quoted, x
	case json.Number:
		n.Kind, n.Style, n.Text = Int, Plain, x.String()
		if strings.ContainsAny(n.Text, ".eE") {
			n.Kind = Float
		}
	case bool:
		n.Kind, n.Style, n.Text = Bool, Plain, fmt.Sprint(x)
	case nil:
		n.Kind, n.Style, n.Text = Null, Plain, "null"
	}
	return n, nil
}

func (r *jsonReader) object(n *Node, depth int) error {
	seen := map[string]*Node{}
	for r.dec.More() {
		k, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if first := seen[k.Text]; first != nil {
			r.file.fault(k.Line, k.Col, Duplicate, fmt.Sprintf("key %q stands here for the second time, first in line %d", k.Text, first.Line), "which of them counts differs by reader; keep one")
			continue
		}
		seen[k.Text] = k
		n.Entries = append(n.Entries, Entry{Key: k, Value: v})
	}
	_, err := r.dec.Token()
	return err
}

func (r *jsonReader) syntax(err error) {
	offset := int(r.dec.InputOffset())
	var se *json.SyntaxError
	if errors.As(err, &se) && int(se.Offset) > offset {
		offset = int(se.Offset) - 1
	}
	r.moveTo(min(offset, len(r.file.Source)))
	what, hint := strings.TrimPrefix(err.Error(), "json: "), ""
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what, hint = "the file ends inside a value", "was it cut off?"
	}
	r.file.fault(r.line, utf8.RuneCount(r.file.Source[r.lineStart:r.at])+1, Syntax, what, hint)
}
