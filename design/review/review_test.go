package review_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/archfile"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

var now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)

func found(keys ...string) *review.Result {
	res := &review.Result{}
	for _, k := range keys {
		res.Findings = append(res.Findings, review.Finding{Rule: "data/x", Key: k, Title: k, Of: []arch.Ref{arch.NewRef(arch.KindService, k)}})
	}
	return res
}

// The last day of an acceptance still counts, the day after does not.
func TestLastDay(t *testing.T) {
	t.Parallel()
	s := []archfile.Suppression{{Rule: "data/x", Of: "service/a", Reason: "r", Until: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)}}
	for hours, want := range map[int]int{0: 1, 24: 2} {
		res := found("a", "b")
		res.Accept(&review.Case{}, s, now.Add(time.Duration(hours)*time.Hour))
		if len(res.Findings) != want || len(res.Accepted) != 2-want || len(res.Notes) != want-1 {
			t.Errorf("%d hours later: %d findings, %d accepted, %v", hours, len(res.Findings), len(res.Accepted), res.Notes)
		}
	}
}

func TestComment(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"a: 1 # ashlar:accept data/x: it is meant":                        1,
		"a: 1 # ashlar:accept x until 2027-03-31: it is meant":            1,
		"a: 1 # ashlar:accept x until 2027-03-30: it was meant":           0,
		"a: 1 # ashlar:accept y: another rule":                            0,
		"a: 1 # ashlar:accept x:":                                         0, // no reason
		"a: 1 # ashlar:accept x until tomorrow: no date":                  0,
		"# ashlar:accept x: the line above\na: 1":                         1,
		"# ashlar:accept x: too far away\nb: 2\nc: 3\na: 1 # the finding": 0,
	} {
		f := doc.Read("a.yaml", []byte(line+"\n"), nil)
		res := found("a")
		res.Findings[0].Evidence = []review.Evidence{{Source: arch.Source{File: "a.yaml", Line: 1 + strings.Count(line, "\n")}}}
		res.Accept(&review.Case{Documents: []discover.Document{{Doc: f.Docs[0]}}}, nil, now)
		if len(res.Accepted) != want {
			t.Errorf("%q: %d accepted, %v", line, len(res.Accepted), res.Notes)
		}
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	b, err := review.NewBaseline(found("a", "b"), "90d", now)
	if err != nil || b.Expires != "2027-06-29" {
		t.Fatalf("%+v %v", b, err)
	}
	res := found("a", "b", "c")
	res.Subtract(b, "base.json", now)
	if len(res.Findings) != 1 || res.Findings[0].Key != "c" || len(res.Accepted) != 2 {
		t.Errorf("%+v", res)
	}
	res = found("a")
	if res.Subtract(b, "base.json", now.Add(91*24*time.Hour)); len(res.Findings) != 1 || len(res.Notes) != 1 {
		t.Errorf("an expired baseline accepts: %+v", res)
	}
	for _, bad := range []string{"", "{", `{"format":2}`, `{"format":1,"expires":"soon"}`} {
		if _, err := review.ParseBaseline([]byte(bad)); err == nil {
			t.Errorf("%q is a baseline", bad)
		}
	}
	for _, bad := range []string{"soon", "-3d", "0d", "99999999d"} {
		if _, err := review.NewBaseline(found(), bad, now); err == nil {
			t.Errorf("%q is a span", bad)
		}
	}
}

// An edit whose place holds something else is refused, and the others are made.
func TestFixLeavesTheRest(t *testing.T) {
	t.Parallel()
	src := "# top\na: {old: 1, port: htp} # keep\nb: 2\nlist: # of three\n- one # first\n- two\nflow: [x, y]\n"
	out, err := review.Fix("a.yaml", []byte(src), []review.Edit{
		{File: "a.yaml", Line: 2, Col: 5, Kind: review.Rename, Value: "new"},
		{File: "a.yaml", Line: 2, Col: 19, Kind: review.Set, Value: "http"},
		{File: "a.yaml", Line: 3, Col: 9, Kind: review.Set, Value: "3"},
		{File: "a.yaml", Line: 5, Col: 3, Kind: review.Set, Value: "eins"},
		{File: "a.yaml", Line: 6, Col: 3, Kind: review.Set, Value: "zwei"},
		{File: "a.yaml", Line: 7, Col: 11, Kind: review.Set, Value: "z"},
	})
	if want := "# top\na: {new: 1, port: http} # keep\nb: 2\nlist: # of three\n- eins # first\n- zwei\nflow: [x, z]\n"; string(out) != want {
		t.Errorf("%s", out)
	}
	if err == nil || !strings.Contains(err.Error(), "a.yaml:3:9") {
		t.Errorf("%v", err)
	}
}
