package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/ashlar-dev/ashlar/design/split"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed measure.js
	measureJS string
	//go:embed page.js
	pageJS string

	page = template.Must(template.New("page").Funcs(template.FuncMap{"short": short, "place": place, "table": table, "method": method,
		"percent": func(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }, "places": places, "uses": uses, "two": func(f float64) string { return fmt.Sprintf("%.2f", f) }}).Parse(pageHTML))
)

// maxPageAtoms keeps the page usable: above it the figures cannot be moved.
const maxPageAtoms = 3000

// HTML writes one self-contained page: the answer, the contexts with their types,
// which can be moved to other contexts while the figures follow, tables, what
// crosses, and the plan. Nothing is loaded from elsewhere.
func HTML(w io.Writer, r *Report) error {
	c := r.chosen()
	if c == nil {
		return fmt.Errorf("nothing to show: %s", r.Result.Answer.Sentence)
	}
	sheet := r.Result.Sheet()
	if len(sheet.Nodes) > maxPageAtoms {
		sheet = split.Sheet{}
	}
	data, err := json.Marshal(sheet)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	err = page.Execute(&b, map[string]any{
		"System": or(r.System, "the system"), "Answer": r.Result.Answer, "C": c, "R": r.Result, "Plan": r.Plan,
		"CSS": template.CSS(pageCSS), "JS": template.JS(measureJS + pageJS), "Data": template.JS(data), "Movable": len(sheet.Nodes) > 0,
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}
