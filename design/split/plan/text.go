package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
)

func trigger(e code.Entry) string {
	if e.Trigger != "" {
		return e.Trigger
	}
	return method(e.Method)
}

// method is a method's type and name without package and parameters.
func method(id code.MethodID) string {
	s := string(id)
	if i := strings.IndexByte(s, '('); i >= 0 {
		s = s[:i]
	}
	t, m, ok := strings.Cut(s, "#")
	if !ok {
		return s
	}
	return last(t) + "." + m
}

func last(s string) string { return s[strings.LastIndexAny(s, "./")+1:] }

func name(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}

func ident(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s), "-")
}

func places(ps []code.Pos) string {
	var out []string
	for _, p := range first(ps, 3) {
		out = append(out, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if n := len(ps) - 3; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

func cites(ps []code.Pos, what string) []Cite {
	var out []Cite
	for _, p := range ps {
		out = append(out, Cite{p, what})
	}
	return out
}

func first[T any](s []T, n int) []T { return s[:min(n, len(s))] }

func listed(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
