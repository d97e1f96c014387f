package doc

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// FaultKind is the kind of a fault.
type FaultKind string

const (
	Syntax    FaultKind = "syntax"
	Limit     FaultKind = "limit"
	Unknown   FaultKind = "unknown field"
	Type      FaultKind = "type"
	Duplicate FaultKind = "duplicate"
	Value     FaultKind = "value"
)

// Fault is one thing that is wrong in a file: what, where, and what to do.
type Fault struct {
	Kind FaultKind
	Pos  Pos
	Path string // JSON pointer to the node, where it has one
	What string
	Hint string // nearest known name, or what to do; may be empty

	file *File
}

// Error is one line: place, what, hint. It holds no value of the file.
func (f *Fault) Error() string {
	s := f.Pos.String() + ": " + f.What
	if f.Hint != "" {
		s += "; " + f.Hint
	}
	return s
}

// Frame is the error with the line that it is about and a caret under the
// place. What looks like a secret in the line is masked.
func (f *Fault) Frame() string {
	if f.file == nil || f.Pos.Line == 0 {
		return f.Error()
	}
	text := f.file.line(f.Pos.Line)
	if text == "" {
		return f.Error()
	}
	text = strings.ReplaceAll(RedactLine(text), "\t", " ")
	col := max(1, f.Pos.Col)
	if n := utf8.RuneCountInString(text); n > 120 { // minified JSON: cut around the place
		rs := []rune(text)
		from := max(0, min(col-40, n-80))
		text, col = "…"+string(rs[from:min(n, from+80)])+"…", col-from+1
	}
	num := fmt.Sprint(f.Pos.Line)
	return fmt.Sprintf("%s\n  %s | %s\n  %s | %s^", f.Error(), num, text, strings.Repeat(" ", len(num)), strings.Repeat(" ", col-1))
}

func joinFaults(fs []*Fault) error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// nearest finds the candidate that s was probably meant to be, or "".
func nearest(s string, candidates []string) string {
	best, limit := "", max(1, len(s)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(s), strings.ToLower(c)); d <= limit {
			if d < limit || best == "" {
				best, limit = c, d
			}
		}
	}
	if best == "" { // another ending: retry, retries
		for _, c := range candidates {
			if n := commonPrefix(strings.ToLower(s), strings.ToLower(c)); n >= 4 && 3*n >= 2*len(s) && 2*n >= len(c) {
				return c
			}
		}
	}
	return best
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Nearest is the known name that s was probably meant to be, or "".
func Nearest(s string, known []string) string { return nearest(s, known) }

// distance is the Levenshtein distance in bytes; a swap of neighbours counts one.
func distance(a, b string) int {
	if abs(len(a)-len(b)) > 8 {
		return 99
	}
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one, row = one, row, two
	}
	return one[len(b)]
}

func abs(n int) int { return max(n, -n) }

// Fault makes a fault at a node of the document, for formats with checks of
// their own.
func (d *Document) Fault(n *Node, k FaultKind, path []string, what, hint string) *Fault {
	return &Fault{Kind: k, Pos: d.Pos(n), Path: Pointer(path), What: what, Hint: hint, file: d.File}
}
