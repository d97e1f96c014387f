package link

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/design/discover/treesource/unit"
)

// Text is the value of an expression as text. What is not known is a hole,
// {name} or {}; ${key} is a setting.
type Text struct {
	S     string
	Fixed bool // every character stands in the code
	// Lead is how many bytes at the beginning stand in the code, where not all do.
	Lead int
}

// InCode reports whether the first n bytes stand in the code.
func (t Text) InCode(n int) bool { return t.Fixed || t.Lead >= n }

// joined puts two texts together.
func joined(t, u Text) Text {
	lead := t.Lead
	if t.Fixed {
		lead = len(t.S) + u.Lead
	}
	return Text{t.S + u.S, t.Fixed && u.Fixed, lead}
}

// Known reports whether there is more than holes.
func (t Text) Known() bool { return strings.Trim(holes(t.S), "/ ") != "" }

// holes drops {…} that is not ${…}.
func holes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '{' && (i == 0 || s[i-1] != '$') {
			if j := strings.IndexByte(s[i:], '}'); j > 0 {
				i += j
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// textDepth bounds how far a value is followed through variables, constants and
// small methods.
const textDepth = 12

// textMax bounds a text.
const textMax = 64 << 10

// textSteps bounds the work on one text: constants that are made of each other
// would double it with each.
const textSteps = 1000

// Text evaluates e where it stands.
func (p *Program) Text(s *Scope, e *unit.Expr) Text {
	p.steps = textSteps
	return p.text(s, e, 0)
}

func hole(name string) Text { return Text{S: "{" + name + "}"} }

func (p *Program) text(s *Scope, e *unit.Expr, depth int) Text {
	if p.steps--; e == nil || depth > textDepth || p.steps < 0 {
		return hole("")
	}
	switch e.Kind {
	case unit.Str:
		return Text{S: e.Text, Fixed: true}
	case unit.Lit:
		return Text{S: strings.Trim(e.Text, "'"), Fixed: true}
	case unit.Concat:
		return p.concat(s, e.Args, depth)
	case unit.Cast, unit.Await:
		return p.text(s, e.X, depth+1)
	case unit.Cond:
		for i := range e.Args {
			t := p.text(s, &e.Args[i], depth+1)
			if key, ok := strings.CutPrefix(t.S, "${"); ok && i+1 < len(e.Args) && strings.IndexByte(key, '}') == len(key)-1 && !strings.Contains(key, ":") { // a setting or else
				if def := p.text(s, &e.Args[i+1], depth+1); def.Known() {
					return Text{S: "${" + strings.TrimSuffix(key, "}") + ":" + def.S + "}"}
				}
			}
			if t.Known() {
				return t
			}
		}
	case unit.Array:
		if len(e.Args) > 0 {
			return p.text(s, &e.Args[0], depth+1)
		}
	case unit.Name:
		return p.nameText(s, e.Text, depth)
	case unit.Member:
		return p.memberText(s, e, depth)
	case unit.Call:
		return p.callText(s, e, depth)
	case unit.New:
		switch unit.Last(e.Text) {
		case "URL", "URI", "StringBuilder", "StringBuffer", "String", "HttpGet", "HttpPost", "HttpPut", "HttpDelete", "HttpPatch", "ClassPathResource", "Uri", "NewTopic":
			return p.concat(s, e.Args[:min(1, len(e.Args))], depth)
		}
	case unit.Other:
		if e.Text == "same" && e.X != nil {
			return p.text(s, e.X, depth+1)
		}
	}
	return hole("")
}

func (p *Program) concat(s *Scope, parts []unit.Expr, depth int) Text {
	out := Text{Fixed: true}
	for i := range parts {
		out = joined(out, p.text(s, &parts[i], depth+1))
		if len(out.S) > textMax {
			break
		}
	}
	return out
}

func (p *Program) nameText(s *Scope, name string, depth int) Text {
	if v := s.Var(name); v != nil {
		switch {
		case v.Text != nil:
			return *v.Text
		case v.Param != nil:
			if t, ok := p.setting(s, v.Param.Mark("Value", "ConfigProperty", "Property"), depth); ok {
				return t
			}
		case v.Init != nil && depth < textDepth:
			t := p.text(v.Scope, v.Init, depth+1)
			for _, more := range v.More { // sql += "..."
				if more.Text == "+=" {
					t.S += p.text(s, &more.Args[0], depth+1).S
				} else if u := p.text(s, &more.Args[0], depth+1); !t.Known() {
					t = u
				}
				if len(t.S) > textMax {
					break
				}
			}
			return t
		case len(v.More) > 0 && depth < textDepth:
			return p.text(s, &v.More[0].Args[0], depth+1)
		}
		return hole(name)
	}
	for t := s.In.Type; t != nil; t = t.Outer {
		if o, f := p.Field(t, name); f != nil {
			return p.fieldText(o, f, depth)
		}
	}
	if o := p.sibling(s.In.Type, ""); o != nil && o.File == s.In.Type.File {
		if f := o.fields[name]; f != nil {
			return p.fieldText(o, f, depth)
		}
	}
	for i := range s.In.Type.File.Imports { // a constant that is imported by itself
		im := &s.In.Type.File.Imports[i]
		if called(im) != name && !(im.Static && im.Name == "*") {
			continue
		}
		if x := p.best(s.In.Type, p.named[im.Package]); x != nil {
			want := im.Name
			if want == "*" {
				want = name
			}
			if o, f := p.Field(x, want); f != nil {
				return p.fieldText(o, f, depth)
			}
		}
	}
	return hole(name)
}

// fieldText is what a field holds: its constant, or the setting that is put in.
func (p *Program) fieldText(o *Type, f *unit.Field, depth int) Text {
	s := &Scope{In: &Method{Type: o, Unit: &unit.Method{}}}
	if t, ok := p.setting(s, f.Mark("Value", "ConfigProperty", "Property"), depth); ok {
		return t
	}
	if f.Init != nil {
		if t := p.text(s, f.Init, depth+1); t.Known() {
			return t
		}
	}
	if m := o.Unit.Mark("ConfigurationProperties", "ConfigMapping"); m != nil {
		prefix := p.text(s, m.Arg("prefix", "value"), depth+1).S
		return Text{S: "${" + strings.TrimSuffix(prefix, ".") + "." + f.Name + "}"}
	}
	if t, ok := p.givenField(o, f.Name, depth); ok {
		return t
	}
	return hole(f.Name)
}

// givenField: a constructor's or setter's parameter with a setting that becomes
// the field, or a text that is put in there.
func (p *Program) givenField(o *Type, field string, depth int) (Text, bool) {
	if depth > textDepth/2 {
		return Text{}, false
	}
	for _, m := range o.Methods {
		for i := range m.Unit.Body {
			x := m.Unit.Body[i].X
			if x == nil || x.Kind != unit.Assign || x.X == nil || x.X.Text != field || x.X.Kind == unit.Member && (x.X.X == nil || x.X.X.Text != "this" && x.X.X.Text != "self") {
				continue
			}
			if t := p.text(p.scope(m), &x.Args[0], depth+1); t.Known() {
				return t, true
			}
		}
		for i := range m.Unit.Params {
			if q := &m.Unit.Params[i]; q.Name == field && m.Unit.Name == "<init>" {
				if t, ok := p.setting(p.scope(m), q.Mark("Value", "ConfigProperty", "Property"), depth); ok {
					return t, true
				}
			}
		}
	}
	return Text{}, false
}

// setting reads @Value("${key:default}") and the like.
func (p *Program) setting(s *Scope, m *unit.Mark, depth int) (Text, bool) {
	if m == nil {
		return Text{}, false
	}
	a := m.Arg("value", "name", "")
	if a == nil {
		return Text{}, false
	}
	t := p.text(s, a, depth+1)
	t.Fixed, t.Lead = false, 0
	if unit.Last(m.Name) != "Value" && !strings.Contains(t.S, "${") {
		t.S = "${" + t.S + "}"
	}
	return t, t.S != ""
}

func (p *Program) memberText(s *Scope, e *unit.Expr, depth int) Text {
	w := &walker{p: p, v: nobody{}, m: s.In, depth: exprMax - 30}
	if e.X != nil && e.X.Kind == unit.Name && (e.X.Text == "this" || e.X.Text == "self") {
		if o, f := p.Field(s.In.Type, e.Text); f != nil {
			return p.fieldText(o, f, depth)
		}
	}
	r := w.expr(s, e.X)
	if r.Type != nil {
		if o, f := p.Field(r.Type, e.Text); f != nil {
			return p.fieldText(o, f, depth)
		}
	}
	if d := dotted(e); strings.HasPrefix(d, "process.env.") {
		return Text{S: "${" + strings.TrimPrefix(d, "process.env.") + "}"}
	}
	return hole(e.Text)
}

// formats take a pattern and what goes into its places.
var formats = []string{"format", "formatted", "Format"}

// passes give their text on: by name, the first argument or the receiver.
var passes = []string{"create", "valueOf", "toString", "trim", "fromHttpUrl", "fromUriString", "fromPath", "build", "toUriString", "toUri", "encode", "expand", "buildAndExpand", "of", "requireNonNull", "strip", "toURI", "intern", "stripTrailing", "ToString", "newUri", "uri", "text", "stripIndent", "queryParam", "queryParams", "host"}

func (p *Program) callText(s *Scope, e *unit.Expr, depth int) Text {
	switch {
	case slices.Contains(formats, e.Text):
		if e.Text == "format" && e.X != nil && s.In.Type.File.Lang == "python" {
			return p.braces(s, p.text(s, e.X, depth+1), e.Args, depth)
		}
		args := e.Args
		pattern := unit.Expr{}
		if e.Text == "formatted" && e.X != nil {
			pattern = *e.X
		} else if len(args) > 0 {
			pattern, args = args[0], args[1:]
		}
		return p.format(s, p.text(s, &pattern, depth+1), args, depth)
	case e.Text == "getProperty" || e.Text == "GetEnvironmentVariable" || e.Text == "getRequiredProperty" || e.Text == "getenv" || e.Text == "get" && e.X != nil && (strings.HasSuffix(dotted(e.X), "environ") || strings.HasSuffix(strings.ToLower(dotted(e.X)), "configservice") || strings.HasSuffix(strings.ToLower(dotted(e.X)), "config")):
		if len(e.Args) > 0 {
			key := p.text(s, &e.Args[0], depth+1)
			if key.Known() && key.Fixed {
				def := ""
				if len(e.Args) > 1 {
					if d := p.text(s, &e.Args[1], depth+1); d.Known() {
						def = ":" + d.S
					}
				}
				return Text{S: "${" + key.S + def + "}"}
			}
		}
	case e.Text == "append" && e.X != nil && len(e.Args) > 0, e.Text == "concat" && e.X != nil && len(e.Args) > 0, e.Text == "path" && e.X != nil && len(e.Args) > 0, e.Text == "pathSegment" && e.X != nil:
		t := p.text(s, e.X, depth) // chains are long, and each link is shorter than the one before
		u := p.concat(s, e.Args[:1], depth)
		if e.Text == "pathSegment" {
			u.S = "/" + u.S
		}
		return joined(t, u)
	}
	if t, ok := p.through(s, e, depth); ok {
		return t
	}
	if slices.Contains(passes, e.Text) {
		if e.X != nil && e.X.Kind != unit.Name || len(e.Args) == 0 && e.X != nil {
			if t := p.text(s, e.X, depth+1); t.Known() {
				return t
			}
		}
		if len(e.Args) > 0 {
			return p.text(s, &e.Args[0], depth+1)
		}
	}
	return hole("")
}

// through looks into a small method: what it returns, with these arguments.
func (p *Program) through(s *Scope, e *unit.Expr, depth int) (Text, bool) {
	if depth > textDepth/2 {
		return Text{}, false
	}
	w := &walker{p: p, v: nobody{}, m: s.In, depth: exprMax - 30}
	var target *Method
	args := make([]Ref, len(e.Args))
	if e.X == nil {
		_, target = w.bare(s, e.Text, args)
	} else if r := w.expr(s, e.X); r.Type != nil {
		target = p.Method(r.Type, e.Text, args)
		if target == nil && len(e.Args) == 0 {
			if o, f := p.Property(r.Type, e.Text); f != nil {
				return p.fieldText(o, f, depth+1), true
			}
		}
		if target != nil && target.Unit.Bare { // of an interface: its only implementation
			if subs := target.Type.Subs; len(subs) == 1 {
				target = p.Method(subs[0], e.Text, args)
			}
		}
	}
	if target == nil || target.Unit.Bare {
		return Text{}, false
	}
	inner := p.scope(target)
	for i := range e.Args {
		if i < len(target.Unit.Params) {
			t := p.text(s, &e.Args[i], depth+1)
			inner.vars[target.Unit.Params[i].Name].Text = &t
		}
	}
	return p.returned(inner, target.Unit.Body, depth)
}

// returned evaluates the first return that says something.
func (p *Program) returned(s *Scope, body []unit.Stmt, depth int) (Text, bool) {
	for i := range body {
		switch st := &body[i]; st.Kind {
		case unit.Local:
			s.set(st.Name, &Var{Init: st.X, Scope: s})
		case unit.Return:
			if t := p.text(s, st.X, depth+1); t.Known() {
				return t, true
			}
		default:
			if x := st.X; x != nil && x.Kind == unit.Assign && x.X != nil && x.X.Kind == unit.Name {
				if v := s.Var(x.X.Text); v != nil && v.Param == nil {
					v.More = append(v.More, x)
				}
			}
			if t, ok := p.returned(s, st.Body, depth); ok {
				return t, true
			}
		}
	}
	return Text{}, false
}

// braces fills the places of Python's patterns: {}, {0}, {name}.
func (p *Program) braces(s *Scope, pattern Text, args []unit.Expr, depth int) Text {
	var b strings.Builder
	next := 0
	src := pattern.S
	for {
		i := strings.IndexByte(src, '{')
		j := -1
		if i >= 0 {
			j = strings.IndexByte(src[i:], '}')
		}
		if j < 0 || b.Len() > textMax {
			b.WriteString(src)
			return Text{S: b.String()}
		}
		b.WriteString(src[:i])
		name, _, _ := strings.Cut(src[i+1:i+j], ":")
		src = src[i+j+1:]
		value := (*unit.Expr)(nil)
		n, err := strconv.Atoi(name)
		if name == "" {
			n, err = next, nil
			next++
		}
		for k := range args {
			switch {
			case args[k].Kind == unit.Pair && args[k].Text == name && name != "":
				value = args[k].X
			case args[k].Kind != unit.Pair && err == nil && k == n:
				value = &args[k]
			}
		}
		if value == nil {
			b.WriteString("{" + name + "}")
			continue
		}
		b.WriteString(p.text(s, value, depth+1).S)
	}
}

// format puts arguments into the places of a pattern: %s, %d, {0}.
func (p *Program) format(s *Scope, pattern Text, args []unit.Expr, depth int) Text {
	var b strings.Builder
	next := 0
	src := pattern.S
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '%' && i+1 < len(src) && src[i+1] == '%':
			b.WriteByte('%')
			i++
		case src[i] == '%' && i+1 < len(src):
			j := i + 1
			for j < len(src) && strings.IndexByte("0123456789.$-+,# ", src[j]) >= 0 {
				j++
			}
			if j >= len(src) {
				break
			}
			i = j
			if src[j] == 'n' {
				b.WriteByte('\n')
				continue
			}
			if next < len(args) {
				b.WriteString(p.text(s, &args[next], depth+1).S)
			} else {
				b.WriteString("{}")
			}
			next++
		default:
			b.WriteByte(src[i])
		}
		if b.Len() > textMax {
			break
		}
	}
	return Text{S: b.String()}
}
