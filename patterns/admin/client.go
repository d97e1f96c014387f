package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Client talks to one running program.
type Client struct {
	Note Note
	HTTP *http.Client // nil: one with a 30 s timeout and no proxy
}

// Running lists the programs that left a note in the folder ("": the default)
// and still run, oldest first. Notes of dead processes are removed.
func Running(folder string) ([]Note, error) {
	if folder == "" {
		folder = RuntimeFolder()
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []Note
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // its program just ended
		}
		var n Note
		if json.Unmarshal(b, &n) != nil || n.PID <= 0 {
			continue
		}
		if !alive(n.PID) {
			_ = os.Remove(f)
			continue
		}
		out = append(out, n)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Started.Before(out[j].Started) })
	return out, nil
}

// Find picks the running program to talk to: the only one, or the one that
// program names, by name or pid.
func Find(folder, program string) (*Client, error) {
	all, err := Running(folder)
	if err != nil {
		return nil, err
	}
	var hits []Note
	for _, n := range all {
		if program == "" || program == n.Program || program == strconv.Itoa(n.PID) {
			hits = append(hits, n)
		}
	}
	switch {
	case len(hits) == 1:
		return &Client{Note: hits[0]}, nil
	case len(all) == 0:
		return nil, fmt.Errorf("no running program found: none has opened its admin handler (admin.Listen); looked in %s", or(folder, RuntimeFolder()))
	case len(hits) == 0:
		return nil, fmt.Errorf("no running program %q; there are: %s", program, list(all))
	}
	return nil, fmt.Errorf("several programs run; name one by name or pid: %s", list(hits))
}

// Info asks the program what it is.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var i Info
	return i, c.do(ctx, http.MethodGet, "/v1", nil, &i)
}

// List fetches a page of a section into items' raw JSON.
func (c *Client) List(ctx context.Context, section string, q Query) (items []json.RawMessage, next string, err error) {
	v := url.Values{}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Cursor != "" {
		v.Set("cursor", q.Cursor)
	}
	for k, s := range q.Filter {
		v.Set(k, s)
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next"`
	}
	err = c.do(ctx, http.MethodGet, "/v1/"+url.PathEscape(section)+"?"+v.Encode(), nil, &page)
	return page.Items, page.Next, err
}

// Show fetches one item into out.
func (c *Client) Show(ctx context.Context, section, id string, out any) error {
	return c.do(ctx, http.MethodGet, "/v1/"+url.PathEscape(section)+"/"+url.PathEscape(id), nil, out)
}

// Act performs an action on an item; args may be nil; out may be nil. An action
// that failed half-way may have filled out: see Problem.
func (c *Client) Act(ctx context.Context, section, id, action string, args, out any) error {
	return c.do(ctx, http.MethodPost, "/v1/"+url.PathEscape(section)+"/"+url.PathEscape(id)+"/"+url.PathEscape(action), args, out)
}

const maxAnswer = 64 << 20

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Note.URL+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Note.Token)
	hc := c.HTTP
	if hc == nil {
		hc = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	}
	resp, err := hc.Do(req)
	if err != nil {
		return fmt.Errorf("%s (pid %d) does not answer: %w", c.Note.Program, c.Note.PID, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		p := &Problem{Status: resp.StatusCode}
		if json.Unmarshal(b, p) != nil || p.Detail == "" {
			p.Detail = resp.Status + ": " + strings.TrimSpace(string(b))
		}
		if out != nil && len(p.Result) > 0 {
			_ = json.Unmarshal(p.Result, out) // p says what is wrong in any case
		}
		return p
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func list(ns []Note) string {
	var s []string
	for _, n := range ns {
		s = append(s, fmt.Sprintf("%s (pid %d)", n.Program, n.PID))
	}
	return strings.Join(s, ", ")
}
