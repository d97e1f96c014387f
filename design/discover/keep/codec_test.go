package keep_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/design/discover/keep"
)

type leaf struct {
	Name  string
	Size  int64
	Share float64
	On    bool
	Took  time.Duration
}

type tree struct {
	leaf0
	Names  []string
	Leaves map[string]leaf
	Below  []tree
	Next   *tree
	Kind   uint8
}

type leaf0 struct{ Own string }

// plainTree is the same with all its parts exported.
type plainTree struct {
	Names  []string
	Leaves map[string]leaf
	Below  []plainTree
	Next   *plainTree
	Kind   uint8
}

func sample() *plainTree {
	return &plainTree{
		Names:  []string{"a", "", "b", "a"},
		Leaves: map[string]leaf{"x": {"x", -7, 0.25, true, time.Second}, "y": {Size: 1 << 62}},
		Below:  []plainTree{{Kind: 200}, {Next: &plainTree{Names: []string{"deep"}}}},
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	c := keep.NewCodec[plainTree]()
	b := c.Append(nil, sample())
	got, err := c.Decode(b)
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Fatalf("%v %+v", err, got)
	}
	if again := c.Append(nil, got); string(again) != string(b) {
		t.Error("written in two ways")
	}
	for i := range b { // torn anywhere
		if _, err := c.Decode(b[:i]); err == nil {
			t.Errorf("%d of %d bytes are read", i, len(b))
		}
	}
	if _, err := c.Decode(append(b, 0)); err == nil {
		t.Error("what follows is not seen")
	}
	type other struct{ Names, More []string }
	if _, err := keep.NewCodec[other]().Decode(b); err == nil {
		t.Error("read as another type")
	}
}

func TestNoPlainData(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(){
		"an embedded type that is not exported": func() { keep.NewCodec[tree]() },
		"a channel":                             func() { keep.NewCodec[struct{ C chan int }]() },
		"a map by numbers":                      func() { keep.NewCodec[map[int]string]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			f()
		}()
	}
}

func FuzzDecode(f *testing.F) {
	c := keep.NewCodec[plainTree]()
	f.Add(c.Append(nil, sample()))
	f.Add(c.Append(nil, &plainTree{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.Decode(b)
		if err != nil {
			return
		}
		again, err := c.Decode(c.Append(nil, v))
		if err != nil || !reflect.DeepEqual(v, again) && !nan(v) {
			t.Errorf("%v: %+v, then %+v", err, v, again)
		}
	})
}

// nan: not equal to itself.
func nan(v *plainTree) bool { return !reflect.DeepEqual(v, v) }
