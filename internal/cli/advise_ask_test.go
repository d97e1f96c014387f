package cli_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/internal/cli"
)

// asked runs the program until it asks for the n-th time, having answered the
// questions before with the lines; then it is interrupted, with half a line typed.
func asked(t *testing.T, lines []string, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	inR, inW := io.Pipe()
	defer func() { _ = inW.Close() }()
	errR, errW := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- cli.Do(ctx, args, inR, io.Discard, errW)
		_ = errW.Close()
	}()
	var seen bytes.Buffer
	one := make([]byte, 1)
	for prompts := 0; prompts <= len(lines); {
		if _, err := errR.Read(one); err != nil {
			t.Fatalf("it ended before it asked %d times\n%s", len(lines)+1, seen.String())
		}
		seen.WriteByte(one[0])
		if !strings.HasSuffix(seen.String(), "\n> ") {
			continue
		}
		if prompts++; prompts <= len(lines) {
			if _, err := io.WriteString(inW, lines[prompts-1]+"\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := io.WriteString(inW, "fal"); err != nil {
		t.Fatal(err)
	}
	cancel()
	rest, err := io.ReadAll(errR)
	if err != nil {
		t.Fatal(err)
	}
	return <-done, seen.String() + string(rest)
}

// An interrupted interview ends at once and leaves nothing of what was not
// answered; wrong answers are asked again.
func TestInterviewIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		args  []string
		lines []string
		want  string
	}{
		{"resilience", []string{"advise", "resilience", "order", "payment"}, nil, "0 answers given so far, "},
		{"resilience, wrong answers", []string{"advise", "resilience", "order", "payment"}, []string{"perhaps", "{"}, "0 answers given so far, "},
		{"decision", []string{"advise", "mesh"}, []string{"very"}, "0 answers given so far, "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(shopFolder(t))); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "ashlar.yaml")
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code, said := asked(t, c.lines, append(c.args, filepath.Join(dir, "deploy"), filepath.Join(dir, "traces.json"), file, "--ask")...)
			if code != cli.ExitEnvironment || !strings.Contains(said, "interrupted: "+c.want) {
				t.Errorf("exit %d\n%s", code, said)
			}
			if strings.Count(said, "not understood") != len(c.lines) {
				t.Errorf("%d wrong answers\n%s", len(c.lines), said)
			}
			after, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("%v\n%s", err, after)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".ashlar*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
