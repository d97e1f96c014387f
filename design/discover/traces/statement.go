package traces

// statement finds the verb and the first table of an SQL statement, without
// building a tree of it: statements in spans are cut off, have their parameters
// masked in every way, and come in every dialect. Nothing of the statement's
// values is kept.
func statement(sql string) (verb, table string) {
	l := lexer{s: sql}
	want := false // the next name is a table
	depth, first := 0, true
	function := 0 // depth at which the arguments of a function began: extract(x from y)
	before := ""  // the word before
	for {
		kind, word := l.next()
		last := before
		before = ""
		switch {
		case kind == endOfText:
			return verb, table
		case kind == openParen:
			depth++
			if function == 0 && last != "" && !keywords[last] && !want && depth > 0 {
				function = depth
			}
			want = false
			continue
		case kind == closeParen:
			if depth--; depth < function {
				function = 0
			}
			continue
		case kind == otherToken || function > 0:
			continue
		}
		lower := lowerWord(word)
		if kind == wordToken {
			before = lower
		}
		if first && kind == wordToken {
			first = false
			verb = lower
			if verb == "update" || verb == "truncate" || verb == "call" {
				want = verb != "call"
			}
			continue
		}
		if verb == "with" && depth == 0 && kind == wordToken {
			switch lower { // what follows the common table expressions
			case "select", "insert", "update", "delete", "merge":
				verb, table = lower, ""
				want = lower == "update"
				continue
			}
		}
		if want {
			if kind == wordToken {
				switch lower {
				case "only", "table", "low_priority", "ignore", "into", "if", "exists", "lateral":
					continue
				}
			}
			name := word
			for l.peekDot() {
				if k, w := l.next(); k == wordToken || k == quotedToken {
					name = name + "." + w
				}
			}
			if table == "" {
				table = name
			}
			want = false
			continue
		}
		if kind == wordToken && table == "" {
			switch lower {
			case "from", "into", "join", "table":
				want = verb != "with" || depth == 0
			}
		}
	}
}

// keywords that stand before a parenthesis without being functions.
var keywords = map[string]bool{"select": true, "from": true, "join": true, "in": true, "exists": true, "as": true, "and": true, "or": true, "not": true,
	"on": true, "using": true, "union": true, "all": true, "any": true, "some": true, "values": true, "where": true, "with": true, "lateral": true, "then": true, "else": true, "when": true}

type tokenKind uint8

const (
	endOfText tokenKind = iota
	wordToken
	quotedToken
	openParen
	closeParen
	otherToken
)

type lexer struct {
	s string
	i int
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// peekDot takes a dot between the parts of a name.
func (l *lexer) peekDot() bool {
	if l.i < len(l.s) && l.s[l.i] == '.' {
		l.i++
		return true
	}
	return false
}

// next takes a token; comments, strings and numbers are passed over.
func (l *lexer) next() (tokenKind, string) {
	for l.i < len(l.s) {
		switch c := l.s[l.i]; {
		case c <= ' ':
			l.i++
		case c == '-' && l.at(1) == '-':
			l.until("\n")
		case c == '/' && l.at(1) == '*':
			l.until("*/")
		case c == '\'':
			l.quoted('\'')
		case c == '"' || c == '`':
			return quotedToken, l.quoted(c)
		case c == '[':
			return quotedToken, l.quoted(']')
		case c == '(':
			l.i++
			return openParen, "("
		case c == ')':
			l.i++
			return closeParen, ")"
		case isWord(c):
			from := l.i
			for l.i < len(l.s) && isWord(l.s[l.i]) {
				l.i++
			}
			if w := l.s[from:l.i]; w[0] < '0' || w[0] > '9' {
				return wordToken, w
			}
		default:
			l.i++
			return otherToken, l.s[l.i-1 : l.i]
		}
	}
	return endOfText, ""
}

func (l *lexer) at(n int) byte {
	if l.i+n < len(l.s) {
		return l.s[l.i+n]
	}
	return 0
}

func (l *lexer) until(end string) {
	for l.i < len(l.s) {
		if l.s[l.i] == end[0] && (len(end) == 1 || l.at(1) == end[1]) {
			l.i += len(end)
			return
		}
		l.i++
	}
}

// quoted takes a quoted text; a doubled quote stands for itself.
func (l *lexer) quoted(end byte) string {
	l.i++
	from := l.i
	for l.i < len(l.s) {
		c := l.s[l.i]
		if c == '\\' && end == '\'' {
			l.i += 2
			continue
		}
		if c == end {
			if l.at(1) == end && end != ']' {
				l.i += 2
				continue
			}
			l.i++
			return l.s[from : l.i-1]
		}
		l.i++
	}
	l.i = len(l.s)
	return l.s[min(from, len(l.s)):]
}

func lowerWord(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for j := range b {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
