package arrows_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ashlar-dev/ashlar/internal/arrows"
)

func TestTheHouseKeepsItsArrows(t *testing.T) {
	t.Parallel()
	vs, err := arrows.Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		t.Error(v)
	}
}

// Every rule must be able to fail: a file in its room that imports what no room
// but the command line may.
func TestEveryArrowIsGuarded(t *testing.T) {
	t.Parallel()
	for _, r := range arrows.Rules {
		forbidden := arrows.Module + "/internal/cli"
		if r.Room == "internal/cli" {
			forbidden = arrows.Module + "/cmd/ashlar"
		}
		src := "package x\n\nimport _ \"" + forbidden + "\"\n"
		vs, err := arrows.Check(fstest.MapFS{r.Room + "/x.go": {Data: []byte(src)}})
		want := r.Room != "cmd"
		if err != nil || (len(vs) == 1) != want {
			t.Errorf("%s: %v, %v", r.Room, vs, err)
		}
		if r.Outside == nil || len(r.Outside) > 0 {
			continue
		}
		vs, _ = arrows.Check(fstest.MapFS{r.Room + "/x.go": {Data: []byte("package x\n\nimport _ \"example.com/lib\"\n")}})
		if len(vs) != 1 {
			t.Errorf("%s may import from outside", r.Room)
		}
	}
	for _, bad := range []string{"patterns/saga imports patterns/outbox", "patterns/resilience imports patterns/bus", "patterns/policy imports patterns/journal", "formats/istio imports formats/kubernetes", "design/discover/istio imports design/review", "design/view imports design/review", "arch imports arch/archfile"} {
		w := strings.Fields(bad)
		vs, _ := arrows.Check(fstest.MapFS{w[0] + "/x.go": {Data: []byte("package x\n\nimport _ \"" + arrows.Module + "/" + w[2] + "\"\n")}})
		if len(vs) != 1 {
			t.Errorf("%s, and nobody says no", bad)
		}
	}
}

// No network unless asked: what reads and judges a system has no client to reach
// one with. Receivers that a user starts stand in folders of their own.
func TestReadingNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	vs, err := arrows.Network(os.DirFS("../.."), []string{"arch", "formats", "design"}, []string{"formats/otlp"})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		t.Error(v)
	}
	vs, err = arrows.Network(fstest.MapFS{"design/x/x.go": {Data: []byte("package x\n\nimport _ \"net/http\"\n")}}, []string{"design"}, nil)
	if err != nil || len(vs) != 1 {
		t.Errorf("a client in design goes unseen: %v %v", vs, err)
	}
}
