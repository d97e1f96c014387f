// Package nginx reads from nginx configuration where requests are passed on to:
// upstreams with their servers, and the *_pass directives with the locations that
// they stand in. Everything else is read over; includes are not followed.
//
// It only reads.
package nginx

import (
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Config is a configuration.
type Config struct {
	Upstreams map[string][]Server
	Passes    []Pass // in their order
}

// Server is one of an upstream.
type Server struct {
	Address string // host, host:port
	Pos     doc.Pos
}

// Pass is a proxy_pass, grpc_pass, fastcgi_pass or uwsgi_pass.
type Pass struct {
	Directive string
	Target    string   // as it stands: http://orders/, or with $variables
	Location  string   // pattern of the innermost location around it; "" for none
	Names     []string // server_name of the server around it
	Pos       doc.Pos
}

// Protocol that the directive speaks: http, grpc, fastcgi, uwsgi.
func (p Pass) Protocol() string {
	switch name := strings.TrimSuffix(p.Directive, "_pass"); name {
	case "proxy":
		return "http"
	default:
		return name
	}
}

// Host is the host and port that the target names; "" when it is made of
// variables or is a socket.
func (p Pass) Host() string {
	t := p.Target
	if i := strings.Index(t, "://"); i >= 0 {
		t = t[i+3:]
	}
	t, _, _ = strings.Cut(t, "/")
	if strings.ContainsAny(t, "$ ") || strings.HasPrefix(t, "unix:") {
		return ""
	}
	return t
}

var passes = []string{"proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass"}

// maxDepth bounds blocks within blocks.
const maxDepth = 100

// Read reads a configuration as far as it makes sense: what is not closed ends
// with the file.
func Read(path string, src []byte) *Config {
	c := &Config{Upstreams: map[string][]Server{}}
	var blocks [][]string // the words before each open brace
	var names [][]string  // server names by block
	for l := (lexer{path: path, src: src, line: 1, col: 1}); ; {
		words, pos, end := l.directive()
		switch end {
		case '{':
			if len(blocks) == maxDepth {
				return c
			}
			blocks, names = append(blocks, words), append(names, nil)
		case '}':
			if len(blocks) > 0 {
				blocks, names = blocks[:len(blocks)-1], names[:len(names)-1]
			}
		case ';':
			c.directive(words, pos, blocks, names)
		default:
			return c
		}
	}
}

func (c *Config) directive(words []string, pos doc.Pos, blocks, names [][]string) {
	if len(words) < 2 || len(blocks) == 0 {
		return
	}
	switch around := blocks[len(blocks)-1]; {
	case words[0] == "server_name":
		names[len(names)-1] = words[1:]
	case words[0] == "server" && len(around) > 1 && around[0] == "upstream":
		c.Upstreams[around[1]] = append(c.Upstreams[around[1]], Server{words[1], pos})
	case slices.Contains(passes, words[0]):
		p := Pass{Directive: words[0], Target: words[1], Pos: pos}
		for i, b := range blocks {
			if len(b) > 1 && b[0] == "location" {
				p.Location = b[len(b)-1]
				if b[1] == "~" || b[1] == "~*" {
					p.Location = "~" + p.Location
				}
			}
			if len(names[i]) > 0 {
				p.Names = names[i]
			}
		}
		c.Passes = append(c.Passes, p)
	}
}

// lexer parts a configuration into directives.
type lexer struct {
	path      string
	src       []byte
	at        int
	line, col int
}

func (l *lexer) next() byte {
	ch := l.src[l.at]
	l.at++
	if ch == '\n' {
		l.line, l.col = l.line+1, 1
	} else {
		l.col++
	}
	return ch
}

// directive reads words up to ; { or }, and says which; 0 at the end of the file.
// pos is that of the second word, what the directive says.
func (l *lexer) directive() (words []string, pos doc.Pos, end byte) {
	var w []byte
	inWord := false
	finish := func() {
		if inWord {
			words, w, inWord = append(words, string(w)), nil, false
		}
	}
	for l.at < len(l.src) {
		line, col := l.line, l.col
		ch := l.next()
		switch {
		case ch == '#' && !inWord:
			for l.at < len(l.src) && l.src[l.at] != '\n' {
				l.next()
			}
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			finish()
		case ch == ';' || ch == '}' || ch == '{' && !(inWord && len(w) > 0 && w[len(w)-1] == '$'):
			finish()
			return words, pos, ch
		default:
			if !inWord && len(words) <= 1 {
				pos = doc.Pos{File: l.path, Line: line, Col: col}
			}
			inWord = true
			if ch == '"' || ch == '\'' {
				for l.at < len(l.src) {
					q := l.next()
					if q == ch {
						break
					}
					if q == '\\' && l.at < len(l.src) {
						q = l.next()
					}
					w = append(w, q)
				}
				continue
			}
			w = append(w, ch)
			if ch == '{' { // ${name}
				for l.at < len(l.src) && l.src[l.at] != '}' && l.src[l.at] != '\n' {
					w = append(w, l.next())
				}
				if l.at < len(l.src) && l.src[l.at] == '}' {
					w = append(w, l.next())
				}
			}
		}
	}
	return words, pos, 0
}
