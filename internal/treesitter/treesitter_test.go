package treesitter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

func TestMain(m *testing.M) {
	treesitter.Child()
	if what := os.Getenv("TREES_TEST_CHILD"); what != "" {
		misbehave(what)
	}
	goleak.VerifyTestMain(m)
}

// misbehave is a child that answers as it should until a file has the word in
// it.
func misbehave(what string) {
	r, w := io.Pipe()
	go func() {
		var seen []byte
		b := make([]byte, 4096)
		for {
			n, err := os.Stdin.Read(b)
			seen = append(seen, b[:n]...)
			if bytes.Contains(seen, []byte("BAD")) {
				switch what {
				case "crash":
					os.Exit(139)
				case "hang":
					select {}
				case "lie":
					_, _ = os.Stdout.WriteString("\xff\xff\xff\xff garbage")
					os.Exit(0)
				}
			}
			if err != nil {
				_ = w.Close()
				return
			}
			_, _ = w.Write(b[:n])
		}
	}()
	_ = treesitter.Serve(r, os.Stdout)
	os.Exit(0)
}

func pool(t *testing.T, o treesitter.Options) *treesitter.Pool {
	t.Helper()
	p, err := treesitter.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Languages()) == 0 {
		t.Skip("built without cgo")
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

const good = "class A { void f() { g(); } }"

func TestParse(t *testing.T) {
	t.Parallel()
	p := pool(t, treesitter.Options{})
	for lang, src := range map[string]string{"java": good, "python": "def f(x):\n  return g(x)\n", "typescript": "const a: number = f(1)", "tsx": "const a = <b c={1}/>", "javascript": "app.get('/x', f)", "csharp": good} {
		tree, err := p.Parse(t.Context(), lang, []byte(src))
		if err != nil || tree.Broken() != 0 || len(tree.Nodes) < 5 || tree.Root().Text() != src && lang != "python" {
			t.Errorf("%s: %v %+v", lang, err, tree)
		}
	}
	if _, err := p.Parse(t.Context(), "cobol", nil); err == nil || !strings.Contains(err.Error(), "cobol") {
		t.Errorf("%v", err)
	}
	tree, err := p.Parse(t.Context(), "java", []byte("class A { void f( { }"))
	if err != nil || tree.Broken() == 0 {
		t.Errorf("a fault goes unseen: %v", err)
	}
	tree, err = p.Parse(t.Context(), "java", nil)
	if err != nil || tree.Root().Kind() != "program" {
		t.Errorf("an empty file: %v", err)
	}
}

// A grammar that crashes, hangs or answers with nonsense costs its file; the
// others are read.
func TestChildrenThatFail(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for what, limit := range map[string]time.Duration{"crash": time.Minute, "hang": 300 * time.Millisecond, "lie": time.Minute} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := treesitter.Options{Command: []string{exe}, Env: []string{"TREES_TEST_CHILD=" + what}, Children: 2, Timeout: time.Minute}
			if what == "hang" {
				o.Timeout = limit
			}
			p := pool(t, o)
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					src := good
					if i%4 == 0 {
						src = "class BAD {}"
					}
					_, err := p.Parse(t.Context(), "java", []byte(src))
					if bad := i%4 == 0; bad != (err != nil) || bad && !errors.Is(err, treesitter.ErrChild) {
						if what != "hang" || bad { // a busy machine may take longer than the limit for a good one, too
							t.Errorf("file %d: %v", i, err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := pool(t, treesitter.Options{Command: []string{exe}, Env: []string{"TREES_TEST_CHILD=hang"}, Children: 1})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := p.Parse(ctx, "java", []byte("class BAD {}")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNoProgram(t *testing.T) {
	t.Parallel()
	p, err := treesitter.New(&treesitter.Options{Command: []string{"/nowhere/at/all"}, Children: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a right to start is given back
		if _, err := p.Parse(t.Context(), "java", nil); !errors.Is(err, treesitter.ErrChild) {
			t.Errorf("%v", err)
		}
	}
}

// A child takes any bytes without harm.
func FuzzServe(f *testing.F) {
	f.Add([]byte("\x04java\x03\x00\x00\x00abc"))
	f.Add([]byte("\x06python\x00\x00\x00\x00"))
	f.Fuzz(func(_ *testing.T, in []byte) {
		_ = treesitter.Answer(bytes.NewReader(in), io.Discard)
	})
}
