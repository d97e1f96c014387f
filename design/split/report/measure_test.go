package report_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/dop251/goja"

	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/design/split"
	"github.com/ashlar-dev/ashlar/design/split/internal/sketch"
)

// The page computes what the program computes.
func TestPageMeasures(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("measure.js")
	if err != nil {
		t.Fatal(err)
	}
	planted, _ := sketch.Planted(120, 4, 3)
	for name, g := range map[string]*code.Graph{"shop": sketch.Shop(), "planted": planted} {
		r, err := split.Run(t.Context(), g, nil)
		if err != nil {
			t.Fatal(err)
		}
		best := &r.Candidates[0]
		sheet := r.Sheet()
		vm := goja.New()
		if _, err := vm.RunString(string(src)); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(sheet)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vm.RunString("sheet = " + string(text) + "; JSON.stringify(measured(sheet, sheet.nodes.map(n => n.part), sheet.names.length))")
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Cost, Severed, Ops, Span, Writes float64 }
		if err := json.Unmarshal([]byte(v.String()), &got); err != nil {
			t.Fatal(err)
		}
		span, writes := 0, 0
		for _, x := range best.Tx {
			if len(x.Contexts) > 1 {
				span++
			}
		}
		for _, x := range best.Tables {
			writes += len(x.Writers)
		}
		if math.Abs(got.Cost-best.Cost.Total) > 1e-9 || math.Abs(got.Severed-best.Cost.Cross) > 1e-9 || int(got.Ops) != len(best.Calls) || int(got.Span) != span || int(got.Writes) != writes {
			t.Errorf("%s: the page says %+v; cost %.6f, severed %.6f, %d operations, %d transactions, %d writers", name, got, best.Cost.Total, best.Cost.Cross, len(best.Calls), span, writes)
		}
	}
}
