package archfile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// width is how long a line may get before a mapping is written over several.
const width = 100

// layout writes t as the lines of a block collection, without indentation of its
// own. above is the source that a comment further out names already. deep says
// that small mappings may stand on one line.
func layout(t *tree, indent int, above string, deep bool) []string {
	var lines []string
	add := func(head string, v *tree) {
		empty := v.kind == scalarTree || len(v.entries)+len(v.items) == 0
		if empty || deep {
			if line := head + flow(v); empty || indent+utf8.RuneCountInString(line) <= width {
				lines = append(lines, line+comment(sources(v, above)))
				return
			}
		}
		from := above
		note := ""
		if v.from != "" && fileOf(v.from) != fileOf(above) {
			from, note = v.from, comment([]string{v.from})
		}
		sub := layout(v, indent+2, from, true)
		if strings.HasSuffix(head, "- ") {
			lines = append(lines, head+sub[0]+note)
			sub = sub[1:]
		} else {
			lines = append(lines, strings.TrimRight(head, " ")+note)
		}
		for _, l := range sub {
			lines = append(lines, "  "+l)
		}
	}
	for _, e := range t.entries {
		add(quote(e.key)+": ", e.val)
	}
	for _, it := range t.items {
		add("- ", it)
	}
	return lines
}

// flow writes t on one line.
func flow(t *tree) string {
	var b strings.Builder
	switch t.kind {
	case scalarTree:
		return t.text
	case mapTree:
		b.WriteByte('{')
		for i, e := range t.entries {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(e.key) + ": " + flow(e.val))
		}
		b.WriteByte('}')
	case listTree:
		b.WriteByte('[')
		for i, it := range t.items {
			if i > 0 {
				b.WriteString(", ")
			}
			if it.kind == mapTree && len(it.entries) == 1 && it.entries[0].val.kind == scalarTree {
				b.WriteString(quote(it.entries[0].key) + ": " + it.entries[0].val.text) // a pair needs no braces
				continue
			}
			b.WriteString(flow(it))
		}
		b.WriteByte(']')
	}
	return b.String()
}

// sources are the places that t's facts come from, one of each file.
func sources(t *tree, above string) []string {
	var out []string
	var walk func(*tree)
	walk = func(t *tree) {
		if t.from != "" && fileOf(t.from) != fileOf(above) && !slices.ContainsFunc(out, func(s string) bool { return fileOf(s) == fileOf(t.from) }) {
			out = append(out, t.from)
		}
		for _, e := range t.entries {
			walk(e.val)
		}
		for _, it := range t.items {
			walk(it)
		}
	}
	walk(t)
	return out
}

var position = regexp.MustCompile(`(:[0-9]+){1,2}$`)

// fileOf is a source without what differs from fact to fact.
func fileOf(from string) string {
	kind, _, _ := strings.Cut(from, " ")
	if kind == "trace" || kind == "commit" {
		return kind
	}
	return position.ReplaceAllString(from, "")
}

func comment(from []string) string {
	if len(from) == 0 {
		return ""
	}
	const most = 2
	s := strings.Join(from[:min(most, len(from))], ", ")
	if len(from) > most {
		s += " and " + strconv.Itoa(len(from)-most) + " more"
	}
	// A colon and a space would look like a key to what edits the line.
	return " # from " + strings.TrimRight(strings.ReplaceAll(s, ": ", " "), ": ")
}
