package treesource

import (
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/discover/treesource/facts"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// mapperXML reads the statements of a MyBatis mapper or an iBATIS map. Of the
// branches of a dynamic statement all count.
func mapperXML(file string, src []byte) (map[string][]facts.Mapped, error) {
	m := &mapper{file: file, out: map[string][]facts.Mapped{}, parts: map[string]string{}}
	d := lenient(src)
	for {
		line, _ := d.InputPos()
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			m.start(t, line)
		case xml.CharData:
			if m.key != nil {
				m.key.Write(t)
			} else if m.verb != "" {
				m.text.Write(t)
			}
		case xml.EndElement:
			m.end(t.Name.Local)
		}
	}
	for _, list := range m.out {
		for i := range list {
			list[i].SQL = m.whole(list[i].SQL, 0)
		}
	}
	return m.out, nil
}

// mapper is the state of reading one file.
type mapper struct {
	file, namespace string
	out             map[string][]facts.Mapped
	parts           map[string]string // <sql id>: what statements include

	verb, id string // of the statement that is open
	line     int
	text     strings.Builder
	key      *strings.Builder // of a <selectKey> inside it
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (m *mapper) start(t xml.StartElement, line int) {
	switch t.Name.Local {
	case "mapper", "sqlMap":
		m.namespace = attr(t, "namespace")
	case "select", "insert", "update", "delete", "statement", "procedure", "sql":
		m.verb, m.id, m.line = t.Name.Local, attr(t, "id"), line
		m.text.Reset()
	case "include":
		ref := attr(t, "refid")
		m.text.WriteString(" \x01" + ref[strings.LastIndexByte(ref, '.')+1:] + "\x01 ")
	case "where", "set":
		m.text.WriteString(" " + t.Name.Local + " ")
	case "trim":
		m.text.WriteString(" " + attr(t, "prefix") + " ")
	case "foreach":
		m.text.WriteString(" " + attr(t, "open") + " ")
	case "selectKey":
		m.key = &strings.Builder{}
	}
}

func (m *mapper) end(name string) {
	switch name {
	case "selectKey":
		if m.key != nil {
			m.keep("select", m.key.String())
			m.key = nil
		}
	case "sql":
		m.parts[m.id] = m.text.String()
		m.verb = ""
	case "select", "insert", "update", "delete", "statement", "procedure":
		if m.verb == name {
			m.keep(m.verb, m.text.String())
			m.verb = ""
		}
	}
}

// keep files a statement under its mapper's name, and where the map has none,
// under its own.
func (m *mapper) keep(verb, text string) {
	k := m.id
	if m.namespace != "" {
		k = m.namespace + "." + m.id
	}
	m.out[k] = append(m.out[k], facts.Mapped{SQL: text, Verb: verb, Pos: code.Pos{File: m.file, Line: m.line, Col: 1}})
}

var (
	included  = regexp.MustCompile("\x01([^\x01]*)\x01")
	pasted    = regexp.MustCompile(`\$\{[^}]*\}|\$[A-Za-z0-9_.]+\$`)
	doubleAnd = regexp.MustCompile(`(?i)\bwhere\s+(and|or)\b`)
)

// whole puts in what is included; what is pasted at run time is a hole.
func (m *mapper) whole(text string, depth int) string {
	text = included.ReplaceAllStringFunc(text, func(s string) string {
		if depth > 10 {
			return ""
		}
		return m.whole(m.parts[strings.Trim(s, "\x01")], depth+1)
	})
	return doubleAnd.ReplaceAllString(pasted.ReplaceAllString(text, sql.Hole), "where ")
}

// webXML reads the routes of a deployment descriptor or of Struts.
func webXML(file string, src []byte) ([]facts.Route, error) {
	var x struct {
		Servlets []struct {
			Name  string `xml:"servlet-name"`
			Class string `xml:"servlet-class"`
		} `xml:"servlet"`
		Mappings []struct {
			Name string   `xml:"servlet-name"`
			URLs []string `xml:"url-pattern"`
		} `xml:"servlet-mapping"`
		Actions []struct { // Struts 1
			Path string `xml:"path,attr"`
			Type string `xml:"type,attr"`
		} `xml:"action-mappings>action"`
		Packages []struct { // Struts 2
			Namespace string `xml:"namespace,attr"`
			Actions   []struct {
				Name   string `xml:"name,attr"`
				Class  string `xml:"class,attr"`
				Method string `xml:"method,attr"`
			} `xml:"action"`
		} `xml:"package"`
	}
	if err := lenient(src).Decode(&x); err != nil {
		return nil, err
	}
	p := code.Pos{File: file, Line: 1, Col: 1}
	var out []facts.Route
	for _, s := range x.Servlets {
		for _, m := range x.Mappings {
			if strings.TrimSpace(m.Name) != strings.TrimSpace(s.Name) {
				continue
			}
			for _, u := range m.URLs {
				out = append(out, facts.Route{Path: strings.TrimSpace(u), Class: strings.TrimSpace(s.Class), Pos: p})
			}
		}
	}
	for _, a := range x.Actions {
		out = append(out, facts.Route{Path: a.Path, Class: a.Type, Method: "execute", Pos: p})
	}
	for _, k := range x.Packages {
		for _, a := range k.Actions {
			method := a.Method
			if method == "" {
				method = "execute"
			}
			out = append(out, facts.Route{Path: path.Join("/", k.Namespace, a.Name), Class: a.Class, Method: method, Pos: p})
		}
	}
	return out, nil
}
