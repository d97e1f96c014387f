package cli

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// addPrompts adds the questions that people ask an architect first.
func addPrompts(s *mcp.Server) {
	where := &mcp.PromptArgument{Name: "paths", Description: "files or folders, separated by spaces; all roots when left out"}
	add := func(name, title, about string, args []*mcp.PromptArgument, text func(map[string]string) string) {
		s.AddPrompt(&mcp.Prompt{Name: name, Title: title, Description: about, Arguments: args}, func(_ context.Context, r *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			for _, a := range args {
				if a.Required && r.Params.Arguments[a.Name] == "" {
					return nil, fmt.Errorf("%s: the argument %s is missing: %s", name, a.Name, a.Description)
				}
			}
			return &mcp.GetPromptResult{Description: about, Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: text(r.Params.Arguments)}}}}, nil
		})
	}
	in := func(m map[string]string) string {
		if m["paths"] == "" {
			return ""
		}
		return " in " + m["paths"]
	}
	add("review_my_system", "Review my system", "The red flags that matter, with evidence, and what to do first.", []*mcp.PromptArgument{where}, func(m map[string]string) string {
		return "Review my system" + in(m) + ". Call discover, then review. Tell me the three findings with the worst consequence: what happens, to whom, the file and line that shows it, and the smallest change that cures it. Then say what could not be judged and which file would change that. Do not add findings of your own without evidence."
	})
	add("break_down_my_monolith", "Break down my monolith", "Where to cut, who owns which table, in which order; or why not.", []*mcp.PromptArgument{where}, func(m map[string]string) string {
		return "I need to break down my monolith" + in(m) + ". Call split. Begin with its verdict and the numbers behind it, also if it is to keep one deployable. Then the contexts with their tables, the transactions that would span them, and the first three steps of the plan with their way back. Ask me about the contexts whose names or members are unsure before you recommend extracting any."
	})
	add("design_resilience", "Design resilience between two services", "Timeout, retries, breaker, bulkhead and fallback, computed.", []*mcp.PromptArgument{
		{Name: "from", Description: "the calling service or operation", Required: true}, {Name: "to", Description: "the called service or operation", Required: true}, where,
	}, func(m map[string]string) string {
		return fmt.Sprintf("Design the resilience of the call from %s to %s%s. Call advise with from and to. Give me each number with its formula and inputs, say which inputs are missing and how I can supply them, whether the call should be asynchronous or not exist, and then the configuration for the platform that discover shows.", m["from"], m["to"], in(m))
	})
}
