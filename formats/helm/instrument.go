package helm

import (
	"strconv"
	"text/template/parse"
)

// Names of the functions that are put into parsed templates. A template that
// calls one itself only takes a step more, or blurs its own places.
const (
	stepFunc  = "_ashlarStep"  // once a list of nodes is entered: loop turns, template calls
	markFunc  = "_ashlarMark"  // before a node of a file: the place that the output now comes from
	weighFunc = "_ashlarWeigh" // behind what is printed
)

// instrument makes a parsed template count its steps, weigh what it prints and,
// when it is a file of its own, say where its output comes from.
func instrument(list *parse.ListNode, file bool) {
	if list == nil {
		return
	}
	out := make([]parse.Node, 0, 2*len(list.Nodes)+1)
	out = append(out, call(stepFunc, list.Pos, nil))
	for _, n := range list.Nodes {
		if file && n.Type() != parse.NodeComment {
			kind := 0
			if n.Type() == parse.NodeText {
				kind = 1
			}
			out = append(out, call(markFunc, n.Position(), []int{int(n.Position()), kind}))
		}
		switch x := n.(type) {
		case *parse.ActionNode:
			if len(x.Pipe.Decl) == 0 {
				x.Pipe.Cmds = append(x.Pipe.Cmds, command(weighFunc, x.Pos, nil))
			}
		case *parse.IfNode:
			instrument(x.List, file)
			instrument(x.ElseList, file)
		case *parse.RangeNode:
			instrument(x.List, file)
			instrument(x.ElseList, file)
		case *parse.WithNode:
			instrument(x.List, file)
			instrument(x.ElseList, file)
		}
		out = append(out, n)
	}
	list.Nodes = out
}

func call(name string, pos parse.Pos, args []int) *parse.ActionNode {
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{command(name, pos, args)}}}
}

func command(name string, pos parse.Pos, args []int) *parse.CommandNode {
	id := parse.NewIdentifier(name)
	id.Pos = pos
	c := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{id}}
	for _, a := range args {
		c.Args = append(c.Args, &parse.NumberNode{NodeType: parse.NodeNumber, Pos: pos, IsInt: true, Int64: int64(a), Text: strconv.Itoa(a)})
	}
	return c
}
