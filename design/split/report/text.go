package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
)

// shares are the teams of a context with their shares of its lines.
func shares(ts []split.TeamShare) string {
	var out []string
	for _, t := range ts {
		out = append(out, fmt.Sprintf("%s (%.0f %%)", t.Team, 100*t.Share))
	}
	return cut(out, 4)
}

// rounded shows two digits of a large number: 12,000.
func rounded(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(max(x, 1)))-1)
	s := fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func uses(us []split.TableUse) string {
	var out []string
	for _, u := range us {
		out = append(out, table(u.Table)+" of "+u.Owner)
	}
	return strings.Join(out, ", ")
}

func tables(ts []arch.Ref) string {
	var out []string
	for _, t := range ts {
		out = append(out, table(t))
	}
	return strings.Join(out, ", ")
}

func table(r arch.Ref) string {
	if m := r.Member(); m != "" {
		return m
	}
	return r.Name()
}

func place(p code.Pos) string {
	if p.File == "" {
		return "an unknown place"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

func places(ps []code.Pos) string {
	var out []string
	for i, p := range ps {
		if i == 2 {
			out = append(out, fmt.Sprintf("%d more places", len(ps)-2))
			break
		}
		out = append(out, place(p))
	}
	return strings.Join(out, ", ")
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
	return strings.TrimSuffix(short(t)+"."+m, ".")
}

// short is a type's name, with its methods where it is a part, without package.
func short(name string) string {
	t, part, ok := strings.Cut(name, "#")
	t = t[strings.LastIndexAny(t, "./")+1:]
	if ok {
		return t + "{" + part + "}"
	}
	return t
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y") && !strings.HasSuffix(what, "ey"):
		return fmt.Sprintf("%d %sies", n, what[:len(what)-1])
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func cut(names []string, n int) string {
	if len(names) > n {
		names = append(slices.Clone(names[:n]), fmt.Sprintf("and %d more", len(names)-n))
	}
	return strings.Join(names, ", ")
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func pick(cond bool, a, b int) int {
	if cond {
		return a
	}
	return b
}

type printer struct {
	w     io.Writer
	color bool
	err   error
}

func (p *printer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *printer) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// wrap prints text in lines of the width, the first after a lead, the others
// indented.
func (p *printer) wrap(lead string, indent int, text string) {
	line := lead
	empty := true
	for _, w := range strings.Fields(text) {
		if !empty && len(line)+1+len(w) > width {
			p.line("%s", line)
			line, empty = strings.Repeat(" ", indent), true
		}
		if !empty {
			line += " "
		}
		line += w
		empty = false
	}
	p.line("%s", line)
}
