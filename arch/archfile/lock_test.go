package archfile_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

func composed(t *testing.T, image string) arch.System {
	t.Helper()
	s := arch.System{Services: map[string]arch.Service{"web": {Run: arch.Run{Image: image}}, "old": {}}}
	if image == "web:2" {
		delete(s.Services, "old")
	}
	s.Attest(arch.Source{Origin: arch.Config, By: "compose", File: "deploy/compose.yaml", Line: 2})
	return s
}

// What discovery wrote and nobody edited follows the source; the rest stays.
func TestLock(t *testing.T) {
	t.Parallel()
	first, err := archfile.Write(nil, composed(t, "web:1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := archfile.Relock("ashlar.yaml", nil, first, nil, composed(t, "web:1"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := archfile.ParseLock(lock.AppendText(nil))
	if err != nil || !reflect.DeepEqual(read, lock) || len(lock) == 0 {
		t.Fatalf("%v\n%v\n%v", err, read, lock)
	}
	all := func(archfile.Written) bool { return true }
	none := func(archfile.Written) bool { return false }
	for _, x := range []struct {
		old    string
		looked func(archfile.Written) bool
		want   []string
		not    []string
	}{
		{string(first), all, []string{"web:2"}, []string{"old", "web:1"}},
		{string(first), none, []string{"web:2", "old"}, []string{"web:1"}},
		{string(bytes.Replace(first, []byte("web:1"), []byte("web:mine"), 1)), all, []string{"web:mine"}, []string{"old", "web:2"}},
	} {
		out, err := archfile.Write([]byte(x.old), composed(t, "web:2"), &archfile.Options{Lock: lock, Looked: x.looked})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range x.want {
			if !bytes.Contains(out, []byte(w)) {
				t.Errorf("no %s in\n%s", w, out)
			}
		}
		for _, w := range x.not {
			if bytes.Contains(out, []byte(w)) {
				t.Errorf("%s in\n%s", w, out)
			}
		}
		again, err := archfile.Relock("ashlar.yaml", []byte(x.old), out, lock, composed(t, "web:2"))
		if err != nil {
			t.Fatal(err)
		}
		if mine := bytes.Contains(out, []byte("web:mine")); again.Unedited(arch.Fact{Of: "service/web", At: "/run/image"}, "web:mine") || mine == again.Unedited(arch.Fact{Of: "service/web", At: "/run/image"}, "web:2") {
			t.Errorf("the lock holds %v", again)
		}
	}
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte("service/a\t/lang\t\"go\"\tcompose\tx.yaml\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		l, err := archfile.ParseLock(src)
		if err != nil {
			return
		}
		again, err := archfile.ParseLock(l.AppendText(nil))
		if err != nil || !reflect.DeepEqual(l, again) {
			t.Fatalf("%v: %v, %v", err, l, again)
		}
	})
}
