package auth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/auth"
)

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsReadAgain(t *testing.T) {
	t.Parallel()
	path, c := filepath.Join(t.TempDir(), "secret"), newClock()
	put(t, path, "one\n")
	s, err := auth.OpenSecret(path, &auth.SecretOptions{Now: c.Now, Private: true})
	if err != nil {
		t.Fatal(err)
	}
	want := func(value string, version uint64, troubled bool) {
		t.Helper()
		if got := s.Reveal(); got != value || s.Version() != version || (s.Trouble() != nil) != troubled {
			t.Fatalf("%q, version %d, trouble %v; want %q, %d, %v", got, s.Version(), s.Trouble(), value, version, troubled)
		}
	}
	want("one", 1, false)
	put(t, path, "two")
	want("one", 1, false) // not looked at again yet
	c.Add(6 * time.Second)
	want("two", 2, false)
	put(t, path, "two  ") // written anew, the same secret
	c.Add(6 * time.Second)
	want("two", 2, false)
	put(t, path, "") // in the middle of being written
	c.Add(6 * time.Second)
	want("two", 2, true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.Add(6 * time.Second)
	want("two", 2, true)
	put(t, path, "three")
	c.Add(6 * time.Second)
	want("three", 3, false)
	put(t, path, "four")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Add(6 * time.Second)
	want("three", 3, true) // open to others
	if _, err := auth.OpenSecret(path, &auth.SecretOptions{Private: true}); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Fatalf("err = %v", err)
	}
}

// Kubernetes swaps a link to a folder: neither name, nor size, nor often the
// time of the file changes.
func TestAMountedSecretThatIsSwapped(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	for _, v := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		f := filepath.Join(dir, v, "secret")
		put(t, f, v)
		if err := os.Chtimes(f, start, start); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "..data")
	if err := os.Symlink("one", link); err != nil {
		t.Fatal(err)
	}
	s, err := auth.OpenSecret(filepath.Join(link, "secret"), &auth.SecretOptions{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("two", link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	c.Add(6 * time.Second)
	if got := s.Reveal(); got != "two" {
		t.Fatalf("%q", got)
	}
}

func TestASecretDoesNotShowItself(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	put(t, path, "hunter2")
	s, err := auth.OpenSecret(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S *auth.Secret }{s})
	b, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), log.String(), string(b)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s", text)
		}
	}
}

func TestASecretUnderManyReaders(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	put(t, path, "0")
	s, err := auth.OpenSecret(path, &auth.SecretOptions{Check: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for last := 0; ; {
				var n int
				if _, err := fmt.Sscan(s.Reveal(), &n); err != nil || n < last {
					t.Errorf("%d after %d, %v", n, last, err)
				}
				last = n
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 200 {
		put(t, path, fmt.Sprint(i))
	}
	close(done)
	wg.Wait()
}
