package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"
)

func (a *app) mcpCmd() *cobra.Command {
	var listen string
	var write bool
	c := &cobra.Command{
		Use:   "mcp [ROOT...]",
		Short: "Serve the verbs to an assistant, over the Model Context Protocol",
		Long: "Mcp serves discover, review, explain, diagram, split, advise and diff to an assistant, on standard input and output, or over HTTP with --listen.\n" +
			"It reads below the given roots only (by default the current folder), and writes nothing unless --allow-write is given.",
		Example: "  ashlar mcp ~/src/shop\n  ashlar mcp --listen 127.0.0.1:7400 ~/src/shop",
		RunE: func(_ *cobra.Command, roots []string) error {
			if len(roots) == 0 {
				roots = []string{"."}
			}
			box, err := newSandbox(roots)
			if err != nil {
				return err
			}
			s := newMCP(box, write)
			if listen != "" {
				return a.serveMCP(s, listen)
			}
			err = s.Run(a.ctx, &mcp.IOTransport{Reader: io.NopCloser(a.stdin), Writer: keepOpen{a.stdout}})
			if errors.Is(err, io.EOF) || a.ctx.Err() != nil {
				return nil // the assistant went away
			}
			return err
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "serve over HTTP at `ADDRESS` (path /mcp), on loopback only")
	c.Flags().BoolVar(&write, "allow-write", false, "also offer the tool that writes an ashlar.yaml")
	return c
}

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// serveMCP answers over stateless HTTP. The protocol has no password, so only this
// machine may ask, and the library refuses requests that a browser was tricked into.
func (a *app) serveMCP(s *mcp.Server, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %s: want HOST:PORT such as 127.0.0.1:7400", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen %s: there is no password, so it listens on loopback only: 127.0.0.1 or localhost", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return &exit{ExitEnvironment, err}
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", http.MaxBytesHandler(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}), maxMCPRequest))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	_, _ = fmt.Fprintf(a.stderr, "serving on http://%s/mcp\n", l.Addr())
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-a.ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return &exit{ExitEnvironment, err}
	}
	<-done
	return nil
}

const (
	maxMCPRequest = 4 << 20
	// An answer is bounded: what an assistant cannot hold does not help it.
	maxMCPText  = 40_000 // bytes, about ten thousand tokens
	maxMCPError = 4_000  // bytes
	pageSize    = 50     // items
	pageMost    = 200
)
