package sql

import "strings"

// maxShape bounds the result of [Shape], in bytes.
const maxShape = 2000

// Shape writes a statement in one form for all places where it stands: literals
// become ?, white space and comments go, lists of values collapse. Nothing of the
// data that a text holds is kept.
func Shape(s string) string {
	toks := lex(s)
	var b strings.Builder
	for i := 0; i < len(toks) && b.Len() < maxShape; i++ {
		t := toks[i]
		v := t.s
		switch t.kind {
		case text, number, param:
			v = "?"
			if t.s == "*" {
				v = "…"
			}
			for i+2 < len(toks) && toks[i+1].s == "," && value(toks[i+2]) && toks[i+1].kind == punct {
				i += 2
			}
		case quoted:
			v = `"` + t.s + `"`
		}
		if b.Len() > 0 && spaced(toks[i], toks, i, v, b.String()) {
			b.WriteByte(' ')
		}
		b.WriteString(v)
	}
	return b.String()
}

func value(t token) bool { return t.kind == text || t.kind == number || t.kind == param }

func spaced(t token, toks []token, i int, v, before string) bool {
	last := before[len(before)-1]
	if last == '(' || last == '.' || v == ")" || v == "," || v == "." || v == ";" || v == "::" || strings.HasSuffix(before, "::") {
		return false
	}
	if v == "(" && i > 0 && toks[i-1].kind == word && !keywords[toks[i-1].s] && last != ' ' {
		return false
	}
	if t.kind == punct && strings.Contains("=<>!|&-#@", v) && strings.IndexByte("=<>!|&-#@", last) >= 0 {
		return false
	}
	return true
}
