package jsonstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ashlar-dev/ashlar/formats/doc/jsonstream"
)

// value reads any value, as encoding/json would.
func value(r *jsonstream.Reader) (any, error) {
	k, err := r.Next()
	if err != nil {
		return nil, err
	}
	switch k {
	case jsonstream.Object:
		m := map[string]any{}
		return m, r.Object(func(key string) error {
			v, err := value(r)
			m[key] = v
			return err
		})
	case jsonstream.Array:
		l := []any{}
		err := r.Array(func() error {
			v, err := value(r)
			l = append(l, v)
			return err
		})
		return l, err
	case jsonstream.Number:
		s, _, err := r.Scalar()
		return json.Number(s), err
	case jsonstream.Bool:
		s, _, err := r.Scalar()
		return s == "true", err
	case jsonstream.Null:
		return nil, r.Skip()
	}
	return r.Text()
}

func reference(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

var samples = []string{
	`{"a":[1,-2.5e10,true,false,null,"x"],"b":{"c":{}},"":[[]]}`,
	`["\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t","größe","\ud800","\ud800\u0041"]`,
	`  [ 1 , { "k" : "v" } ]  `,
	`"` + strings.Repeat("long ", 30000) + `"`,
	`{"` + strings.Repeat("k", 200) + `":{"n":123456789012345678901234567890}}`,
}

func TestSameAsEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		want, err := reference([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range map[string]io.Reader{"whole": strings.NewReader(s), "byte by byte": iotest.OneByteReader(strings.NewReader(s)), "with data and EOF": iotest.DataErrReader(strings.NewReader(s))} {
			got, err := value(jsonstream.New(src, nil))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%.40s %s: %v\n got %.100v\nwant %.100v", s, name, err, got, want)
			}
		}
		r := jsonstream.New(iotest.HalfReader(strings.NewReader(s+" 7")), nil)
		if err := r.Skip(); err != nil {
			t.Errorf("%.40s: skip: %v", s, err)
		}
		if n, err := r.Int(); n != 7 || err != nil {
			t.Errorf("%.40s: after the skip: %d %v", s, n, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a" 1}`:                            "byte 5: want a colon",
		`{"a":1,}`:                           "byte 7: want a member's name",
		`[1 2]`:                              "byte 3: want a comma or ]",
		`[1,`:                                "byte 3: the file ends",
		`{"a":"x`:                            "ends inside a string",
		`"\x"`:                               `unknown escape \x`,
		`"\u12g4"`:                           "four hexadecimal digits",
		"\"a\nb\"":                           "control character",
		`nul`:                                "want null",
		`@`:                                  `byte 0: '@' starts no JSON value`,
		strings.Repeat("[", 9):               "nested deeper than 8",
		`"` + strings.Repeat("x", 200) + `"`: "more than 100 bytes",
	} {
		_, err := value(jsonstream.New(strings.NewReader(in), &jsonstream.Limits{Depth: 8, Text: 100}))
		var f *jsonstream.Fault
		if !errors.As(err, &f) && err != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", in, err, want)
		}
	}
	broken := errors.New("disk on fire")
	if _, err := value(jsonstream.New(io.MultiReader(strings.NewReader(`[1,`), iotest.ErrReader(broken)), nil)); !errors.Is(err, broken) {
		t.Error(err)
	}
	r := jsonstream.New(strings.NewReader(strings.Repeat(`[`, 2000)), nil)
	if err := r.Skip(); err == nil || !strings.Contains(err.Error(), "nested deeper than 1000") {
		t.Error(err)
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{`5`: 5, `"-7"`: -7, `null`: 0, `1.7e3`: 1700, `"18446744073709551615"`: -1} {
		if n, err := jsonstream.New(strings.NewReader(in), nil).Int(); n != want || err != nil {
			t.Errorf("%s: %d %v", in, n, err)
		}
	}
	for _, in := range []string{`"x"`, `{}`, `1e300`} {
		if _, err := jsonstream.New(strings.NewReader(in), nil).Int(); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) { // what is no JSON may be read further than there
			_, _ = value(jsonstream.New(bytes.NewReader(b), nil))
			return
		}
		got, err := value(jsonstream.New(iotest.HalfReader(bytes.NewReader(b)), nil))
		want, werr := reference(b)
		// What encoding/json reads, this reads the same; it is laxer with numbers
		// and stricter with depth, and objects with equal keys are out of scope.
		if werr == nil && err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if werr == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\n got %#v\nwant %#v", b, got, want)
		}
		skip := jsonstream.New(bytes.NewReader(b), nil)
		if err == nil && skip.Skip() != nil {
			t.Fatalf("%q is read but not skipped", b)
		}
	})
}
