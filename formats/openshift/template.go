package openshift

import (
	"regexp"
	"strconv"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// parameter is a reference in a Template: ${NAME}, or ${{NAME}} for what is to be
// no text.
var parameter = regexp.MustCompile(`\$\{\{([A-Za-z0-9_]+)\}\}|\$\{([A-Za-z0-9_]+)\}`)

// Expand returns the objects of a Template, each as a document of its own in the
// same file, with its parameters filled in: values that override, else those
// that the Template gives. A parameter that has a rule to generate its value, or
// none, is left empty. Positions are those in the Template.
func Expand(d *doc.Document, override map[string]string) []*doc.Document {
	values := map[string]string{}
	if ps := d.Root.Get("parameters"); ps != nil {
		for _, p := range ps.Items {
			values[p.Str("name")] = p.Str("value")
		}
	}
	for k, v := range override {
		values[k] = v
	}
	objects := d.Root.Get("objects")
	if objects == nil {
		return nil
	}
	x := &expander{values, map[*doc.Node]*doc.Node{}}
	var out []*doc.Document
	for _, n := range objects.Items {
		if n.Kind == doc.Map {
			out = append(out, &doc.Document{File: d.File, Index: d.Index, Root: x.node(n)})
		}
	}
	return out
}

type expander struct {
	values map[string]string
	done   map[*doc.Node]*doc.Node // nodes that aliases share stay shared
}

func (x *expander) node(n *doc.Node) *doc.Node {
	if m := x.done[n]; m != nil {
		return m
	}
	m := *n
	x.done[n] = &m
	if len(n.Entries) > 0 {
		m.Entries = make([]doc.Entry, len(n.Entries))
		for i, e := range n.Entries {
			m.Entries[i] = doc.Entry{Key: x.node(e.Key), Value: x.node(e.Value), Merge: e.Merge}
		}
	}
	if len(n.Items) > 0 {
		m.Items = make([]*doc.Node, len(n.Items))
		for i, it := range n.Items {
			m.Items[i] = x.node(it)
		}
	}
	if n.Kind == doc.String {
		x.text(&m)
	}
	return &m
}

// text fills a scalar in. A name that the Template does not declare stays as it
// is, since shell scripts in a command have variables of their own.
func (x *expander) text(m *doc.Node) {
	bare := false
	whole := parameter.FindString(m.Text) == m.Text
	m.Text = parameter.ReplaceAllStringFunc(m.Text, func(ref string) string {
		g := parameter.FindStringSubmatch(ref)
		name := g[1] + g[2]
		v, ok := x.values[name]
		if !ok {
			return ref
		}
		bare = bare || g[1] != ""
		return v
	})
	if !bare || !whole {
		return
	}
	m.Style = doc.Plain
	if _, err := strconv.ParseInt(m.Text, 10, 64); err == nil {
		m.Kind = doc.Int
	} else if m.Text == "true" || m.Text == "false" {
		m.Kind = doc.Bool
	} else if _, err := strconv.ParseFloat(m.Text, 64); err == nil {
		m.Kind = doc.Float
	}
}
