package split

import (
	"slices"
	"strings"
	"unicode"
)

// words splits a name at case changes, digits and signs: "HTTPOrderLine2" ->
// http order line.
func words(name string) []string {
	var out []string
	rs := []rune(name)
	start := 0
	flush := func(end int) {
		if w := strings.ToLower(string(rs[start:end])); len(w) > 1 {
			out = append(out, w)
		}
	}
	for i, r := range rs {
		switch {
		case !unicode.IsLetter(r):
			flush(i)
			start = i + 1
		case i > start && unicode.IsUpper(r) && (unicode.IsLower(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1]) && unicode.IsUpper(rs[i-1])):
			flush(i)
			start = i
		}
	}
	if start < len(rs) {
		flush(len(rs))
	}
	return out
}

// stem joins singular and plural. It knows the regular endings only.
func stem(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// layers are words that say what a type technically is, not what it is about.
var layers = strings.Fields(`abstract action actions adapter api app application base bean beans biz client clients cmd
 command common commons component components config configuration constant constants controller controllers converter core
 dal dao daos data database db default domain dto dtos ejb entities entity enum error errors event events exception exceptions
 facade factory filter form forms gateway generic handler handlers helper helpers http impl info infra infrastructure inmemory
 interceptor interface interfaces internal java jdbc jpa json lib libs listener listeners main manager managers map mapper
 mappers middleware model models module mvc new object objects persistence persistent pkg po pojo port ports presentation
 provider proxy query remote repo repos repositories repository request resource resources response rest result root route
 router routes schema server servers service services servlet session shared simple spring sql src store storage support
 system tag test tests type types ui util utilities utility utils validate validator validators value values view views vo web
 xml get set read write put new open close add update delete remove find create save load list search select insert by all to from is has of id ids name names
 string int long float double bool boolean date time list map void key count index number text item_id org com net io github`)

var layer = func() map[string]bool {
	m := make(map[string]bool, len(layers))
	for _, w := range layers {
		m[w] = true
	}
	return m
}()

// meaning keeps the words that can be of the domain, stemmed, in order, once each.
func meaning(ws []string) []string {
	var out []string
	for _, w := range ws {
		if layer[w] {
			continue
		}
		if w = stem(w); !layer[w] && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// subject is a package path without the words that name layers: what the folders
// say about the domain. "" if they say nothing.
func subject(pkg string) string {
	var keep []string
	for _, seg := range strings.FieldsFunc(pkg, func(r rune) bool { return r == '.' || r == '/' || r == '\\' || r == ':' }) {
		if !layer[strings.ToLower(seg)] && !layer[stem(strings.ToLower(seg))] {
			keep = append(keep, seg)
		}
	}
	return strings.Join(keep, "/")
}
