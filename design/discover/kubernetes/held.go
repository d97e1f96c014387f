package kubernetes

import (
	"bytes"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

// heldName is what files of a ConfigMap call it: "ConfigMap shop/order".
func heldName(namespace, name string) string {
	return "ConfigMap " + strings.TrimPrefix(namespace+"/"+name, "/")
}

// held shows other sources the files inside a ConfigMap: entries whose key has an
// extension and whose text has several lines. Their places are the ConfigMap's.
func held(o kubernetes.Object, from discover.Origins, out discover.Sink) {
	if _, ok := o.Typed.(*corev1.ConfigMap); !ok {
		return
	}
	data := o.Node.Get("data")
	if data == nil {
		return
	}
	for _, e := range data.Entries {
		if path.Ext(e.Key.Text) == "" || e.Value.Kind != doc.String || !strings.Contains(strings.TrimSpace(e.Value.Text), "\n") {
			continue
		}
		place := inside(o.Doc.File, e.Value, from.Via != "")
		text := []byte(e.Value.Text)
		f := &doc.File{}
		switch path.Ext(e.Key.Text) {
		case ".yaml", ".yml", ".json":
			f = doc.Read(e.Key.Text, text, nil)
		}
		f.Move(o.Doc.File.Path, o.Doc.File.Source, place)
		origins := from
		origins.Within = heldName(o.Namespace, o.Name)
		text = shifted(text, place)
		out.Input(discover.NewRendered(e.Key.Text, f, text, origins))
	}
}

// shifted moves a text down and to the right for those who read lines and not
// documents, so that what they count is the place in the document.
func shifted(text []byte, place func(line, col int) (int, int)) []byte {
	line, col := place(1, 1)
	out := bytes.Repeat([]byte("\n"), max(0, line-1))
	if next, _ := place(2, 1); next == line {
		return append(out, text...) // no place but the first is known
	}
	indent := bytes.Repeat([]byte(" "), max(0, col-1))
	for l := range bytes.Lines(text) {
		out = append(append(out, indent...), l...)
	}
	return out
}

// inside maps places in a text to places in the document that holds it: exactly
// in a block of a file as it stands, else to where the text begins.
func inside(f *doc.File, n *doc.Node, rendered bool) func(line, col int) (int, int) {
	if n.Style != doc.Block || rendered {
		return func(int, int) (int, int) { return n.Line, n.Col }
	}
	lines := bytes.Split(f.Source, []byte("\n"))
	indent := 0
	for i := n.Line; i < len(lines); i++ {
		if text := bytes.TrimLeft(lines[i], " "); len(bytes.TrimSpace(text)) > 0 {
			indent = len(lines[i]) - len(text)
			break
		}
	}
	return func(line, col int) (int, int) { return n.Line + line, indent + col }
}

// holds notes which ConfigMaps a workload's pods mount.
func (r *relation) holds(w *workload) {
	add := func(name string) {
		key := heldName(w.V.Namespace, name)
		if name != "" && !slices.Contains(r.ev.Holders[key], w.ref) {
			r.ev.Holders[key] = append(r.ev.Holders[key], w.ref)
			slices.Sort(r.ev.Holders[key])
		}
	}
	for _, v := range w.Pod.Spec.Volumes {
		if v.ConfigMap != nil {
			add(v.ConfigMap.Name)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				add(s.ConfigMap.Name)
			}
		}
	}
}
