package kustomize

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Patched says that a patch gave a value of an object.
type Patched struct {
	Field []string // in the object
	Line  int      // of the value in [Built.Docs], which is that of what it replaced or of what is around it
	Col   int
	By    doc.Pos // in the patch, or in the kustomization that holds it
}

// patch is one document of a patch, with what it is for.
type patch struct {
	d      *doc.Document
	target *doc.Node // nil: what the document itself names
}

// patches lists the patches of all kustomizations of the tree, by file.
func (o *originals) patches() []patch {
	if o.all != nil {
		return o.all
	}
	o.all = []patch{}
	names := make([]string, 0, len(o.t.sources))
	for p := range o.t.sources {
		names = append(names, p)
	}
	slices.Sort(names)
	for _, p := range names {
		for _, d := range o.file(p).Docs {
			for _, field := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
				if list := d.Root.Get(field); list != nil {
					for _, it := range list.Items {
						o.patch(p, d, it)
					}
				}
			}
		}
	}
	return o.all
}

// patch reads one item of a list of patches: a text or a path, by itself or in a
// mapping with its target.
func (o *originals) patch(file string, d *doc.Document, it *doc.Node) {
	text, name := it.Get("patch"), it.Str("path")
	if it.Kind == doc.String {
		if text = it; !strings.Contains(it.Text, "\n") && !strings.HasPrefix(strings.TrimSpace(it.Text), "{") {
			text, name = nil, it.Text
		}
	}
	var f *doc.File
	switch {
	case text != nil:
		f = d.Embedded(text, nil)
	case name != "":
		f = o.file(path.Join(path.Dir(file), name))
	}
	if f == nil {
		return
	}
	for _, x := range f.Docs {
		o.all = append(o.all, patch{x, it.Get("target")})
	}
}

// patched finds which values of an object patches gave. A value that a later patch
// or a transformer replaced is not one of them, since it is another.
func (o *originals) patched(n *doc.Node) (out []Patched) {
	for _, p := range o.patches() {
		if !p.means(n) {
			continue
		}
		add := func(field []string, value, by *doc.Node) {
			out = append(out, Patched{slices.Clone(field), value.Line, value.Col, p.d.Pos(by)})
		}
		if p.d.Root.Kind == doc.List {
			for _, op := range p.d.Root.Items {
				operation(op, n, add)
			}
			continue
		}
		merged(p.d.Root, n, nil, add)
	}
	slices.SortStableFunc(out, func(a, b Patched) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), slices.Compare(a.Field, b.Field))
	})
	return out
}

// means reports whether a patch is for an object. Names may have got a prefix and a
// suffix since; a target's words are regular expressions.
func (p patch) means(n *doc.Node) bool {
	kind, name := n.Str("kind"), n.Str("metadata", "name")
	if p.target == nil {
		return p.d.Root.Kind == doc.Map && p.d.Root.Str("kind") == kind && strings.Contains(name, p.d.Root.Str("metadata", "name"))
	}
	fits := func(pattern, s string, whole bool) bool {
		if pattern == "" {
			return true
		}
		if whole {
			pattern = "^(?:" + pattern + ")$"
		}
		re, err := regexp.Compile(pattern)
		return err == nil && re.MatchString(s)
	}
	return fits(p.target.Str("kind"), kind, true) && fits(p.target.Str("name"), name, false)
}

// merged walks a strategic merge beside the object that it was laid on.
func merged(p, n *doc.Node, at []string, add func([]string, *doc.Node, *doc.Node)) {
	switch {
	case n == nil || len(at) > 64:
	case p.Kind == doc.Map && n.Kind == doc.Map:
		for _, e := range p.Entries {
			if len(at) == 0 && (e.Key.Text == "apiVersion" || e.Key.Text == "kind") || slices.Equal(at, []string{"metadata"}) && e.Key.Text == "name" {
				continue // they say which object is meant
			}
			merged(e.Value, n.Get(e.Key.Text), append(at, e.Key.Text), add)
		}
	case p.Kind == doc.List && n.Kind == doc.List:
		for i, it := range p.Items {
			x := same(n, it, len(n.Items))
			if x == nil && len(p.Items) == len(n.Items) { // a list without names was replaced
				x = n.Items[i]
			}
			merged(it, x, at, add)
		}
	case p.Kind != doc.Map && p.Kind != doc.List && p.Kind == n.Kind && p.Text == n.Text:
		add(at, n, p)
	}
}

// operation finds the value that one operation of a JSON patch left.
func operation(op, n *doc.Node, add func([]string, *doc.Node, *doc.Node)) {
	value := op.Get("value")
	if do := op.Str("op"); value == nil || do != "add" && do != "replace" {
		return
	}
	var at []string
	for _, step := range strings.Split(strings.TrimPrefix(op.Str("path"), "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if step == "-" && n != nil && n.Kind == doc.List {
			i := slices.IndexFunc(n.Items, func(x *doc.Node) bool { return string(x.JSON()) == string(value.JSON()) })
			if i < 0 {
				return
			}
			n = n.Items[i]
			continue
		}
		n = n.Find(step)
		at = append(at, step)
	}
	merged(value, n, at, add)
}
