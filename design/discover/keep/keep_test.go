package keep_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/design/discover/keep"
)

func open(t *testing.T, dir string, size int64) *keep.Store {
	t.Helper()
	s, err := keep.Open(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeeps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := keep.Key([]byte("reader"), []byte{1}, []byte("text"))
	open(t, dir, 0).Put(key, []byte("facts"))
	if got := open(t, dir, 0).Get(key); string(got) != "facts" {
		t.Errorf("got %q", got)
	}
	for _, other := range []string{keep.Key([]byte("reader"), []byte{2}, []byte("text")), keep.Key([]byte("readert"), []byte{1}, []byte("ext")), ""} {
		if got := open(t, dir, 0).Get(other); got != nil {
			t.Errorf("%q has %q", other, got)
		}
	}
	var none *keep.Store
	none.Put(key, nil)
	none.Trim()
	if none.Get(key) != nil {
		t.Error("nothing keeps something")
	}
}

// What is torn, cut off or foreign is read as missing.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { return b[:len(b)/2] },
		func([]byte) []byte { return nil },
		func(b []byte) []byte { b[3] ^= 1; return b },
		func(b []byte) []byte { return append(b, 0) },
	} {
		dir := t.TempDir()
		s, key := open(t, dir, 0), keep.Key([]byte("x"))
		s.Put(key, bytes.Repeat([]byte("facts "), 100))
		files, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		if len(files) != 1 {
			t.Fatalf("files %v", files)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.Get(key); got != nil {
			t.Errorf("read %d bytes", len(got))
		}
	}
}

// The oldest go first, and so does what a killed run left behind.
func TestTrim(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 5000)
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = keep.Key([]byte(fmt.Sprint(i)))
		s.Put(keys[i], make([]byte, 500))
		name := filepath.Join(dir, keys[i][:2], keys[i][2:])
		at := time.Now().Add(time.Duration(i-100) * time.Hour)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s.Get(keys[0]) // used again
	left := filepath.Join(dir, keys[0][:2], ".new123")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.Trim()
	if s.Get(keys[0]) == nil || s.Get(keys[19]) == nil || s.Get(keys[1]) != nil {
		t.Error("not the oldest went")
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what was half written stays")
	}
}

// Several writers and readers at once, and one that trims, see whole entries or
// none.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			s := open(t, dir, 20_000)
			for i := range 100 {
				key := keep.Key([]byte(fmt.Sprint(i % 10)))
				s.Put(key, bytes.Repeat([]byte{byte(i % 10)}, 1000+i%10))
				if b := s.Get(key); b != nil && (len(b) != 1000+i%10 || b[0] != byte(i%10)) {
					t.Errorf("entry %d has %d bytes of %d", i%10, len(b), b[0])
				}
				if w == 0 && i%20 == 0 {
					s.Trim()
				}
			}
		})
	}
	wg.Wait()
}

// A writer that is killed leaves nothing that reads as an entry.
func TestKilled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("ASHLAR_KEEP_CHILD"); dir != "" {
		s := open(t, dir, 0)
		fmt.Println("writing")
		for i := 0; ; i++ {
			s.Put(keep.Key([]byte(fmt.Sprint(i%50))), bytes.Repeat([]byte{byte(i % 50)}, 100_000))
		}
	}
	dir := t.TempDir()
	for range 5 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		c.Env = append(os.Environ(), "ASHLAR_KEEP_CHILD="+dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 64)
		if n, err := out.Read(b); err != nil || !strings.Contains(string(b[:n]), "writing") {
			t.Fatalf("%q %v", b, err)
		}
		s := open(t, dir, 0)
		for s.Get(keep.Key([]byte("3"))) == nil { // it is at work
			if c.ProcessState != nil {
				t.Fatal("the writer ended by itself")
			}
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		for i := range 50 {
			if b := s.Get(keep.Key([]byte(fmt.Sprint(i)))); b != nil && (len(b) != 100_000 || b[0] != byte(i) || b[99_999] != byte(i)) {
				t.Errorf("entry %d is torn: %d bytes", i, len(b))
			}
		}
	}
}
