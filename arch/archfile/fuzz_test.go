package archfile_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
)

// Whatever the file: faults have places; what is read without fault is written
// so that it is read again as the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"example.yaml", "shop.yaml", "full.yaml"} {
		f.Add(load(f, name))
	}
	f.Add([]byte("ashlar: 1\nservices: {a: {operations: {X: {do: {loop: [work: 1s], times: 3}}}, uses: [to: a]}}\n"))
	f.Add([]byte("ashlar: 1\nstores: {a.b: {}, a: {}}\nservices: {s: {uses: [read: a.b.c, read: a.b]}}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := archfile.Parse("ashlar.yaml", src)
		var e *archfile.Error
		if errors.As(err, &e) {
			for _, x := range e.Faults {
				if x.Pos.Line < 1 || x.Pos.Col < 1 {
					t.Fatalf("a fault without a place: %v", x)
				}
			}
			_ = e.Frames()
			return
		}
		same, err := archfile.Write(src, file.System, nil)
		if err != nil || !bytes.Equal(same, src) {
			t.Fatalf("writing what is there: %v\n%s", err, same)
		}
		out, err := archfile.Write(nil, file.System, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		again, err := archfile.Read("ashlar.yaml", out)
		if d := arch.Diff(file.System, again); err != nil || len(d) > 0 {
			t.Fatalf("%v %+v\n%s", err, d, out)
		}
	})
}
