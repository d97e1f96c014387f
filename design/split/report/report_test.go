package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/internal/sketch"
	"github.com/ashlar-dev/ashlar/design/split/plan"
	"github.com/ashlar-dev/ashlar/design/split/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What is printed is looked at by people: any change to it is to be seen in review.
func TestGolden(t *testing.T) {
	t.Parallel()
	r, err := split.Run(t.Context(), sketch.Shop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	rep := &report.Report{System: "shop", Result: r, Plan: plan.Make(r, &r.Candidates[0]), Paths: []string{"src/"}}
	for name, print := range map[string]func(*bytes.Buffer) error{
		"shop.txt":     func(b *bytes.Buffer) error { return report.Terminal(b, rep) },
		"shop.md":      func(b *bytes.Buffer) error { return report.Markdown(b, rep) },
		"explain.txt":  func(b *bytes.Buffer) error { return report.Explain(b, r, "OrderPricing") },
		"shop-html.go": func(b *bytes.Buffer) error { return report.HTML(b, rep) },
	} {
		var b bytes.Buffer
		if err := print(&b); err != nil {
			t.Fatal(name, err)
		}
		if strings.HasSuffix(name, "html.go") {
			if s := b.String(); !strings.Contains(s, "OrderController") || strings.Contains(s, "src=\"http") {
				t.Error("the page lacks its types or loads something from elsewhere")
			}
			if dir := os.Getenv("ASHLAR_KEEP"); dir != "" {
				_ = os.WriteFile(filepath.Join(dir, "shop.html"), b.Bytes(), 0o644)
			}
			continue
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s changed (go test -update, then look at the difference): %v", file, err)
		}
	}
}
