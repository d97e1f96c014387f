package helm

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// places maps what a template wrote to where in the template it comes from.
type places struct {
	template []byte
	marks    []mark
}

// mark: what follows in the output, up to the next mark, comes from here.
type mark struct {
	out, src int
	text     bool // it stands in the template as it was written
}

func (p *places) add(out, src int, text bool) {
	if n := len(p.marks); n > 0 && p.marks[n-1].out == out {
		p.marks[n-1] = mark{out, src, text}
		return
	}
	p.marks = append(p.marks, mark{out, src, text})
}

func (p *places) source(out int) int {
	i := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].out > out }) - 1
	if i < 0 {
		return 0
	}
	m := p.marks[i]
	if m.text {
		return m.src + out - m.out
	}
	if i := bytes.LastIndex(p.template[:min(m.src, len(p.template))], []byte("{{")); i >= 0 {
		return i // a node's position is behind its braces
	}
	return m.src
}

// lines turns lines and columns of a text into offsets and back.
type lines struct {
	text   []byte
	starts []int
}

func newLines(text []byte) *lines {
	l := &lines{text, []int{0}}
	for i, c := range text {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

func (l *lines) offset(line, col int) int {
	if line < 1 {
		return 0
	}
	if line > len(l.starts) {
		return len(l.text)
	}
	at := l.starts[line-1]
	for ; col > 1 && at < len(l.text); col-- {
		_, n := utf8.DecodeRune(l.text[at:])
		at += n
	}
	return at
}

func (l *lines) place(offset int) (line, col int) {
	offset = min(max(0, offset), len(l.text))
	line = sort.Search(len(l.starts), func(i int) bool { return l.starts[i] > offset })
	return line, utf8.RuneCount(l.text[l.starts[line-1]:offset]) + 1
}
