package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type explainIn struct {
	systemIn
	textIn
	Rule    string `json:"rule,omitempty" jsonschema:"ID of a rule, or a field of ashlar.yaml; all rules when nothing is given"`
	Element string `json:"element,omitempty" jsonschema:"an element, such as service/order or order"`
}

func (t *tools) explain(ctx context.Context, _ *mcp.CallToolRequest, in explainIn) (*mcp.CallToolResult, textOut, error) {
	if in.Element == "" {
		args := []string{"explain"}
		if in.Rule != "" {
			args = append(args, in.Rule)
		}
		if strings.HasPrefix(in.Rule, "-") {
			return nil, textOut{}, fmt.Errorf("rule %q: want an ID such as resilience/no-timeout", in.Rule)
		}
		s, err := t.run(ctx, args...)
		if err != nil {
			return nil, textOut{}, err
		}
		out, err := bounded(s, in.Cursor, "ask for one rule")
		return nil, out, err
	}
	return t.overPaths(ctx, in.systemIn, in.textIn, "ask for a smaller element", "discover", "--explain="+in.Element)
}

// overPaths runs a verb on a system.
func (t *tools) overPaths(ctx context.Context, in systemIn, from textIn, hint string, args ...string) (*mcp.CallToolResult, textOut, error) {
	paths, err := t.box.paths(in.Paths)
	if err != nil {
		return nil, textOut{}, err
	}
	if in.Environment != "" {
		args = append(args, "--environment="+in.Environment)
	}
	s, err := t.run(ctx, append(args, paths...)...)
	if err != nil {
		return nil, textOut{}, err
	}
	out, err := bounded(s, from.Cursor, hint)
	return nil, out, err
}

type diagramIn struct {
	systemIn
	View     string `json:"view,omitempty" jsonschema:"services (default), contexts, data, events or deployment"`
	Format   string `json:"format,omitempty" jsonschema:"mermaid (default), d2, dot, structurizr, calm or svg"`
	Sequence string `json:"sequence,omitempty" jsonschema:"draw this journey or operation (order.Place) as a sequence"`
	Focus    string `json:"focus,omitempty" jsonschema:"draw only what lies around this element"`
}

func (t *tools) diagram(ctx context.Context, _ *mcp.CallToolRequest, in diagramIn) (*mcp.CallToolResult, textOut, error) {
	if in.Format == "" {
		in.Format = "mermaid"
	}
	args := []string{"diagram", "--format=" + in.Format}
	for flag, v := range map[string]string{"view": in.View, "sequence": in.Sequence, "focus": in.Focus} {
		if v != "" {
			args = append(args, "--"+flag+"="+v)
		}
	}
	r, out, err := t.overPaths(ctx, in.systemIn, textIn{}, "use focus to draw a part", args...)
	if err == nil && out.More != "" {
		return nil, textOut{}, errors.New("the picture is too large for an answer (40,000 bytes): use focus to draw what lies around one element") // half a picture is none
	}
	return r, out, err
}

type splitIn struct {
	systemIn
	textIn
	Contexts int    `json:"contexts,omitempty" jsonschema:"how many contexts are wanted; by default the number that costs least"`
	Explain  string `json:"explain,omitempty" jsonschema:"say why this type or table is where it is"`
	Full     bool   `json:"full,omitempty" jsonschema:"the whole document with plan, instead of one screen"`
}

func (t *tools) split(ctx context.Context, _ *mcp.CallToolRequest, in splitIn) (*mcp.CallToolResult, textOut, error) {
	if in.Contexts < 0 || in.Contexts > 200 {
		return nil, textOut{}, fmt.Errorf("contexts %d: want 0 to 200", in.Contexts)
	}
	args := []string{"split", fmt.Sprintf("--contexts=%d", in.Contexts)}
	switch {
	case in.Explain != "":
		args = append(args, "--explain="+in.Explain)
	case in.Full:
		args = append(args, "--format=markdown")
	}
	return t.overPaths(ctx, in.systemIn, in.textIn, "leave full out for one screen, or ask for one type with explain", args...)
}

type diffIn struct {
	A string `json:"a" jsonschema:"file or folder before"`
	B string `json:"b" jsonschema:"file or folder after"`
	pageIn
}

type diffOut struct {
	Changes []string `json:"changes"`
	Total   int      `json:"total"`
	Next    int      `json:"next,omitempty"`
}

func (t *tools) diff(ctx context.Context, _ *mcp.CallToolRequest, in diffIn) (*mcp.CallToolResult, diffOut, error) {
	paths, err := t.box.paths([]string{in.A, in.B})
	if err != nil {
		return nil, diffOut{}, err
	}
	a, _ := t.app(ctx)
	from, err := a.read(&input{}, paths[:1])
	if err != nil {
		return nil, diffOut{}, err
	}
	to, err := a.read(&input{}, paths[1:])
	if err != nil {
		return nil, diffOut{}, err
	}
	var all []string
	for _, c := range changes(from.System, to.System) {
		all = append(all, c.String())
	}
	out := diffOut{Total: len(all)}
	out.Changes, out.Next, err = page(all, in.pageIn)
	return nil, out, err
}

type writeIn struct {
	systemIn
	File string `json:"file" jsonschema:"the ashlar.yaml to write, below a root"`
}

func (t *tools) writeModel(ctx context.Context, _ *mcp.CallToolRequest, in writeIn) (*mcp.CallToolResult, textOut, error) {
	file, err := t.box.target(in.File)
	if err != nil {
		return nil, textOut{}, err
	}
	if !strings.HasSuffix(file, ".yaml") {
		return nil, textOut{}, fmt.Errorf("file %s: want a name that ends in .yaml", in.File)
	}
	r, out, err := t.overPaths(ctx, in.systemIn, textIn{}, "", "discover", "--format=yaml", "--output="+file)
	if err == nil {
		out.Text = in.File + " is written"
	}
	return r, out, err
}
