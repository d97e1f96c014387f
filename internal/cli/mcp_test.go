package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ashlar-dev/ashlar/internal/cli"
)

// assistant connects a real client to the program over its standard input and
// output.
func assistant(t *testing.T, args ...string) *mcp.ClientSession {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		done <- cli.Do(ctx, append([]string{"mcp"}, args...), inR, outW, &errs)
		_ = outW.Close()
	}()
	c, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.IOTransport{Reader: outR, Writer: inW}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	t.Cleanup(func() {
		_ = c.Close()
		_ = inW.Close()
		cancel()
		if code := <-done; code != cli.ExitOK && code != cli.ExitEnvironment {
			t.Errorf("exit %d\n%s", code, errs.String())
		}
	})
	return c
}

// call returns the structured answer, or the error's text.
func call(t *testing.T, c *mcp.ClientSession, tool string, args map[string]any) (map[string]any, string) {
	t.Helper()
	r, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return nil, err.Error()
	}
	if r.IsError {
		return nil, r.Content[0].(*mcp.TextContent).Text
	}
	b, err := json.Marshal(r.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(b) > 200_000 {
		t.Errorf("%s answers with %d bytes", tool, len(b))
	}
	return out, ""
}

func shopFolder(t *testing.T) string {
	t.Helper()
	shop, err := filepath.Abs("../../examples/shop")
	if err != nil {
		t.Fatal(err)
	}
	return shop
}

func TestMCPToolsAnswer(t *testing.T) {
	t.Parallel()
	c := assistant(t, shopFolder(t))
	list, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	deploy := []string{"deploy", "traces.json", "ashlar.yaml"}
	args := map[string]map[string]any{
		"discover": {"paths": deploy, "limit": 5},
		"review":   {"paths": deploy},
		"explain":  {"rule": "resilience/no-timeout"},
		"diagram":  {"paths": deploy},
		"split":    {"paths": []string{"legacy"}},
		"advise":   {"paths": deploy, "from": "order", "to": "payment"},
		"diff":     {"a": "deploy", "b": "ashlar.yaml"},
	}
	for _, tool := range list.Tools {
		if tool.Annotations == nil || !tool.Annotations.ReadOnlyHint || tool.OutputSchema == nil || tool.Description == "" {
			t.Errorf("%s: %+v", tool.Name, tool)
		}
		a, ok := args[tool.Name]
		if !ok {
			t.Errorf("%s is offered without --allow-write, or has no test", tool.Name)
			continue
		}
		delete(args, tool.Name)
		out, failed := call(t, c, tool.Name, a)
		if failed != "" {
			t.Errorf("%s: %s", tool.Name, failed)
			continue
		}
		if text, ok := out["text"].(string); ok && len(strings.TrimSpace(text)) < 20 {
			t.Errorf("%s: %q", tool.Name, text)
		}
	}
	if len(args) > 0 {
		t.Errorf("not offered: %v", args)
	}
	// All decisions, and one with its numbers.
	if out, failed := call(t, c, "advise", map[string]any{"paths": deploy, "decision": "all"}); failed != "" || !strings.Contains(fmt.Sprint(out["text"]), "decomposition") {
		t.Error(out, failed)
	}
	if out, failed := call(t, c, "advise", map[string]any{"paths": deploy, "decision": "mesh"}); failed != "" || !strings.Contains(fmt.Sprint(out["text"]), "days a year") {
		t.Error(out, failed)
	}
	// An element's claims, and the pages of a list.
	if out, failed := call(t, c, "explain", map[string]any{"paths": deploy, "element": "service/order"}); failed != "" || !strings.Contains(fmt.Sprint(out["text"]), "deploy") {
		t.Error(out, failed)
	}
	seen, next := 0, 0.
	for range 100 {
		out, failed := call(t, c, "discover", map[string]any{"paths": deploy, "limit": 7, "cursor": next})
		if failed != "" {
			t.Fatal(failed)
		}
		seen += len(out["elements"].([]any))
		if n, ok := out["next"].(float64); ok {
			next = n
			continue
		}
		if total := int(out["total"].(float64)); seen != total || seen < 10 {
			t.Errorf("%d elements of %d on all pages", seen, total)
		}
		break
	}
	p, err := c.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "design_resilience", Arguments: map[string]string{"from": "order", "to": "payment"}})
	if err != nil || !strings.Contains(p.Messages[0].Content.(*mcp.TextContent).Text, "from order to payment") {
		t.Error(p, err)
	}
	if ps, err := c.ListPrompts(t.Context(), nil); err != nil || len(ps.Prompts) != 3 {
		t.Error(ps, err)
	}
}

func TestMCPRefuses(t *testing.T) {
	t.Parallel()
	root, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "deploy.yaml")
	if err := os.WriteFile(secret, []byte("kind: Service\napiVersion: v1\nmetadata: {name: hidden}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "a.yaml"), []byte("kind: Service\napiVersion: v1\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := assistant(t, root)
	many := make([]string, 101)
	for _, x := range []struct {
		tool string
		args map[string]any
		want string
	}{
		{"discover", map[string]any{"paths": []string{secret}}, "outside"},
		{"discover", map[string]any{"paths": []string{"link/deploy.yaml"}}, "outside"},
		{"review", map[string]any{"paths": []string{"../" + filepath.Base(outside)}}, "outside"},
		{"discover", map[string]any{"paths": []string{"/etc/no-such-file"}}, "no such file or folder below"},
		{"discover", map[string]any{"paths": []string{"-"}}, "want a file or folder below"},
		{"discover", map[string]any{"paths": many}, "at most 100"},
		{"discover", map[string]any{"paths": "a.yaml"}, "paths"},
		{"discover", map[string]any{"limit": 100_000}, "want 1 to 200"},
		{"discover", map[string]any{"cursor": -1}, "cursor"},
		{"discover", map[string]any{"unknown": 1}, "unknown"},
		{"review", map[string]any{"severity": "loud"}, "severity"},
		{"explain", map[string]any{"rule": "no/such-rule"}, "no/such-rule"},
		{"explain", map[string]any{"rule": "--help"}, "want an ID"},
		{"diagram", map[string]any{"format": "bmp"}, "bmp"},
		{"split", map[string]any{"contexts": 100_000}, "want 0 to 200"},
		{"advise", map[string]any{"from": "a"}, "give both"},
		{"advise", map[string]any{"decision": "mash"}, "no decision"},
		{"advise", map[string]any{"decision": "--output=x"}, "no decision"},
		{"advise", map[string]any{"decision": "mesh", "from": "a", "to": "b"}, "belong to resilience"},
		{"advise", map[string]any{"from": "--output=x", "to": "b"}, "is no service"},
		{"diff", map[string]any{"a": "a.yaml"}, "b"},
		{"diff", map[string]any{"a": "a.yaml", "b": secret}, "outside"},
		{"write_model", map[string]any{"file": "x.yaml"}, "unknown tool"},
		{"explain", map[string]any{"cursor": -1}, "cursor -1: want 0, or next"},
		{"explain", map[string]any{"cursor": 10_000_000}, "cursor 10000000: want 0, or next"},
		{"explain", map[string]any{"cursor": "two"}, "cursor"},
		{"split", map[string]any{"contexts": 1.5}, "contexts"},
		{"advise", map[string]any{"limit": 1000}, "want 1 to 200"},
		{"advise", map[string]any{"as": "envoi"}, "want one of go, istio"},
		{"advise", map[string]any{"from": strings.Repeat("x", 1_000_000), "to": "a"}, "bytes more)"},
		{"discover", map[string]any{"paths": []string{strings.Repeat("x", 1_000_000)}}, "want a file or folder below"},
		{"diagram", map[string]any{"focus": strings.Repeat("x", 1_000_000)}, "bytes more)"},
	} {
		if out, failed := call(t, c, x.tool, x.args); failed == "" || !strings.Contains(failed, x.want) || len(failed) > 5000 {
			t.Errorf("%s %.200v: %v %.5000q, want %q", x.tool, x.args, out, failed, x.want)
		}
	}
	if _, err := c.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "design_resilience"}); err == nil {
		t.Error("a prompt without its arguments was given")
	}
	// What the roots hold is still answered.
	if out, failed := call(t, c, "discover", nil); failed != "" || strings.Contains(fmt.Sprint(out), "hidden") {
		t.Error(out, failed)
	}
}

// Long texts come in parts that make the whole, and advice has its numbers as
// numbers.
func TestMCPPagesAndTypes(t *testing.T) {
	t.Parallel()
	c := assistant(t, shopFolder(t))
	args := map[string]any{"paths": []string{"legacy"}, "full": true}
	var whole strings.Builder
	parts := 0
	for next := 0.; ; parts++ {
		args["cursor"] = next
		out, failed := call(t, c, "split", args)
		if failed != "" || parts > 20 {
			t.Fatalf("part %d: %s", parts, failed)
		}
		whole.WriteString(out["text"].(string))
		n, more := out["next"].(float64)
		if more != (out["more"] != nil) || len(out["text"].(string)) > 40_000 {
			t.Errorf("part %d: %d bytes, next %v, more %v", parts, len(out["text"].(string)), n, out["more"])
		}
		if !more {
			break
		}
		next = n
	}
	var said, errs bytes.Buffer
	if code := cli.Do(t.Context(), []string{"split", filepath.Join(shopFolder(t), "legacy"), "--format=markdown", "--no-color"}, strings.NewReader(""), &said, &errs); code != cli.ExitOK {
		t.Fatal(code, errs.String())
	}
	if parts < 1 || whole.String() != said.String() {
		t.Errorf("%d parts of %d bytes, the command writes %d", parts+1, whole.Len(), said.Len())
	}

	deploy := []string{"deploy", "traces.json", "ashlar.yaml"}
	out, failed := call(t, c, "advise", map[string]any{"paths": deploy, "from": "order", "to": "payment"})
	if failed != "" {
		t.Fatal(failed)
	}
	first := out["calls"].([]any)[0].(map[string]any)
	numbers := map[string]float64{}
	for _, n := range first["numbers"].([]any) {
		m := n.(map[string]any)
		numbers[m["name"].(string)] = m["value"].(float64)
		if m["formula"] == "" || m["source"] == "" {
			t.Errorf("%v", m)
		}
	}
	if first["verdict"] != "settings" || numbers["timeout"] < 0.1 || numbers["timeout"] > 0.3 || numbers["tries"] != 1 || numbers["bulkhead"] < 1 {
		t.Errorf("%v: %v", first["verdict"], numbers)
	}
	seen, next := map[string]bool{}, 0.
	for range 50 {
		out, failed := call(t, c, "advise", map[string]any{"paths": deploy, "limit": 4, "cursor": next})
		if failed != "" {
			t.Fatal(failed)
		}
		for _, x := range out["calls"].([]any) {
			m := x.(map[string]any)
			seen[fmt.Sprint(m["from"], m["id"])] = true
		}
		n, more := out["next"].(float64)
		if next = n; more {
			continue
		}
		if total := int(out["total"].(float64)); len(seen) != total || total < 10 {
			t.Errorf("%d calls of %d on all pages", len(seen), total)
		}
		break
	}
	out, failed = call(t, c, "advise", map[string]any{"paths": deploy, "decision": "mesh"})
	if failed != "" || len(out["decisions"].([]any)[0].(map[string]any)["days"].(map[string]any)) < 2 {
		t.Error(out, failed)
	}
}

func TestMCPWritesWhenAllowed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(filepath.Join(shopFolder(t), "deploy"))); err != nil {
		t.Fatal(err)
	}
	c := assistant(t, "--allow-write", root)
	if out, failed := call(t, c, "write_model", map[string]any{"file": "ashlar.yaml"}); failed != "" {
		t.Fatal(out, failed)
	}
	if b, err := os.ReadFile(filepath.Join(root, "ashlar.yaml")); err != nil || !bytes.Contains(b, []byte("services:")) {
		t.Error(string(b), err)
	}
	for _, bad := range []string{"../x.yaml", "x.sh", "/tmp/x.yaml"} {
		if out, failed := call(t, c, "write_model", map[string]any{"file": bad}); failed == "" {
			t.Errorf("%s was written: %v", bad, out)
		}
	}
}

func TestMCPOverHTTP(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- cli.Do(ctx, []string{"mcp", "--listen", "127.0.0.1:0", shopFolder(t)}, strings.NewReader(""), io.Discard, w)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	url := strings.TrimSpace(strings.TrimPrefix(line, "serving on "))
	c, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, &mcp.StreamableClientTransport{Endpoint: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, failed := call(t, c, "discover", map[string]any{"paths": []string{"deploy"}}); failed != "" || out["total"].(float64) < 5 {
		t.Error(out, failed)
	}
	// Stateless: a request of its own, without a session, is answered too.
	post := func(host, body string) (int, string) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		if host != "" {
			req.Host = host
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	list := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`
	if code, body := post("", list); code != http.StatusOK || !strings.Contains(body, "discover") {
		t.Error(code, body)
	}
	if code, body := post("evil.example", list); code/100 != 4 { // DNS rebinding
		t.Error(code, body)
	}
	if code, body := post("", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"discover","arguments":{"kind":"`+strings.Repeat("x", 5<<20)+`"}}}`); code == http.StatusOK || strings.Contains(body, "elements") {
		t.Errorf("5 MiB were taken: %d %.300s", code, body)
	}
	if code, body := post("", list); code != http.StatusOK {
		t.Error("after it", code, body)
	}
	_ = c.Close()
	cancel()
	if code := <-done; code != cli.ExitOK {
		t.Error("exit", code)
	}
	for _, bad := range []string{"0.0.0.0:0", "example.com:80", "7400"} {
		var errs bytes.Buffer
		if code := cli.Do(t.Context(), []string{"mcp", "--listen", bad}, strings.NewReader(""), io.Discard, &errs); code != cli.ExitUsage {
			t.Errorf("--listen %s: exit %d %s", bad, code, errs.String())
		}
	}
}
