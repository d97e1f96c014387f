// Package spring reads the settings of Spring Boot applications from YAML and
// .properties files into flat keys with their places. Keys are compared relaxed,
// as Spring does: serviceUrl, service-url and SERVICE_URL are one.
//
// It only reads.
package spring

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Setting is one key with its value.
type Setting struct {
	Key   string // as written, dotted: eureka.client.serviceUrl.defaultZone
	Value string
	Pos   doc.Pos
}

// Settings is a document: those of one file or of one profile in it.
type Settings struct {
	Profiles []string // empty: they always hold
	List     []Setting
}

// Get returns the value of a key, relaxed; the last one counts.
func (s Settings) Get(key string) (Setting, bool) {
	want := Relaxed(key)
	for _, x := range slices.Backward(s.List) {
		if Relaxed(x.Key) == want {
			return x, true
		}
	}
	return Setting{}, false
}

// Relaxed is a key without case, dashes and underscores.
func Relaxed(key string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
}

// FromDocument flattens a YAML document.
func FromDocument(d *doc.Document) Settings {
	var s Settings
	flatten(d, d.Root, "", &s.List)
	s.profile()
	return s
}

// maxKeys bounds a file.
const maxKeys = 20_000

func flatten(d *doc.Document, n *doc.Node, key string, out *[]Setting) {
	if len(*out) >= maxKeys {
		return
	}
	switch n.Kind {
	case doc.Map:
		for _, e := range n.Entries {
			k := e.Key.Text
			if key != "" {
				k = key + "." + k
			}
			flatten(d, e.Value, k, out)
		}
	case doc.List:
		for i, it := range n.Items {
			flatten(d, it, key+"["+strconv.Itoa(i)+"]", out)
		}
	case doc.Null:
	default:
		*out = append(*out, Setting{key, n.Text, d.Pos(n)})
	}
}

// FromProperties reads a .properties file: key=value or key: value lines,
// comments, lines that go on after a backslash.
func FromProperties(path string, src []byte) Settings {
	var s Settings
	var pending string
	start, col := 0, 1
	for i, line := range strings.Split(string(src), "\n") {
		t := strings.TrimSpace(line)
		if pending == "" {
			start, col = i+1, 1+utf8.RuneCountInString(line)-utf8.RuneCountInString(strings.TrimLeft(line, " \t\f"))
			if t == "" || t[0] == '#' || t[0] == '!' {
				continue
			}
		}
		if strings.HasSuffix(t, `\`) {
			pending += strings.TrimSuffix(t, `\`)
			continue
		}
		t, pending = pending+t, ""
		at := strings.IndexAny(t, "=:")
		if at <= 0 || len(s.List) >= maxKeys {
			continue
		}
		s.List = append(s.List, Setting{strings.TrimSpace(t[:at]), strings.TrimSpace(t[at+1:]), doc.Pos{File: path, Line: start, Col: col}})
	}
	s.profile()
	return s
}

func (s *Settings) profile() {
	for _, key := range []string{"spring.profiles", "spring.config.activate.on-profile"} {
		if p, ok := s.Get(key); ok {
			for f := range strings.SplitSeq(p.Value, ",") {
				s.Profiles = append(s.Profiles, strings.TrimSpace(f))
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_.-]+)(?::([^${}]*))?\}`)

// Expand replaces ${key} and ${key:default} from other settings; what is not
// known and has no default stays.
func Expand(value string, get func(key string) (string, bool)) string {
	for range 4 {
		next := placeholder.ReplaceAllStringFunc(value, func(m string) string {
			p := placeholder.FindStringSubmatch(m)
			if v, ok := get(p[1]); ok && v != m {
				return v
			}
			if strings.Contains(m, ":") {
				return p[2]
			}
			return m
		})
		if next == value {
			break
		}
		value = next
	}
	return value
}
