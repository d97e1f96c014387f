// Package codeowners reads CODEOWNERS files as GitHub and GitLab do: the last
// line that matches a path wins; in GitLab's sections the last of each section
// does, and a section may have owners for lines that name none.
//
// It only reads.
package codeowners

import (
	"path"
	"regexp"
	"strings"
)

// File is a CODEOWNERS file.
type File struct {
	Path     string // of the file itself
	Sections []Section
}

// Section of GitLab; the lines before any are a section without a name.
type Section struct {
	Name     string
	Optional bool
	Owners   []string // of lines that name none
	Rules    []Rule
}

// Rule is one line.
type Rule struct {
	Pattern string
	Owners  []string // "@org/team", "@user", an e-mail address; none: nobody owns it
	Line    int
	re      *regexp.Regexp
}

var section = regexp.MustCompile(`^(\^)?\[([^\]]+)\](?:\[\d+\])?\s*(.*)$`)

// Parse reads a file. Lines that are no pattern are left out, as both do.
func Parse(name string, src []byte) *File {
	f := &File{Path: name, Sections: []Section{{}}}
	for i, line := range strings.Split(string(src), "\n") {
		line = strings.TrimSpace(strings.TrimSuffix(line, "\r"))
		if line == "" || line[0] == '#' {
			continue
		}
		if m := section.FindStringSubmatch(line); m != nil {
			f.Sections = append(f.Sections, Section{Name: m[2], Optional: m[1] != "", Owners: owners(m[3])})
			continue
		}
		pattern, rest := cut(line)
		re, err := regexp.Compile(expression(pattern))
		if err != nil || strings.HasPrefix(pattern, "!") {
			continue
		}
		s := &f.Sections[len(f.Sections)-1]
		s.Rules = append(s.Rules, Rule{Pattern: pattern, Owners: owners(rest), Line: i + 1, re: re})
	}
	return f
}

// cut splits a line at the first space that is not escaped.
func cut(line string) (pattern, rest string) {
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
		} else if line[i] == ' ' || line[i] == '\t' {
			return strings.ReplaceAll(line[:i], `\ `, " "), line[i+1:]
		}
	}
	return line, ""
}

func owners(s string) []string {
	var out []string
	for _, w := range strings.Fields(s) {
		if w[0] == '#' {
			break
		}
		if strings.Contains(w, "@") {
			out = append(out, w)
		}
	}
	return out
}

// expression of a pattern: without a slash inside it matches at any depth; a
// folder's owns all below it, but for folder/*, which owns its files alone.
func expression(p string) string {
	anchored := strings.Contains(strings.TrimSuffix(p, "/"), "/")
	dir := strings.HasSuffix(p, "/")
	p = strings.Trim(p, "/")
	var b strings.Builder
	b.WriteString("^")
	if !anchored {
		b.WriteString("(?:.*/)?")
	}
	for i := 0; i < len(p); i++ {
		switch {
		case strings.HasPrefix(p[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(p[i:], "**"):
			b.WriteString(".*")
			i++
		case p[i] == '*':
			b.WriteString("[^/]*")
		case p[i] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(p[i : i+1]))
		}
	}
	switch {
	case dir:
		b.WriteString("/.*$")
	case anchored && strings.HasSuffix(p, "/*"):
		b.WriteString("$")
	default:
		b.WriteString("(?:/.*)?$")
	}
	return b.String()
}

// Owners are who owns a path (slashes, relative to the repository's root), with
// the rule that says so; in several sections the owners of each, the rule of the
// first. ok is false when no line matches.
func (f *File) Owners(p string) (who []string, by Rule, ok bool) {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	for _, s := range f.Sections {
		for i := len(s.Rules) - 1; i >= 0; i-- {
			r := s.Rules[i]
			if !r.re.MatchString(p) {
				continue
			}
			list := r.Owners
			if len(list) == 0 {
				list = s.Owners
			}
			if !ok {
				by, ok = r, true
			}
			who = append(who, list...)
			break
		}
	}
	return who, by, ok
}

// Root is the folder of the repository, from the place of the file.
func (f *File) Root() string {
	d := path.Dir(f.Path)
	switch path.Base(d) {
	case ".github", ".gitlab", "docs":
		return path.Dir(d)
	}
	return d
}

// Team is the team's name of @org/team or @group/sub/team; "" for a person.
func Team(owner string) string {
	if !strings.HasPrefix(owner, "@") || !strings.Contains(owner, "/") {
		return ""
	}
	return owner[strings.LastIndexByte(owner, '/')+1:]
}
