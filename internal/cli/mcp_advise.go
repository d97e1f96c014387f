package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ashlar-dev/ashlar/design/advise"
	"github.com/ashlar-dev/ashlar/design/advise/decide"
)

type adviseIn struct {
	systemIn
	pageIn
	From string `json:"from,omitempty" jsonschema:"calling service or operation; with to. All calls when both are left out"`
	To   string `json:"to,omitempty" jsonschema:"called service, operation, store or external"`
	As   string `json:"as,omitempty" jsonschema:"print configuration for go, istio, linkerd, kong, resilience4j or polly instead of reasons"`
	// Decisions of the whole system.
	Decision string `json:"decision,omitempty" jsonschema:"a decision with every number: decomposition, communication, protocol, data, transactions, queries, publishing, broker, gateway, mesh, discovery or deployment; all for one line each; resilience for the limits of calls, which from and to imply"`
}

type adviseOut struct {
	textOut
	Calls     []advise.Answer `json:"calls,omitempty" jsonschema:"the same as the text, with every number, its formula and its inputs; times in seconds"`
	Decisions []decided       `json:"decisions,omitempty" jsonschema:"the same as the text, without the arithmetic"`
	Total     int             `json:"total,omitempty" jsonschema:"calls or decisions on all pages"`
}

// decided is a decision without its arithmetic.
type decided struct {
	Decision   string            `json:"decision"`
	Subject    string            `json:"subject,omitempty"`
	Verdict    decide.Verdict    `json:"verdict"`
	Choice     string            `json:"choice,omitempty"`
	What       string            `json:"what"`
	Confidence float64           `json:"confidence"`
	Days       map[string]string `json:"days,omitempty" jsonschema:"days of work a year by alternative, with the range over what is unknown; or why it is out of the question"`
	Questions  []advise.Question `json:"questions,omitempty" jsonschema:"what is not known and would narrow the ranges, with the key of ashlar.yaml that says it"`
}

// pageCalls is how many calls an answer holds: each has a dozen numbers with
// their reasons.
const pageCalls = 10

func (in *adviseIn) check() error {
	if (in.From == "") != (in.To == "") {
		return errors.New("from and to: give both, or none for all calls")
	}
	for _, s := range []string{in.From, in.To} {
		if strings.HasPrefix(s, "-") {
			return fmt.Errorf("%q is no service", s)
		}
	}
	d := in.Decision
	if d == "" || d == "resilience" {
		return nil
	}
	if in.From != "" || in.As != "" {
		return errors.New("from, to and as belong to resilience: leave decision out, or them")
	}
	if d != "all" && !slices.Contains(decisionNames(), d) {
		return fmt.Errorf("there is no decision %q: want all, resilience, %s", d, strings.Join(decisionNames(), ", "))
	}
	return nil
}

func (t *tools) advise(ctx context.Context, _ *mcp.CallToolRequest, in adviseIn) (*mcp.CallToolResult, adviseOut, error) {
	if err := in.check(); err != nil {
		return nil, adviseOut{}, err
	}
	paths, err := t.box.paths(in.Paths)
	if err != nil {
		return nil, adviseOut{}, err
	}
	a, _ := t.app(ctx)
	var out adviseOut
	switch {
	case in.Decision != "" && in.Decision != "resilience":
		out, err = a.mcpDecide(&in, paths)
	default:
		out, err = a.mcpResilience(&in, paths)
	}
	return nil, out, err
}

func (a *app) mcpResilience(in *adviseIn, paths []string) (adviseOut, error) {
	r, err := a.read(&input{environment: in.Environment}, paths)
	if err != nil {
		return adviseOut{}, err
	}
	answers, err := advise.Resilience(r.System, in.From, in.To, &advise.Options{Env: in.Environment})
	if err != nil {
		return adviseOut{}, err
	}
	var b strings.Builder
	if in.As != "" {
		if err := advise.Config(&b, in.As, answers); err != nil {
			return adviseOut{}, err
		}
		text, err := bounded(b.String(), in.Cursor, "name one call with from and to")
		return adviseOut{textOut: text}, err
	}
	p := in.pageIn
	if p.Limit == 0 {
		p.Limit = pageCalls
	}
	out := adviseOut{Total: len(answers)}
	if out.Calls, out.Next, err = page(answers, p); err != nil {
		return adviseOut{}, err
	}
	if err := advise.Terminal(&b, out.Calls, false); err != nil {
		return adviseOut{}, err
	}
	return out.said(b.String(), "calls")
}

// said puts the text in, cut where it is too long: the typed part has the rest.
func (o adviseOut) said(text, things string) (adviseOut, error) {
	next := o.Next
	cut, err := bounded(text, 0, "")
	o.textOut = cut
	o.More, o.Next = "", next
	if cut.Next > 0 {
		o.More = "the text is cut; the typed part has the same, page by page"
	} else if next > 0 {
		o.More = fmt.Sprintf("%d %s in all; go on with cursor %d, or name one", o.Total, things, next)
	}
	return o, err
}

func (a *app) mcpDecide(in *adviseIn, paths []string) (adviseOut, error) {
	name := in.Decision
	if name == "all" {
		name = ""
	}
	_, answers, err := a.decided(&input{environment: in.Environment}, name, paths, decide.DefaultPrices())
	if err != nil {
		return adviseOut{}, err
	}
	out := adviseOut{Total: len(answers)}
	some, next, err := page(answers, in.pageIn)
	if err != nil {
		return adviseOut{}, err
	}
	out.Next = next
	var b strings.Builder
	if in.Cursor == 0 { // the text is of all of them
		if err := decide.Terminal(&b, answers, "", false); err != nil {
			return adviseOut{}, err
		}
	}
	for i := range some {
		x := &some[i]
		d := decided{Decision: x.Decision, Subject: x.Subject, Verdict: x.Verdict, Choice: x.Choice, What: x.What, Confidence: x.Confidence, Questions: x.Questions}
		for _, alt := range x.Alternatives {
			if d.Days == nil {
				d.Days = map[string]string{}
			}
			d.Days[alt.ID] = fmt.Sprintf("%.0f (%.0f to %.0f)", alt.Days, alt.Low, alt.High)
			if alt.Vetoed != "" {
				d.Days[alt.ID] = "vetoed: " + alt.Vetoed
			}
		}
		out.Decisions = append(out.Decisions, d)
	}
	return out.said(b.String(), "decisions")
}
