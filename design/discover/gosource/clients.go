package gosource

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// clients makes the calls of one call site, one for each target that it may have.
func (p *program) clients(c client) []code.Client {
	var out []code.Client
	all := p.resolve(c.Target)
	own := map[string]bool{} // what is known without looking at the callers
	for _, f := range p.expand(found{text: c.Target}, 0, map[string]bool{ownKey(c.Method): true}) {
		own[f.text] = true
	}
	seen := map[string]bool{}
	given, limited := p.limitOf(c)
	for _, f := range all {
		if own[f.text] || c.Kind == "http" && own[vague(f.text)] {
			f.via = nil
		}
		if key := fmt.Sprint(vague(f.text), f.via); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		x := c.Client
		if f.via != nil && x.Kind != "grpc" {
			x.Method, x.Pos, x.InLoop = f.via.Caller, f.via.Pos, x.InLoop || f.via.InLoop
			x.Tx = cmp.Or(x.Tx, f.via.Tx)
			if x.Policy.Retry == nil {
				x.Policy.Retry = f.via.Retry
			}
		}
		text, limit, _ := strings.Cut(f.text, clientStart)
		limit = strings.TrimPrefix(limit, clientStart)
		if ns, err := strconv.ParseInt(limit, 10, 64); err == nil && !x.Policy.Timeout.Known {
			x.Policy.Timeout = arch.Some(time.Duration(ns))
		}
		if own := x.Policy.Timeout.V; limited && (own == 0 || given.Known && given.V < own) {
			x.Policy.Timeout = given
		}
		text = strings.ReplaceAll(text, sql.Hole, "{}")
		switch x.Kind {
		case "http":
			text = unformatted(text)
			verb := p.place(c.Verb)
			if v, rest, ok := strings.Cut(text, " "); ok && (verbOf(v) != "" || v == "{}") {
				verb, text = v, rest
			}
			host, rest := splitURL(text)
			x.Target, x.Fixed = host, fixed(host)
			x.Verb = strings.TrimSpace(strings.NewReplacer(sql.Hole, "", "{}", "").Replace(verb) + " " + rest)
		case "grpc":
			x.Target, x.Fixed = text, fixed(text)
			if !strings.Contains(x.Verb, "/") {
				pkg, svc, _ := strings.Cut(c.Service, "#")
				full, _ := p.grpcService(pkg, svc)
				x.Verb = full + "/" + x.Verb
			}
		case "topic":
			x.Target = text
		}
		if x.Target == "{}" {
			x.Target = ""
		}
		out = append(out, x)
	}
	if len(out) > 1 { // what is known beats what is not
		if known := slices.DeleteFunc(slices.Clone(out), func(x code.Client) bool { return x.Target == "" }); len(known) > 0 {
			out = known
		}
		if env := slices.DeleteFunc(slices.Clone(out), func(x code.Client) bool { return !strings.Contains(x.Target, "${") }); len(env) > 0 && c.Kind != "topic" {
			out = env
		}
	}
	if c.Kind == "grpc" && len(out) > 1 {
		out = out[:1]
	}
	return out
}

// unformatted makes holes of the verbs of a format that only linking found: the
// format was a variable's.
func unformatted(s string) string {
	return formatVerb.ReplaceAllString(s, "{}")
}

// formatVerb: %s and the like; %2F and %d0 are escapes of a URL.
var formatVerb = regexp.MustCompile(`%[svqxt]|%d\b`)

// ownKey closes a function's parameters in [program.expand]: its callers are not
// asked.
func ownKey(m code.MethodID) string {
	id, _, _ := strings.Cut(string(m), ".func@")
	return "own " + id
}

// vague is a text as its function alone knows it, where callers add nothing to it.
func vague(s string) string { return holes.ReplaceAllString(s, sql.Hole) }

var holes = regexp.MustCompile("\x00+")

// splitURL parts a URL into its place and its path without the query.
func splitURL(s string) (host, rest string) {
	i := strings.Index(s, "://")
	start := 0
	if i >= 0 {
		start = i + 3
	}
	if j := strings.IndexAny(s[start:], "/?"); j >= 0 {
		if k := strings.Index(s[start:], "}"); k > j && strings.HasPrefix(s[start:], "${") { // a name of a variable may hold anything
			j = strings.IndexAny(s[start+k:], "/?") + k
			if j < k {
				return s[start:], "/"
			}
		}
		rest = s[start+j:]
		host = s[start : start+j]
	} else {
		host = s[start:]
	}
	rest, _, _ = strings.Cut(rest, "?")
	if k := strings.LastIndexByte(host, '@'); k >= 0 {
		host = host[k+1:]
	}
	return host, cmp.Or(rest, "/")
}

// fixed reports whether a place is written into the code: a name with a port or a
// domain, no variable and nothing unknown; this machine is none.
func fixed(host string) bool {
	if host == "" || strings.ContainsAny(host, "${}* ") {
		return false
	}
	name, port, _ := strings.Cut(host, ":")
	switch name {
	case "", "localhost", "127.0.0.1", "0.0.0.0", "metadata.google.internal", "169.254.169.254":
		return false
	}
	return strings.Contains(name, ".") || port != ""
}
