package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// system is what every tool that reads a system takes.
type systemIn struct {
	Paths       []string `json:"paths,omitempty" jsonschema:"files or folders below the roots; all roots when left out"`
	Environment string   `json:"environment,omitempty" jsonschema:"environment to look at, where files tell several apart"`
}

type pageIn struct {
	Cursor int `json:"cursor,omitempty" jsonschema:"where to go on: next of the answer before"`
	Limit  int `json:"limit,omitempty" jsonschema:"items in the answer, at most 200; default 50"`
}

// page cuts a list; next is 0 at its end.
func page[T any](all []T, in pageIn) (part []T, next int, err error) {
	if in.Limit < 0 || in.Limit > pageMost {
		return nil, 0, fmt.Errorf("limit %d: want 1 to %d", in.Limit, pageMost)
	}
	if in.Cursor < 0 || in.Cursor > len(all) {
		return nil, 0, fmt.Errorf("cursor %d: want 0, or next of the answer before (there are %d items)", in.Cursor, len(all))
	}
	n := in.Limit
	if n == 0 {
		n = pageSize
	}
	end := min(len(all), in.Cursor+n)
	if end < len(all) {
		next = end
	}
	return append([]T{}, all[in.Cursor:end]...), next, nil
}

// tools are the verbs, confined to the roots.
type tools struct{ box *sandbox }

// newMCP makes the server with its tools and prompts.
func newMCP(box *sandbox, write bool) *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "ashlar", Title: "Ashlar, a microservices architect that you can run", Version: Version}, &mcp.ServerOptions{
		Instructions: "Ask these tools before you judge an architecture: every answer names files and lines. What an input does not cover is unknown, not absent. Start with review; explain any rule or element; advise computes limits; split says where to cut a monolith, or why not to.",
	})
	t := &tools{box}
	no := false
	ro := func(name, title, about string) *mcp.Tool {
		return &mcp.Tool{Name: name, Title: title, Description: about, Annotations: &mcp.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &no}}
	}
	mcp.AddTool(s, ro("discover", "What the system is made of", "Services, stores, topics, gateways and the calls between them, each with the file and line that says so. Reads manifests, mesh and gateway configuration, contracts, traces, source code and ashlar.yaml."), clipped(t.discover))
	mcp.AddTool(s, ro("review", "Red flags, the worst first", "Findings of the rules with evidence, consequence and cure, and what could not be judged for lack of input."), clipped(t.review))
	mcp.AddTool(s, ro("explain", "A rule, a field, or all claims about an element", "With rule: what a rule or a field of ashlar.yaml is about. With element (service/order, or a name) and paths: every claim about it and its source."), clipped(t.explain))
	mcp.AddTool(s, ro("diagram", "Draw the system", "A picture as text: Mermaid, D2, DOT, Structurizr DSL, CALM or SVG, of services, data, events, contexts, deployment, or a journey or operation as a sequence."), clipped(t.diagram))
	mcp.AddTool(s, ro("split", "Where to cut a monolith, or why not to", "Contexts with their types and tables, what crosses the borders with file and line, and a migration plan. With explain: why one type is where it is."), clipped(t.split))
	mcp.AddTool(s, ro("advise", "Decisions and limits, computed for this system", "With decision: what to do about decomposition, communication, data, broker, gateway, mesh and others, with what each alternative costs, what would change it, and how sure that is. Else: timeout, tries, breaker, bulkhead, hedge and fallback of the calls from one service or operation to another, with formulas and inputs; or configuration for a target with as."), clipped(t.advise))
	mcp.AddTool(s, ro("diff", "What differs between two systems", "The facts in which two folders or files differ."), clipped(t.diff))
	if write {
		yes := true
		mcp.AddTool(s, &mcp.Tool{Name: "write_model", Title: "Write or update an ashlar.yaml", Description: "Writes what was discovered into an ashlar.yaml; comments and what hands wrote stay.", Annotations: &mcp.ToolAnnotations{DestructiveHint: &no, IdempotentHint: yes, OpenWorldHint: &no}}, clipped(t.writeModel))
	}
	addPrompts(s)
	return s
}

// clipped bounds what a tool says of a fault: errors name what they were given,
// and that may be anything.
func clipped[In, Out any](h mcp.ToolHandlerFor[In, Out]) mcp.ToolHandlerFor[In, Out] {
	return func(ctx context.Context, r *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
		res, out, err := h(ctx, r, in)
		if err != nil && len(err.Error()) > maxMCPError {
			text := err.Error()
			err = errors.New(strings.ToValidUTF8(text[:maxMCPError], "") + fmt.Sprintf(" ... (%d bytes more)", len(text)-maxMCPError))
		}
		return res, out, err
	}
}

// app is a quiet command line for one call.
func (t *tools) app(ctx context.Context) (*app, *bytes.Buffer) {
	var out bytes.Buffer
	return &app{ctx: ctx, stdin: strings.NewReader(""), stdout: &out, stderr: &bytes.Buffer{}, noColor: true}, &out
}

// run runs a verb as the command line does, so that both give the same answer.
func (t *tools) run(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	code := Do(ctx, append(args, "--no-color"), strings.NewReader(""), &out, &errs)
	if code != ExitOK && code != ExitFindings {
		return "", errors.New(strings.TrimPrefix(strings.TrimSpace(errs.String()), "ashlar: "))
	}
	return out.String(), nil
}

// textIn asks for the rest of an answer that is text.
type textIn struct {
	Cursor int `json:"cursor,omitempty" jsonschema:"where to go on: next of the answer before"`
}

// textOut is an answer as text, in parts that end with a line where it is long.
type textOut struct {
	Text string `json:"text"`
	More string `json:"more,omitempty" jsonschema:"what is not shown, and how to ask for it"`
	Next int    `json:"next,omitempty" jsonschema:"cursor for what follows; left out at the end"`
}

// bounded is the part of a text from a cursor on, which counts bytes.
func bounded(s string, cursor int, hint string) (textOut, error) {
	if cursor < 0 || cursor > 0 && cursor >= len(s) || cursor < len(s) && !utf8.RuneStart(s[cursor]) {
		return textOut{}, fmt.Errorf("cursor %d: want 0, or next of the answer before (there are %d bytes)", cursor, len(s))
	}
	rest := s[cursor:]
	if len(rest) <= maxMCPText {
		return textOut{Text: rest}, nil
	}
	cut := strings.LastIndexByte(rest[:maxMCPText], '\n') + 1
	if cut == 0 {
		for cut = maxMCPText; !utf8.RuneStart(rest[cut]); cut-- {
		}
	}
	next := cursor + cut
	return textOut{Text: rest[:cut], Next: next, More: fmt.Sprintf("bytes %d to %d of %d; the rest with cursor %d, or %s", cursor, next, len(s), next, hint)}, nil
}

type element struct {
	Ref   string   `json:"ref"`
	Kind  string   `json:"kind"`
	About string   `json:"about,omitempty"`
	From  []string `json:"from,omitempty" jsonschema:"files and lines, or sources, that say so"`
}

type discoverIn struct {
	systemIn
	pageIn
	Kind string `json:"kind,omitempty" jsonschema:"only elements of this kind: service, store, topic, gateway, external, call ..."`
}

type discoverOut struct {
	Summary  string    `json:"summary"`
	Elements []element `json:"elements"`
	Total    int       `json:"total"`
	Next     int       `json:"next,omitempty"`
	NotRead  []string  `json:"notRead,omitempty"`
}

func (t *tools) discover(ctx context.Context, _ *mcp.CallToolRequest, in discoverIn) (*mcp.CallToolResult, discoverOut, error) {
	paths, err := t.box.paths(in.Paths)
	if err != nil {
		return nil, discoverOut{}, err
	}
	a, _ := t.app(ctx)
	r, err := a.read(&input{environment: in.Environment}, paths)
	if err != nil {
		return nil, discoverOut{}, err
	}
	var all []element
	from := func(f arch.Fact) []string {
		var out []string
		for _, c := range r.System.Ledger[f] {
			for _, s := range c.From {
				if p := s.String(); p != "" && len(out) < 3 {
					out = append(out, p)
				}
			}
		}
		return out
	}
	for _, k := range []arch.Kind{arch.KindService, arch.KindStore, arch.KindTopic, arch.KindGateway, arch.KindExternal, arch.KindSaga, arch.KindJourney, arch.KindContext, arch.KindTeam, arch.KindOp} {
		for _, ref := range r.System.Refs(k) {
			e := element{Ref: string(ref), Kind: string(k), From: from(arch.Fact{Of: ref})}
			if s, ok := r.System.Services[ref.Name()]; ok && k == arch.KindService {
				e.About = strings.TrimSpace(strings.Join([]string{s.Role, s.Lang, s.Owner}, " "))
			}
			all = append(all, e)
		}
	}
	for _, x := range r.System.Edges() {
		all = append(all, element{Ref: x.From.Short() + " -> " + x.Call.To.Short(), Kind: "call", About: strings.TrimSpace(x.Call.Access + " " + x.Call.Protocol), From: from(x.At("to"))})
	}
	if in.Kind != "" {
		var some []element
		for _, e := range all {
			if e.Kind == in.Kind {
				some = append(some, e)
			}
		}
		all = some
	}
	out := discoverOut{Summary: summary(r), Total: len(all)}
	for i, s := range r.Skipped {
		if i == 20 {
			out.NotRead = append(out.NotRead, fmt.Sprintf("and %d more", len(r.Skipped)-i))
			break
		}
		out.NotRead = append(out.NotRead, doc.Redact(s.Path+": "+s.Why))
	}
	out.Elements, out.Next, err = page(all, in.pageIn)
	return nil, out, err
}

type reviewIn struct {
	systemIn
	pageIn
	Severity string `json:"severity,omitempty" jsonschema:"least severity: info, low, medium, high, critical"`
	Rule     string `json:"rule,omitempty" jsonschema:"only this rule, by its ID"`
}

type finding struct {
	Rule       string   `json:"rule"`
	Severity   string   `json:"severity"`
	Confidence float64  `json:"confidence"`
	Title      string   `json:"title"`
	Detail     string   `json:"detail,omitempty"`
	Of         []string `json:"of"`
	Evidence   []string `json:"evidence"`
	Fix        string   `json:"fix,omitempty"`
}

type reviewOut struct {
	Summary   string         `json:"summary"`
	Counts    map[string]int `json:"counts" jsonschema:"findings by severity"`
	Findings  []finding      `json:"findings"`
	Total     int            `json:"total"`
	Next      int            `json:"next,omitempty"`
	NotJudged []string       `json:"notJudged,omitempty"`
}

func (t *tools) review(ctx context.Context, _ *mcp.CallToolRequest, in reviewIn) (*mcp.CallToolResult, reviewOut, error) {
	var out reviewOut
	least := review.Info
	if in.Severity != "" {
		var err error
		if least, err = review.ParseSeverity(in.Severity); err != nil {
			return nil, out, fmt.Errorf("severity: %w", err)
		}
	}
	paths, err := t.box.paths(in.Paths)
	if err != nil {
		return nil, out, err
	}
	a, _ := t.app(ctx)
	r, res, err := a.review(&judgement{input: input{environment: in.Environment}}, paths)
	if err != nil {
		return nil, out, err
	}
	out.Summary, out.Counts = summary(r), map[string]int{}
	var all []finding
	for _, f := range res.Findings {
		out.Counts[f.Severity.String()]++
		if f.Severity < least || in.Rule != "" && f.Rule != in.Rule {
			continue
		}
		x := finding{Rule: f.Rule, Severity: f.Severity.String(), Confidence: f.Confidence, Title: doc.Redact(f.Title), Detail: doc.Redact(f.Detail), Fix: doc.Redact(f.Fix)}
		for _, ref := range f.Of {
			x.Of = append(x.Of, string(ref))
		}
		for i, e := range f.Evidence {
			if i == 5 {
				x.Evidence = append(x.Evidence, fmt.Sprintf("and %d more places", len(f.Evidence)-i))
				break
			}
			x.Evidence = append(x.Evidence, strings.TrimSpace(e.Source.String()+" "+doc.Redact(e.Note)))
		}
		all = append(all, x)
	}
	out.Total = len(all)
	for i, u := range res.NotJudged {
		if i == 20 {
			out.NotJudged = append(out.NotJudged, fmt.Sprintf("and %d more", len(res.NotJudged)-i))
			break
		}
		out.NotJudged = append(out.NotJudged, u.Rule+": "+u.Why)
	}
	out.Findings, out.Next, err = page(all, in.pageIn)
	return nil, out, err
}
