package doc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Editor changes a YAML file by replacing just the bytes that a change means:
// comments, order, blank lines and style of everything else stay. Each change
// is read back, so an editor never leaves a file that cannot be read.
type Editor struct {
	file *File
}

// NewEditor reads the file to edit; a file with faults of syntax is refused, and
// so is one whose lines end in another way than with LF or CRLF.
func NewEditor(path string, src []byte) (*Editor, error) {
	f := Read(path, src, nil)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if at := oddBreak(src); at >= 0 {
		return nil, fmt.Errorf("%s:%d: the line ends with an odd character (a carriage return by itself, U+0085, U+2028 or U+2029); end lines with LF to have the file edited", path, 1+bytes.Count(src[:at], []byte("\n")))
	}
	return &Editor{f}, nil
}

// oddBreak is the offset of the first character that YAML 1.1 takes for the end of
// a line and that is none here, where lines are counted by their LF; or -1.
func oddBreak(src []byte) int {
	for i, b := range src {
		switch {
		case b == '\r' && (i+1 == len(src) || src[i+1] != '\n'),
			b == 0xc2 && bytes.HasPrefix(src[i:], []byte("\u0085")),
			b == 0xe2 && (bytes.HasPrefix(src[i:], []byte("\u2028")) || bytes.HasPrefix(src[i:], []byte("\u2029"))):
			return i
		}
	}
	return -1
}

// Bytes is the file as it stands.
func (e *Editor) Bytes() []byte { return e.file.Source }

// Doc returns a document as it stands, or nil. It is good until the next change.
func (e *Editor) Doc(i int) *Document {
	if i < len(e.file.Docs) {
		return e.file.Docs[i]
	}
	return nil
}

// Set gives the place at path in document i a value, which is YAML text: a
// scalar, a flow collection, or lines of a block collection. Keys on the way
// that are missing are added at the end of their map. What then stands there is
// read back and compared: where a file is written so that the text would come to
// mean something else, the file stays as it was and the error says so.
func (e *Editor) Set(i int, value string, path ...string) error {
	before := e.file
	if err := e.set(i, value, path...); err != nil {
		e.file = before
		return err
	}
	if n := e.Doc(i).Root.Find(path...); n == nil || string(n.JSON()) != meaning(value) {
		e.file = before
		return fmt.Errorf("%s: the text does not come to stand at %s as it is meant; write it by hand", e.file.Path, Pointer(path))
	}
	return nil
}

// meaning is what YAML text says, by itself.
func meaning(text string) string {
	if d := Read("", []byte(text), nil).Docs; len(d) == 1 {
		return string(d[0].Root.JSON())
	}
	return "null"
}

func (e *Editor) set(i int, value string, path ...string) error {
	d := e.Doc(i)
	if d == nil {
		if i > 0 {
			return fmt.Errorf("%s: no document %d", e.file.Path, i)
		}
		return e.apply(len(e.file.Source), len(e.file.Source), entry("", path[0], wrap(path[1:], value)))
	}
	n := d.Root
	for depth, step := range path {
		next := n.Find(step)
		if next == nil || isEmpty(next) && depth < len(path)-1 {
			if n.Kind != Map {
				return fmt.Errorf("%s: %s is no mapping, so it takes no %q", d.Pos(n), Pointer(path[:depth]), step)
			}
			if next != nil { // "key:" with nothing behind it
				if err := e.remove(d, n, step); err != nil {
					return err
				}
				return e.set(i, value, path...)
			}
			return e.insert(n, step, wrap(path[depth+1:], value))
		}
		if depth == len(path)-1 {
			return e.replace(n, step, next, value)
		}
		n = next
	}
	return fmt.Errorf("%s: an edit needs a path", e.file.Path)
}

// Append adds an item, which is YAML text as for [Editor.Set], at the end of the
// list at path.
func (e *Editor) Append(i int, value string, path ...string) error {
	d := e.Doc(i)
	if d == nil {
		return fmt.Errorf("%s: no document %d", e.file.Path, i)
	}
	n := d.Root.Find(path...)
	if n == nil || n.Kind != List {
		return fmt.Errorf("%s: %s is no list", e.file.Path, Pointer(path))
	}
	if n.Style == Flow {
		return e.appendFlow(n, value)
	}
	if len(n.Items) == 0 {
		return fmt.Errorf("%s:%d: cannot add an item here; write it by hand", e.file.Path, n.Line)
	}
	indent := strings.Repeat(" ", n.Col-1)
	_, end := e.entryRange(n, &Node{Line: n.Items[len(n.Items)-1].Line, Col: n.Col})
	text := indent + "- " + strings.ReplaceAll(strings.TrimSuffix(value, "\n"), "\n", "\n"+indent+"  ") + "\n"
	if end > 0 && e.file.Source[end-1] != '\n' {
		text = "\n" + strings.TrimSuffix(text, "\n")
	}
	return e.apply(end, end, text)
}

func (e *Editor) appendFlow(n *Node, value string) error {
	open := e.offset(n)
	end := e.flowEnd(open)
	if end < 0 || isBlock(value) {
		return fmt.Errorf("%s:%d: cannot add an item inside brackets; write it by hand", e.file.Path, n.Line)
	}
	sep := ", "
	if len(n.Items) == 0 {
		sep = ""
	}
	inner := bytes.TrimRight(e.file.Source[open:end-1], " \n")
	return e.apply(open+len(inner), open+len(inner), sep+value)
}

// Delete removes the entry or item at path, with the comments above it that
// stand at its own indentation.
func (e *Editor) Delete(i int, path ...string) error {
	d := e.Doc(i)
	if d == nil || len(path) == 0 {
		return fmt.Errorf("%s: no document %d", e.file.Path, i)
	}
	parent := d.Root.Find(path[:len(path)-1]...)
	last := path[len(path)-1]
	if parent.Find(last) == nil {
		return fmt.Errorf("%s: there is no %s", e.file.Path, Pointer(path))
	}
	return e.remove(d, parent, last)
}

// wrap puts a value under further keys.
func wrap(keys []string, value string) string {
	for k := len(keys) - 1; k >= 0; k-- {
		value = strings.TrimSuffix(entry("", keys[k], value), "\n")
	}
	return value
}

// entry is "key: value" with the lines of a block value indented below it.
func entry(indent, key, value string) string {
	k := indent + Quote(key) + ":"
	if !isBlock(value) {
		return k + " " + value + "\n"
	}
	var b strings.Builder
	b.WriteString(k)
	if strings.HasPrefix(value, "#") { // a comment on the first line speaks of the key
		comment, rest, _ := strings.Cut(value, "\n")
		b.WriteString(" " + comment)
		value = rest
	}
	b.WriteString("\n")
	for l := range strings.SplitSeq(strings.TrimSuffix(value, "\n"), "\n") {
		if l != "" {
			l = indent + "  " + l
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

// isBlock: several lines, or one line that is itself "key: value" or "- item".
func isBlock(v string) bool {
	if strings.Contains(v, "\n") {
		return true
	}
	if strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") || strings.HasPrefix(v, `"`) || strings.HasPrefix(v, "'") {
		return false
	}
	return strings.HasPrefix(v, "- ") || strings.Contains(v, ": ") || strings.HasSuffix(v, ":")
}

// Quote writes a text as a YAML scalar, in quotes only where it needs them.
func Quote(s string) string {
	plain := s != "" && s == strings.TrimSpace(s) && strings.IndexFunc(s, unprintable) < 0 && !strings.ContainsAny(s, "\"'#{}[],&*!|>%@`\\") && !strings.Contains(s, ": ") && !strings.HasSuffix(s, ":") && !strings.ContainsAny(s[:1], "-?:=~<")
	if plain {
		switch strings.ToLower(s) {
		case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
			plain = false
		}
		if _, err := strconv.ParseFloat(s, 64); err == nil || strings.HasPrefix(s, "0x") {
			plain = false
		}
	}
	if plain {
		return s
	}
	return strconv.Quote(s) // Go's escapes are YAML's, for what can stand here
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

func isEmpty(n *Node) bool { return n.Kind == Null && n.Text == "" }

func (e *Editor) replace(parent *Node, key string, old *Node, value string) error {
	start := e.offset(old)
	switch {
	case isEmpty(old) || old.Style == Block || isBlock(value) || (old.Kind == Map || old.Kind == List) && old.Style != Flow:
		return e.replaceEntry(parent, key, value)
	default:
		end := e.scalarEnd(old, start)
		if end < 0 {
			return e.replaceEntry(parent, key, value)
		}
		return e.apply(start, end, value)
	}
}

// replaceEntry rewrites key and value, where the value's end is not on its line.
func (e *Editor) replaceEntry(parent *Node, key, value string) error {
	k := parent.KeyNode(key)
	if k == nil || parent.Style == Flow {
		return fmt.Errorf("%s:%d: cannot replace %q in place; write it by hand", e.file.Path, parent.Line, key)
	}
	_, end := e.entryRange(parent, k)
	indent := strings.Repeat(" ", k.Col-1)
	// What stands before the key stays: the dash of an item.
	return e.apply(e.offset(k), end, strings.TrimPrefix(entry(indent, key, value), indent))
}

func (e *Editor) insert(n *Node, key, value string) error {
	if n.Style == Flow {
		open := e.offset(n)
		end := e.scalarEnd(n, open)
		if end < 0 || isBlock(value) {
			return fmt.Errorf("%s:%d: cannot add %q inside braces; write it by hand", e.file.Path, n.Line, key)
		}
		if e.isPair(n) { // it gets the braces that two entries need
			return e.apply(open, end, "{"+string(e.file.Source[open:end])+", "+Quote(key)+": "+value+"}")
		}
		sep := ", "
		if len(n.Entries) == 0 {
			sep = ""
		}
		inner := bytes.TrimRight(e.file.Source[open:end-1], " ")
		return e.apply(open+len(inner), open+len(inner), sep+Quote(key)+": "+value)
	}
	if len(n.Entries) == 0 {
		return fmt.Errorf("%s:%d: cannot add %q here; write it by hand", e.file.Path, n.Line, key)
	}
	last := n.Entries[0].Key // the lowest one: merged entries stand elsewhere
	for _, x := range n.Entries {
		if !x.Merge && x.Key.Line > last.Line {
			last = x.Key
		}
	}
	_, end := e.entryRange(n, last)
	text := entry(strings.Repeat(" ", last.Col-1), key, value)
	if end > 0 && e.file.Source[end-1] != '\n' {
		text = "\n" + strings.TrimSuffix(text, "\n")
	}
	return e.apply(end, end, text)
}

func (e *Editor) remove(_ *Document, parent *Node, key string) error {
	k := parent.KeyNode(key)
	if k == nil || parent.Style == Flow {
		return fmt.Errorf("%s:%d: cannot remove %q in place; do it by hand", e.file.Path, parent.Line, key)
	}
	start, end := e.entryRange(parent, k)
	if len(parent.Entries) == 1 && k.Line > parent.Line {
		return fmt.Errorf("%s:%d: %q is the only entry; remove what is around it", e.file.Path, k.Line, key)
	}
	at, src := e.offset(k), e.file.Source
	if dash := bytes.TrimSpace(src[e.lineStart(k.Line):at]); len(dash) > 0 {
		if len(parent.Entries) == 1 {
			return fmt.Errorf("%s:%d: %q is the only entry of its item; remove the item", e.file.Path, k.Line, key)
		}
		for start = at; end < len(src) && src[end] == ' '; end++ { // the next key takes the place behind the dash
		}
	}
	return e.apply(start, end, "")
}

// entryRange is the lines of an entry of a block map, with the comments right
// above it, without those that belong to what follows.
func (e *Editor) entryRange(_ *Node, k *Node) (start, end int) {
	lines := bytes.SplitAfter(e.file.Source, []byte("\n"))
	indent := k.Col - 1
	first := k.Line - 1
	for first > 0 && isComment(lines[first-1], indent) {
		first--
	}
	last := k.Line // exclusive, from 0
	for last < len(lines) {
		l := bytes.TrimRight(lines[last], "\r\n")
		t := bytes.TrimLeft(l, " ")
		in := len(l) - len(t)
		if len(t) > 0 && t[0] != '#' && (in < indent || in == indent && !isItem(t)) || isMark(lines[last]) {
			break
		}
		last++
	}
	for last > k.Line { // give back blanks and comments above what follows
		t := bytes.TrimSpace(lines[last-1])
		if len(t) > 0 && (t[0] != '#' || len(lines[last-1])-len(bytes.TrimLeft(lines[last-1], " ")) > indent) {
			break
		}
		last--
	}
	for i := range last {
		if i < first {
			start += len(lines[i])
		}
		end += len(lines[i])
	}
	return start, end
}

func isItem(t []byte) bool { return bytes.HasPrefix(t, []byte("- ")) || string(t) == "-" }

func isComment(l []byte, indent int) bool {
	t := bytes.TrimLeft(l, " ")
	return len(t) > 0 && t[0] == '#' && len(l)-len(t) == indent
}

// scalarEnd is the offset after a scalar or flow collection, or -1 when it does
// not end on its line.
func (e *Editor) scalarEnd(n *Node, start int) int {
	src := e.file.Source
	if start >= len(src) {
		return -1
	}
	switch {
	case e.isPair(n):
		last := n.Entries[0].Value
		return e.scalarEnd(last, e.offset(last))
	case n.Kind == Map || n.Kind == List:
		return e.flowEnd(start)
	case n.Style == Quoted:
		q := src[start]
		for i := start + 1; i < len(src) && src[i] != '\n'; i++ {
			switch {
			case q == '"' && src[i] == '\\':
				i++
			case src[i] == q && q == '\'' && i+1 < len(src) && src[i+1] == q:
				i++
			case src[i] == q:
				return i + 1
			}
		}
		return -1
	case bytes.HasPrefix(src[start:], []byte(n.Text)):
		return start + len(n.Text)
	}
	// true and false are kept in lower case.
	if len(src) >= start+len(n.Text) && strings.EqualFold(string(src[start:start+len(n.Text)]), n.Text) {
		return start + len(n.Text)
	}
	return -1
}

// isPair tells a mapping inside brackets that stands without braces of its own,
// as in [a: 1].
func (e *Editor) isPair(n *Node) bool {
	at := e.offset(n)
	return n.Kind == Map && n.Style == Flow && len(n.Entries) == 1 && at < len(e.file.Source) && e.file.Source[at] != '{'
}

// flowEnd is the offset after the bracket that closes the one at start, or -1.
func (e *Editor) flowEnd(start int) int {
	if start >= len(e.file.Source) || e.file.Source[start] != '{' && e.file.Source[start] != '[' {
		return -1
	}
	depth := 0
	var quote byte
	for i, src := start, e.file.Source; i < len(src); i++ {
		switch ch := src[i]; {
		case quote == '"' && ch == '\\':
			i++
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case (ch == '"' || ch == '\'') && strings.IndexByte(" ,:[{\n", src[i-1]) >= 0:
			quote = ch
		case ch == '[' || ch == '{':
			depth++
		case ch == ']' || ch == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func (e *Editor) lineStart(line int) int {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(e.file.Source[at:], '\n')
		if i < 0 {
			return len(e.file.Source)
		}
		at += i + 1
	}
	return at
}

// offset turns line and column, which counts characters, into bytes.
func (e *Editor) offset(n *Node) int {
	at := e.lineStart(n.Line)
	for col := 1; col < n.Col && at < len(e.file.Source); col++ {
		_, w := utf8.DecodeRune(e.file.Source[at:])
		at += w
	}
	return at
}

func (e *Editor) apply(start, end int, text string) error {
	if start == end && start == len(e.file.Source) && start > 0 && e.file.Source[start-1] != '\n' && !strings.HasPrefix(text, "\n") {
		text = "\n" + text
	}
	src := bytes.Join([][]byte{e.file.Source[:start], []byte(text), e.file.Source[end:]}, nil)
	f := Read(e.file.Path, src, nil)
	if err := f.Err(); err != nil {
		return fmt.Errorf("the edit would break the file: %w", err)
	}
	if oddBreak(src) >= 0 {
		return fmt.Errorf("%s: the text to write ends a line with an odd character; write it in quotes", e.file.Path)
	}
	e.file = f
	return nil
}

// Rename gives the key at path in document i another name; its value, place and
// comments stay.
func (e *Editor) Rename(i int, name string, path ...string) error {
	d := e.Doc(i)
	if d == nil || len(path) == 0 {
		return fmt.Errorf("%s: no document %d", e.file.Path, i)
	}
	parent := d.Root.Find(path[:len(path)-1]...)
	k := parent.KeyNode(path[len(path)-1])
	if k == nil {
		return fmt.Errorf("%s: there is no %s", e.file.Path, Pointer(path))
	}
	if parent.Get(name) != nil {
		return fmt.Errorf("%s: %q stands there already", d.Pos(k), name)
	}
	start := e.offset(k)
	end := e.scalarEnd(k, start)
	if end < 0 {
		return fmt.Errorf("%s: cannot rename %q in place; write it by hand", d.Pos(k), k.Text)
	}
	return e.apply(start, end, Quote(name))
}
