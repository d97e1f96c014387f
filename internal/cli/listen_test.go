package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/otlp/otlptest"
	"github.com/ashlar-dev/ashlar/internal/cli"
)

// listened is standard error that tells when a line with an address came.
type listened struct {
	mu   sync.Mutex
	text strings.Builder
	addr chan string
}

var address = regexp.MustCompile(`receiving traces on ([0-9.:]+)`)

func (l *listened) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if m := address.FindSubmatch(b); m != nil {
		l.addr <- string(m[1])
	}
	return len(b), nil
}

func (l *listened) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The receiver takes what comes until it is interrupted, and then goes on to say
// what the spans and the files amount to.
func TestDiscoverListen(t *testing.T) {
	t.Parallel()
	manifest := filepath.Join(t.TempDir(), "payment.yaml")
	if err := os.WriteFile(manifest, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: payment}\nspec: {replicas: 3, template: {spec: {containers: [{name: a, image: \"payment:1\"}]}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	stderr := &listened{addr: make(chan string, 1)}
	var stdout bytes.Buffer
	code := make(chan int)
	go func() {
		code <- cli.Do(ctx, []string{"discover", "--listen", "127.0.0.1:0", "--no-cache", manifest}, strings.NewReader(""), &stdout, stderr)
	}()
	url := "http://" + <-stderr.addr + "/v1/traces"
	for _, m := range otlptest.Messages(otlptest.Shape{Spans: 2000, Spread: 1}) {
		resp, err := http.Post(url, "application/x-protobuf", bytes.NewReader(m))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	interrupt()
	if c := <-code; c != 0 {
		t.Fatalf("exit %d: %s", c, stderr)
	}
	for _, want := range []string{"2000 spans of 4 services"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	for _, want := range []string{"-> payment.Charge", "POST /checkout/{cart}", "p99", "payment.yaml:1:1", "topic"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in %s", want, stdout.String())
		}
	}
}

func TestDiscoverListenFaults(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"name a file or a folder":            {"discover"},
		"--for and --any-address go with":    {"discover", "--for", "1s", "."},
		"other machines can reach":           {"discover", "--listen", "0.0.0.0:0"},
		"no spans came":                      {"discover", "--listen", "127.0.0.1:0", "--for", "1ms"},
		"receive traces on 127.0.0.1:nobody": {"discover", "--listen", "127.0.0.1:nobody"},
	} {
		var stdout, stderr bytes.Buffer
		code := cli.Do(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		if !strings.Contains(stderr.String(), want) || (code == 0) != (want == "no spans came") {
			t.Errorf("%v: exit %d, %s; want %q", args, code, stderr.String(), want)
		}
	}
}
