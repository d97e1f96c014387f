package drivertest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/admin"
	"github.com/ashlar-dev/ashlar/patterns/bus"
	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

// The binary's `dlq` beside a program on this broker: an event that failed is
// listed, shown, edited and replayed, and the group handles it; another one is
// discarded.
func testCommandLine(t *testing.T, h Harness) {
	bin := binary(t)
	b, err := bus.New(open(t, h), &bus.Options{Source: "/shop", Log: quietLog()})
	if err != nil {
		t.Fatal(err)
	}
	name, g := Name("orders"), Name("billing")
	if err := b.Ensure(t.Context(), driver.Topic{Name: name, Partitions: 2, Groups: []string{g}}); err != nil {
		t.Fatal(err)
	}
	handled := make(chan string, 10)
	_, err = b.Subscribe(t.Context(), bus.Subscription{Topics: []string{name}, Group: g}, func(_ context.Context, e bus.Event) error {
		if strings.HasPrefix(string(e.Data), "broken") {
			return bus.Terminal(errors.New("no such article"))
		}
		handled <- e.Key + " " + string(e.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []bus.Event{{Key: "41", Data: []byte("broken first")}, {Key: "42", Data: []byte("broken second")}, {Key: "43", Data: []byte("sound")}} {
		e.Topic, e.Type, e.ContentType, e.Headers = name, "placed", "text/plain", []bus.Header{{Name: "tenant", Value: []byte("north")}}
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got := await(t, h, handled); got != "43 sound" {
		t.Errorf("handled %q", got)
	}
	queue := b.DeadLetters(g + ".dead-letters")
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o700); err != nil { // it holds tokens
		t.Fatal(err)
	}
	srv, err := admin.Listen("shop", &admin.Options{Folder: folder}, bus.Section(queue))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(context.Background()) }) // nothing is under way
	c := commandLine{t, bin, folder}
	first, second := awaitKey(t, h, queue, "41"), awaitKey(t, h, queue, "42")

	c.says("", []string{"list", "--group", g}, first, second, name, "no such article")
	c.says("", []string{"show", first}, first+"  dead", "topic "+name, `key "41"`, "no such article", "tenant: north", "broken first")
	c.says("mended", []string{"edit", first, "--file", "-"}, first+" has a new body")
	c.says("", []string{"show", first}, "edited, 6 bytes", "mended")
	c.says("", []string{"replay", first}, first+" was published again")
	if got := await(t, h, handled); got != "41 mended" {
		t.Errorf("after the replay was handled %q", got)
	}
	c.says("", []string{"discard", second}, second+" is discarded")
	c.says("", []string{"list", "--state", "replayed"}, first)
	c.says("", []string{"list", "--state", "discarded"}, second)
	if out := c.says("", []string{"list"}); strings.Contains(out, g) {
		t.Errorf("settled letters are listed as dead:\n%s", out)
	}
	c.refuses("nobody", "show", "nobody")
	c.refuses(first, "replay", first)
}

// commandLine is `ashlar dlq` beside one program.
type commandLine struct {
	t           *testing.T
	bin, folder string
}

func (c commandLine) run(in string, args []string) (out string, err error) {
	cmd := exec.CommandContext(c.t.Context(), c.bin, append([]string{"dlq", "--runtime", c.folder}, args...)...)
	cmd.Stdin = strings.NewReader(in)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func (c commandLine) says(in string, args []string, want ...string) string {
	c.t.Helper()
	out, err := c.run(in, args)
	if err != nil {
		c.t.Fatalf("ashlar dlq %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			c.t.Errorf("ashlar dlq %s lacks %q:\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

func (c commandLine) refuses(want string, args ...string) {
	c.t.Helper()
	out, err := c.run("", args)
	if err == nil || !strings.Contains(out, want) {
		c.t.Errorf("ashlar dlq %s: %v, want a refusal that names %q:\n%s", strings.Join(args, " "), err, want, out)
	}
}

func await(t *testing.T, h Harness, ch <-chan string) string {
	t.Helper()
	select {
	case s := <-ch:
		return s
	case <-time.After(h.Patience):
		t.Fatal("nothing was handled")
		return ""
	}
}

// awaitKey returns the id of the dead letter of a key.
func awaitKey(t *testing.T, h Harness, q *bus.DeadLetters, key string) string {
	t.Helper()
	for deadline := time.Now().Add(h.Patience); ; <-time.After(50 * time.Millisecond) {
		ls, err := q.List(t.Context(), func(l *bus.DeadLetter) bool { return l.Key == key })
		if err != nil {
			t.Fatal(err)
		}
		if len(ls) == 1 {
			return ls[0].ID
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d dead letters of key %s", len(ls), key)
		}
	}
}

var built struct {
	once sync.Once
	path string
	err  error
}

// binary is the command of this repository: the one that ASHLAR_BINARY names,
// or one that is built now. A driver that is tested by itself, outside of the
// repository, has none.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.path = os.Getenv("ASHLAR_BINARY"); built.path != "" {
			return
		}
		work, err := exec.Command("go", "env", "GOWORK").Output()
		root := filepath.Dir(strings.TrimSpace(string(work)))
		if err == nil {
			_, err = os.Stat(filepath.Join(root, "cmd", "ashlar"))
		}
		if err != nil {
			return
		}
		path := filepath.Join(root, "bin", "test", "ashlar") // go build leaves it alone when it is as it should be
		cmd := exec.Command("go", "build", "-o", path, "./cmd/ashlar")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = errors.New(string(out))
		}
		built.path = path
	})
	if built.err != nil {
		t.Fatalf("build of cmd/ashlar: %v", built.err)
	}
	if built.path == "" {
		t.Skip("the module is not tested in its repository: there is no cmd/ashlar to build")
	}
	return built.path
}
