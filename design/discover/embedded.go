package discover

import (
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Config is a document that may be some program's configuration: it stands in the
// file, or as a text in a ConfigMap of it.
type Config struct {
	*doc.Document
	Name string // as messages should call it: collector.yaml, or "ConfigMap shop/otel relay.yaml"
	Origins
}

// Configs lists the documents of the file, and those inside its ConfigMaps, with
// the places that they have in the file; read once for all sources. Texts that are
// no documents are left out.
//
// A file that came out of a ConfigMap has none: it was listed with that.
func (in *Input) Configs() ([]Config, error) {
	if in.Within != "" {
		return nil, nil
	}
	f, err := in.Docs()
	if err != nil {
		return nil, err
	}
	in.inside.Do(func() {
		for _, d := range f.Docs {
			in.texts = append(in.texts, Config{d, in.Base, in.Origins})
			objects := []*doc.Node{d.Root}
			if items := d.Root.Get("items"); items != nil && items.Kind == doc.List {
				objects = items.Items
			}
			for _, n := range objects {
				if n.Str("kind") == "ConfigMap" && n.Get("data") != nil {
					in.texts = append(in.texts, configMap(d, n, in.Origins)...)
				}
			}
		}
	})
	return in.texts, nil
}

func configMap(d *doc.Document, n *doc.Node, o Origins) []Config {
	name := "ConfigMap " + strings.TrimPrefix(n.Str("metadata", "namespace")+"/"+n.Str("metadata", "name"), "/")
	o.Within = name
	var out []Config
	for _, e := range n.Get("data").Entries {
		// A mapping has a colon in its text; most of what stands in ConfigMaps has
		// none, or is one line.
		if e.Value.Kind != doc.String || !strings.Contains(e.Value.Text, ":") || !strings.ContainsAny(e.Value.Text, "\n{") {
			continue
		}
		f := d.Embedded(e.Value, nil)
		if len(f.Faults) > 0 {
			continue // a script, a template
		}
		for _, x := range f.Docs {
			if x.Root.Kind == doc.Map {
				out = append(out, Config{x, name + " " + e.Key.Text, o})
			}
		}
	}
	return out
}

// Holder is the one service whose pods mount the thing that holds a document as one
// of its files; ok is false where none does, or several do.
func (ev *Evidence) Holder(d Document) (name string, ok bool) {
	if d.Within == "" {
		return "", false
	}
	for _, ref := range ev.Holders[d.Within] {
		if ref.Kind() != arch.KindService || ok {
			return "", false
		}
		name, ok = ref.Name(), true
	}
	return name, ok
}
