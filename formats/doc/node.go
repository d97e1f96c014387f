package doc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Pos is a place in a file.
type Pos struct {
	File      string
	Line, Col int // from 1; columns count characters
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Kind is what a node is.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	Map
	List
)

func (k Kind) String() string {
	return [...]string{"nothing", "true or false", "a whole number", "a number", "text", "a mapping", "a list"}[k]
}

// Style is how a scalar is written.
type Style uint8

const (
	Plain Style = iota
	Quoted
	Block
	Flow // of a map or list: {a: 1}, [1, 2]
)

// Node is a value in a document. Nodes that an alias names are shared.
type Node struct {
	Kind    Kind
	Style   Style
	Text    string  // of a scalar
	Entries []Entry // of a map, in their order
	Items   []*Node // of a list
	Line    int
	Col     int
	Tag     string // an explicit local tag such as !reference
}

// Entry is one key of a map with its value.
type Entry struct {
	Key   *Node
	Value *Node
	Merge bool // came by a merge key (<<)
}

// Get returns the value under a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key.Text == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// KeyNode returns the node of a key itself, or nil.
func (n *Node) KeyNode(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key.Text == key {
			return n.Entries[i].Key
		}
	}
	return nil
}

// Find follows keys and list indices; nil when there is no such place.
func (n *Node) Find(path ...string) *Node {
	for _, p := range path {
		if n == nil {
			return nil
		}
		if n.Kind == List {
			i, err := strconv.Atoi(p)
			if err != nil || i < 0 || i >= len(n.Items) {
				return nil
			}
			n = n.Items[i]
			continue
		}
		n = n.Get(p)
	}
	return n
}

// Str returns the text of the scalar at a path, or "".
func (n *Node) Str(path ...string) string {
	if m := n.Find(path...); m != nil && m.Kind != Map && m.Kind != List {
		return m.Text
	}
	return ""
}

// Native returns n as map[string]any, []any, string, int64, float64, bool, nil.
func (n *Node) Native() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Map:
		m := make(map[string]any, len(n.Entries))
		for _, e := range n.Entries {
			m[e.Key.Text] = e.Value.Native()
		}
		return m
	case List:
		l := make([]any, len(n.Items))
		for i, it := range n.Items {
			l[i] = it.Native()
		}
		return l
	case Bool:
		return n.Text == "true"
	case Int:
		if i, err := parseInt(n.Text); err == nil {
			return i
		}
	case Float:
		if f, err := parseFloat(n.Text); err == nil {
			return f
		}
	case Null:
		return nil
	}
	return n.Text
}

// JSON returns n as JSON.
func (n *Node) JSON() json.RawMessage {
	b, err := json.Marshal(n.Native())
	if err != nil { // .inf and .nan have no JSON
		b, _ = json.Marshal(n.Text)
	}
	return b
}

// Pos is the place of a node of this document.
func (d *Document) Pos(n *Node) Pos {
	if n == nil {
		return Pos{File: d.File.Path}
	}
	return Pos{d.File.Path, n.Line, n.Col}
}

// At returns the place of a path in the document: of the value, or of the nearest
// thing around it that is there.
func (d *Document) At(path ...string) Pos {
	n := d.Root
	for _, p := range path {
		next := n.Find(p)
		if next == nil {
			break
		}
		n = next
	}
	return d.Pos(n)
}

// Pointer writes a path as a JSON pointer for messages: /spec/http/0.
func Pointer(path []string) string {
	if len(path) == 0 {
		return ""
	}
	r := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		_, _ = r.WriteString(&b, p)
	}
	return b.String()
}

func parseInt(s string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, 64)
}

func parseFloat(s string) (float64, error) {
	switch strings.ToLower(strings.TrimPrefix(s, "+")) {
	case ".inf", "-.inf", ".nan":
		return 0, fmt.Errorf("%s is no finite number", s)
	}
	return strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
}
