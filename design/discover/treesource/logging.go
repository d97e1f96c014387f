package treesource

import (
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

var (
	logbackHost = regexp.MustCompile(`<(?:destination|remoteHost|syslogHost|host|brokers?|url|baseUrl|endpoint)>\s*([^<\s]+)\s*</`)
	confHost    = regexp.MustCompile(`(?m)^\s*hosts?\s*=>\s*\[?\s*["']?([^"'\s\]]+)`)
	comment     = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// logback finds hosts that a logging configuration sends to.
func logback(file, src string) []*appenders {
	src = comment.ReplaceAllStringFunc(src, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	var out []*appenders
	for _, m := range logbackHost.FindAllStringSubmatchIndex(src, -1) {
		out = append(out, &appenders{src[m[2]:m[3]], place(file, src, m[2])})
	}
	return out
}

// logstashHosts finds hosts that a pipeline writes to.
func logstashHosts(file, src string) []*appenders {
	i := strings.Index(src, "output")
	if i < 0 {
		return nil
	}
	var out []*appenders
	for _, m := range confHost.FindAllStringSubmatchIndex(src[i:], -1) {
		out = append(out, &appenders{src[i+m[2] : i+m[3]], place(file, src, i+m[2])})
	}
	return out
}

func place(file, src string, at int) code.Pos {
	return code.Pos{File: file, Line: 1 + strings.Count(src[:at], "\n"), Col: at - strings.LastIndexByte(src[:at], '\n')}
}

// tables are definitions of a script.
type tables struct {
	file string
	list []defined
}

type defined struct {
	sql.Definition
	pos code.Pos
}

// schema reads the tables that a script defines; nil when it has none.
func schema(file, src string) *tables {
	t := &tables{file: file}
	for _, st := range sql.Parse(src) {
		for _, d := range st.Defines {
			if !d.View && !d.Drop {
				t.list = append(t.list, defined{d, place(file, src, st.Offset)})
			}
		}
	}
	if len(t.list) == 0 {
		return nil
	}
	return t
}
