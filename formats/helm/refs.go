package helm

import (
	"slices"
	"text/template/parse"
)

// ValuesAt lists which values a template's lines print or branch on, by their
// paths: .Values.image.tag on line 7 is 7: {image, tag}. It goes by the text of the
// template alone: `with` and `range` are followed, variables and included
// definitions are not. A template that cannot be parsed has none.
func ValuesAt(template []byte) map[int][][]string {
	tree := parse.New("values")
	tree.Mode = parse.SkipFuncCheck
	sets := map[string]*parse.Tree{}
	if _, err := tree.Parse(string(template), "", "", sets); err != nil {
		return nil
	}
	r := &refs{at: newLines(template), out: map[int][][]string{}}
	for _, t := range sets {
		if t.Root != nil && t.Name == "values" {
			r.list(t.Root, []string{})
		}
	}
	return r.out
}

// refs walks a template. The dot is the path of the value that it stands for below
// .Values; nil where it is not known, and empty (not nil) where it is the root.
type refs struct {
	at  *lines
	out map[int][][]string
}

func (r *refs) list(l *parse.ListNode, dot []string) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch x := n.(type) {
		case *parse.ActionNode:
			r.pipe(x.Pipe, dot)
		case *parse.TemplateNode:
			r.pipe(x.Pipe, dot)
		case *parse.IfNode:
			r.pipe(x.Pipe, dot)
			r.list(x.List, dot)
			r.list(x.ElseList, dot)
		case *parse.WithNode:
			r.list(x.List, r.pipe(x.Pipe, dot))
			r.list(x.ElseList, dot)
		case *parse.RangeNode:
			r.list(x.List, r.pipe(x.Pipe, dot))
			r.list(x.ElseList, dot)
		}
	}
}

// pipe notes the values of a pipeline, and returns the path of the one that it is
// nothing but.
func (r *refs) pipe(p *parse.PipeNode, dot []string) (only []string) {
	if p == nil {
		return nil
	}
	for _, c := range p.Cmds {
		for _, a := range c.Args {
			path := r.path(a, dot)
			if path == nil {
				continue
			}
			line, _ := r.at.place(int(a.Position()))
			if !slices.ContainsFunc(r.out[line], func(o []string) bool { return slices.Equal(o, path) }) {
				r.out[line] = append(r.out[line], path)
			}
			only = path
		}
	}
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return nil
	}
	return only
}

// path of a node that is a value; nil when it is none.
func (r *refs) path(n parse.Node, dot []string) []string {
	var ident []string
	root := dot != nil && len(dot) == 0
	switch x := n.(type) {
	case *parse.FieldNode:
		ident = x.Ident
	case *parse.VariableNode:
		if x.Ident[0] != "$" {
			return nil
		}
		ident, root = x.Ident[1:], true
	case *parse.DotNode:
		if root || dot == nil {
			return nil
		}
		return dot
	case *parse.PipeNode: // in parentheses
		return r.pipe(x, dot)
	default:
		return nil
	}
	switch {
	case root && len(ident) > 1 && ident[0] == "Values":
		return ident[1:]
	case !root && dot != nil:
		return slices.Concat(dot, ident)
	}
	return nil
}
