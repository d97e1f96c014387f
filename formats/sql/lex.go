package sql

import "strings"

type kind uint8

const (
	word   kind = iota // a name or keyword, lower case
	quoted             // a quoted name, lower case
	text               // a string
	number
	param // a placeholder or a hole
	punct // one character, or "::"
)

type token struct {
	kind kind
	s    string
	at   int
}

type lexer struct {
	s    string
	i    int
	toks []token
}

// lex splits a text; comments and white space leave no trace.
func lex(s string) []token {
	l := &lexer{s: s}
	for l.i < len(l.s) {
		l.next()
	}
	return l.toks
}

func (l *lexer) at(n int) byte {
	if l.i+n < len(l.s) {
		return l.s[l.i+n]
	}
	return 0
}

func (l *lexer) add(k kind, s string, at int) { l.toks = append(l.toks, token{k, s, at}) }

// end returns the index after the next occurrence of mark, or the end of the text.
func (l *lexer) end(from int, mark string) int {
	if from > len(l.s) {
		return len(l.s)
	}
	if i := strings.Index(l.s[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(l.s)
}

func (l *lexer) next() {
	c, from := l.s[l.i], l.i
	switch {
	case c != 0 && c <= ' ':
		l.i++
	case c == '-' && l.at(1) == '-':
		l.i = l.end(l.i, "\n")
	case c == '/' && l.at(1) == '*':
		l.i = l.end(l.i+2, "*/")
	case c == '#' && l.at(1) == '{':
		l.i = l.end(l.i, "}")
		l.add(param, "?", from)
	case c == '#' && (l.at(1) == ' ' || l.i == 0 || l.s[l.i-1] == '\n'):
		l.i = l.end(l.i, "\n")
	case c == '\'':
		l.str()
		l.add(text, "", from)
	case c == '"' || c == '`':
		l.name(c)
	case c == '[' && l.bracket():
	case isWord(c) || l.hole(l.i) > 0:
		l.word()
	case c == '?':
		for l.i++; l.i < len(l.s) && isDigit(l.s[l.i]); l.i++ {
		}
		l.add(param, "?", from)
	case c == ':' && l.at(1) == ':':
		l.i += 2
		l.add(punct, "::", from)
	case (c == ':' || c == '@') && (isWord(l.at(1)) && !isDigit(l.at(1)) || l.at(1) == '@'):
		for l.i++; l.i < len(l.s) && (isWord(l.s[l.i]) || l.s[l.i] == '@'); l.i++ {
		}
		l.add(param, "?", from)
	case c == ':' && isDigit(l.at(1)):
		for l.i++; l.i < len(l.s) && isDigit(l.s[l.i]); l.i++ {
		}
		l.add(param, "?", from)
	default:
		l.i++
		l.add(punct, l.s[from:l.i], from)
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}

// maxHole bounds a hole, so that a text full of openings takes linear time.
const maxHole = 200

// hole is the length of a part at i that only the running program knows; 0: none.
func (l *lexer) hole(i int) int {
	rest := l.s[i:min(len(l.s), i+maxHole)]
	switch {
	case rest == "":
		return 0
	case rest[0] == 0:
		return 1
	case strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "{{"), rest[0] == '{' && len(rest) > 1 && (isWord(rest[1]) || rest[1] == '}'):
		mark := "}"
		if rest[1] == '{' && rest[0] == '{' {
			mark = "}}"
		}
		if n := strings.Index(rest, mark); n > 0 {
			return n + len(mark)
		}
	case rest[0] == '%' && len(rest) > 1:
		if rest[1] == '(' {
			if n := strings.Index(rest, ")s"); n > 0 && n < 80 {
				return n + 2
			}
			return 0
		}
		j := 1
		if rest[j] == '[' { // %[1]s
			n := strings.IndexByte(rest, ']')
			if n < 0 || n > 4 || n+1 >= len(rest) {
				return 0
			}
			j = n + 1
		}
		if strings.IndexByte("sdvqtx", rest[j]) >= 0 && (j+1 >= len(rest) || !isLetter(rest[j+1])) {
			return j + 1
		}
	}
	return 0
}

// word takes a keyword, a name, a number, or $1; holes next to it are part of it.
func (l *lexer) word() {
	from := l.i
	var b strings.Builder
	letters := false
	for l.i < len(l.s) {
		if n := l.hole(l.i); n > 0 {
			b.WriteByte('*')
			l.i += n
			continue
		}
		c := l.s[l.i]
		if !isWord(c) {
			break
		}
		if c == '$' && l.i == from {
			if l.dollar() {
				return
			}
		}
		letters = letters || !isDigit(c)
		b.WriteByte(c)
		l.i++
	}
	w := strings.ToLower(b.String())
	switch {
	case strings.Trim(w, "*") == "":
		l.add(param, "*", from)
	case isDigit(w[0]):
		if l.i < len(l.s) && l.s[l.i] == '.' {
			for l.i++; l.i < len(l.s) && isWord(l.s[l.i]); l.i++ {
			}
		}
		l.add(number, "", from)
	case len(w) == 1 && letters && l.i < len(l.s) && l.s[l.i] == '\'' && strings.Contains("enxb", w): // E'…', N'…'
		l.str()
		l.add(text, "", from)
	default:
		l.add(word, w, from)
	}
}

// dollar takes $1 and $tag$…$tag$; false when the $ is part of a name.
func (l *lexer) dollar() bool {
	from, j := l.i, l.i+1
	for j < len(l.s) && isDigit(l.s[j]) {
		j++
	}
	if j > l.i+1 {
		l.i = j
		l.add(param, "?", from)
		return true
	}
	for j < len(l.s) && isWord(l.s[j]) && l.s[j] != '$' {
		j++
	}
	if j < len(l.s) && l.s[j] == '$' {
		tag := l.s[l.i : j+1]
		l.i = l.end(j+1, tag)
		l.add(text, "", from)
		return true
	}
	return false
}

// str passes over a string. A doubled quote stands for itself; a backslash before
// a quote does where what follows is not the end of an operand, because MySQL
// escapes so and others do not.
func (l *lexer) str() {
	for l.i++; l.i < len(l.s); l.i++ {
		switch l.s[l.i] {
		case '\\':
			if l.at(1) == '\\' || l.at(1) == '\'' && strings.IndexByte(" ,);\n\t\x00", l.at(2)) < 0 {
				l.i++
			}
		case '\'':
			if l.at(1) != '\'' {
				l.i++
				return
			}
			l.i++
		}
	}
	l.i = len(l.s)
}

// name takes a quoted name; what is no name is one of MySQL's strings.
func (l *lexer) name(q byte) {
	from := l.i
	for l.i++; l.i < len(l.s); l.i++ {
		if l.s[l.i] == '\\' {
			l.i++
			continue
		}
		if l.s[l.i] == q {
			if l.at(1) != q {
				break
			}
			l.i++
		}
	}
	inner := l.s[min(from+1, len(l.s)):min(l.i, len(l.s))]
	l.i = min(l.i+1, len(l.s))
	l.addName(inner, from)
}

func (l *lexer) addName(inner string, at int) {
	sub := lexer{s: inner}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if n := sub.hole(i); n > 0 {
			b.WriteByte('*')
			i += n - 1
			continue
		}
		if !isWord(inner[i]) && inner[i] != '-' && inner[i] != '.' && inner[i] != ' ' {
			l.add(text, "", at)
			return
		}
		b.WriteByte(inner[i])
	}
	switch n := strings.ToLower(strings.TrimSpace(b.String())); {
	case n == "":
		l.add(text, "", at)
	case strings.Trim(n, "*") == "":
		l.add(param, "*", at)
	default:
		l.add(quoted, n, at)
	}
}

// bracket takes SQL Server's [name]; false where it is an index or an array.
func (l *lexer) bracket() bool {
	if l.i > 0 && (isWord(l.s[l.i-1]) || l.s[l.i-1] == ']' || l.s[l.i-1] == ')') {
		return false
	}
	n := strings.IndexByte(l.s[l.i:], ']')
	if n < 2 || n > 130 {
		return false
	}
	inner := l.s[l.i+1 : l.i+n]
	if isDigit(inner[0]) || strings.ContainsAny(inner, "'\",()") {
		return false
	}
	at := l.i
	l.i += n + 1
	l.addName(inner, at)
	return true
}
