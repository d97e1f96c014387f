package structurizr

import (
	"strings"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// token is a word or a quoted text of a line.
type token struct {
	text   string
	quoted bool
	pos    doc.Pos
}

// line is one logical line: lines that end in a backslash are one, and so is a
// text block in three quotes.
type line struct {
	tokens []token
	pos    doc.Pos
}

// split parts a file into lines and tokens, as the language does: a quoted text
// ends at the next quote that no backslash precedes, a word at the next blank.
func split(file, src string) []line {
	l := &lexer{file: file, src: strings.TrimPrefix(src, "\ufeff"), line: 1, col: 1}
	var out []line
	for l.at < len(l.src) {
		if n := l.next(); len(n.tokens) > 0 {
			out = append(out, n)
		}
	}
	return out
}

type lexer struct {
	file, src     string
	at, line, col int
}

func (l *lexer) pos() doc.Pos { return doc.Pos{File: l.file, Line: l.line, Col: l.col} }

func (l *lexer) rest() string { return l.src[l.at:] }

func (l *lexer) step(n int) {
	for end := l.at + n; l.at < end; {
		r, size := utf8.DecodeRuneInString(l.rest())
		if l.at += size; r == '\n' {
			l.line, l.col = l.line+1, 1
		} else {
			l.col++
		}
	}
}

// next reads one logical line.
func (l *lexer) next() line {
	out := line{pos: l.pos()}
	for l.at < len(l.src) {
		rest := l.rest()
		switch {
		case rest[0] == '\n':
			l.step(1)
			return out
		case strings.HasPrefix(rest, "\\\n"):
			l.step(2)
		case strings.HasPrefix(rest, "\\\r\n"):
			l.step(3)
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\f' || rest[0] == '\v':
			l.step(1)
		case len(out.tokens) == 0 && (rest[0] == '#' || strings.HasPrefix(rest, "//")):
			l.comment()
		case len(out.tokens) == 0 && strings.HasPrefix(rest, "/*"):
			l.block()
		case strings.HasPrefix(rest, `"""`):
			out.tokens = append(out.tokens, l.textBlock())
		default:
			if len(out.tokens) == 0 {
				out.pos = l.pos()
			}
			out.tokens = append(out.tokens, l.token())
		}
	}
	return out
}

// comment ends with its line, also where that ends in a backslash.
func (l *lexer) comment() {
	if n := strings.IndexByte(l.rest(), '\n'); n >= 0 {
		l.step(n)
		return
	}
	l.step(len(l.rest()))
}

// block ends with the line in which its end stands.
func (l *lexer) block() {
	n := strings.Index(l.rest(), "*/")
	if n < 0 {
		l.step(len(l.rest()))
		return
	}
	l.step(n + 2)
	if n = strings.IndexByte(l.rest(), '\n'); n < 0 {
		n = len(l.rest())
	}
	if strings.TrimSpace(l.rest()[:n]) != "" { // */ amid the line: what follows counts nowhere
		l.step(n)
	}
}

func (l *lexer) textBlock() token {
	t := token{quoted: true, pos: l.pos()}
	l.step(3)
	n := strings.Index(l.rest(), `"""`)
	if n < 0 {
		n = len(l.rest())
	}
	t.text = clean(strings.TrimSpace(l.rest()[:n]))
	l.step(min(n+3, len(l.rest())))
	return t
}

func (l *lexer) token() token {
	t := token{pos: l.pos()}
	rest := l.rest()
	if rest[0] != '"' {
		n := strings.IndexAny(rest, " \t\r\n\f\v")
		if n < 0 {
			n = len(rest)
		}
		t.text = clean(rest[:n])
		l.step(n)
		return t
	}
	t.quoted = true
	var b strings.Builder
	i := 1
	for ; i < len(rest) && rest[i] != '"' && rest[i] != '\n'; i++ {
		if rest[i] == '\\' && i+1 < len(rest) {
			if rest[i+1] == '"' {
				i++
			} else if rest[i+1] == 'n' {
				b.WriteByte('\n')
				i++
				continue
			} else if cont := continued(rest[i:]); cont > 0 { // a line that goes on inside the quotes
				i += cont - 1
				continue
			}
		}
		b.WriteByte(rest[i])
	}
	if i < len(rest) && rest[i] == '"' {
		i++
	}
	t.text = clean(b.String())
	l.step(i)
	return t
}

func continued(s string) int {
	for _, end := range []string{"\\\n", "\\\r\n"} {
		if strings.HasPrefix(s, end) {
			return len(end)
		}
	}
	return 0
}
