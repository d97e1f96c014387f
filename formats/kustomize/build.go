package kustomize

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Built is an object as it would be applied.
type Built struct {
	Path string // of the file that it comes from: a resource, or the kustomization that generates it
	Text []byte
	// Docs holds the object's document. Its places are those of the resource's file;
	// what a kustomization added stands where the thing around it does.
	Docs *doc.File
	// Patched are the values that patches gave, by their place.
	Patched []Patched
}

// root is the folder of the copy in memory.
const root = "/tree"

// Build builds the kustomization, sorted by path and place.
func (t *Tree) Build() (out []Built, err error) {
	defer func() {
		if p := recover(); p != nil { // the library is not ours, and its input is anybody's
			out, err = nil, fmt.Errorf("kustomize gave up on it: %v", p)
		}
	}()
	if t.Component {
		return nil, fmt.Errorf("a component is only there to be used by others")
	}
	mem := filesys.MakeFsInMemory()
	for p, b := range t.content {
		if slices.Contains(Names, path.Base(p)) {
			if path.Dir(p) == t.Dir {
				b = append(slices.Clone(b), "buildMetadata: [originAnnotations]\n"...)
			}
			p = path.Join(path.Dir(p), Names[0])
		}
		if err := mem.WriteFile(path.Join(root, p), b); err != nil {
			return nil, err
		}
	}
	opts := krusty.MakeDefaultOptions()
	opts.LoadRestrictions = types.LoadRestrictionsNone // the copy holds nothing but what the tree names
	m, err := krusty.MakeKustomizer(opts).Run(mem, path.Join(root, t.Dir))
	if err != nil {
		return nil, fmt.Errorf("%s", t.plain(err.Error()))
	}
	src := &originals{t: t, files: map[string]*doc.File{}}
	for _, r := range m.Resources() {
		b, err := t.built(r, src)
		if err != nil {
			return nil, err
		}
		if b != nil {
			out = append(out, *b)
		}
	}
	slices.SortStableFunc(out, func(a, b Built) int { return cmp.Or(cmp.Compare(a.Path, b.Path), line(a)-line(b)) })
	return out, nil
}

func line(b Built) int { return b.Docs.Docs[0].Root.Line }

// plain shortens what the library says, which names its copy's paths and nests
// the same words several times.
func (t *Tree) plain(msg string) string {
	msg = strings.ReplaceAll(msg, root+"/", "")
	if i := strings.LastIndex(msg, "accumulating resources from"); i > 0 {
		msg = msg[i:]
	}
	msg, _, _ = strings.Cut(msg, "\n")
	if len(msg) > 300 {
		msg = msg[:300] + "..."
	}
	return msg
}

func (t *Tree) built(r *resource.Resource, src *originals) (*Built, error) {
	b := &Built{Path: t.file(t.Dir)}
	if o, err := r.GetOrigin(); err == nil && o != nil {
		if p := path.Join(t.Dir, cmp.Or(o.Path, o.ConfiguredIn)); o.Path != "" || o.ConfiguredIn != "" {
			b.Path = t.file(p)
		}
	}
	as := r.GetAnnotations()
	delete(as, "config.kubernetes.io/origin")
	if err := r.SetAnnotations(as); err != nil {
		return nil, err
	}
	text, err := r.AsYAML()
	if err != nil {
		return nil, err
	}
	b.Text, b.Docs = text, doc.Read(b.Path, text, nil)
	if len(b.Docs.Docs) != 1 {
		return nil, nil // nothing is left of it
	}
	src.place(b)
	return b, nil
}

// file is a path as it is in the file system: kustomizations have their own name
// back, and a folder stands for its own.
func (t *Tree) file(p string) string {
	dir := p
	if path.Base(p) == Names[0] {
		dir = path.Dir(p)
	}
	for _, n := range Names {
		if _, ok := t.sources[path.Join(dir, n)]; ok {
			return path.Join(dir, n)
		}
	}
	return p
}

// originals are the files that objects come from, as documents.
type originals struct {
	t     *Tree
	files map[string]*doc.File
	all   []patch // nil: not read yet
}

func (o *originals) file(p string) *doc.File {
	f := o.files[p]
	if f == nil {
		b, ok := o.t.sources[p]
		if !ok {
			b = o.t.content[p]
		}
		f = doc.Read(p, b, nil)
		o.files[p] = f
	}
	return f
}

// place gives an object's nodes the places of the document that it was.
func (o *originals) place(b *Built) {
	f := o.file(b.Path)
	root := b.Docs.Docs[0].Root
	from, at := o.object(f, root)
	if from != nil {
		move(root, from, from)
	} else {
		move(root, nil, at)
	}
	b.Docs.Move(b.Path, f.Source, func(line, col int) (int, int) { return line, col })
	b.Patched = o.patched(root)
}

// object finds the document that an object was: of its kind, with its name, or
// with the longest name that its name holds (prefixes and suffixes are added).
// Of a generated one there is the place of its generator's name.
func (o *originals) object(f *doc.File, n *doc.Node) (from, at *doc.Node) {
	name, best := n.Str("metadata", "name"), -1
	var look func(x *doc.Node)
	look = func(x *doc.Node) {
		if items := x.Get("items"); items != nil && strings.HasSuffix(x.Str("kind"), "List") {
			for _, it := range items.Items {
				look(it)
			}
			return
		}
		was := x.Str("metadata", "name")
		if x.Str("kind") == n.Str("kind") && strings.Contains(name, was) && len(was) > best {
			from, best = x, len(was)
		}
		for _, g := range []string{"configMapGenerator", "secretGenerator"} {
			if list := x.Get(g); list != nil {
				for _, it := range list.Items {
					if was := it.Str("name"); strings.Contains(name, was) && (at == nil || len(was) >= len(at.Text)) {
						at = it.Get("name")
					}
				}
			}
		}
	}
	for _, d := range f.Docs {
		look(d.Root)
	}
	return from, at
}

// move gives n, and what lies in it, the places of from; what from does not have
// stands where the nearest thing around it does.
func move(n, from, around *doc.Node) {
	if from == nil {
		from = around
		if from != nil {
			n.Line, n.Col = from.Line, from.Col
		} else {
			n.Line, n.Col = 1, 1
		}
		for _, e := range n.Entries {
			move(e.Key, nil, around)
			move(e.Value, nil, around)
		}
		for _, it := range n.Items {
			move(it, nil, around)
		}
		return
	}
	n.Line, n.Col = from.Line, from.Col
	for _, e := range n.Entries {
		k := from.KeyNode(e.Key.Text)
		move(e.Key, k, cmp.Or(k, from))
		move(e.Value, from.Get(e.Key.Text), cmp.Or(k, from))
	}
	for i, it := range n.Items {
		move(it, same(from, it, i), from)
	}
}

// same finds the item of a list that an item was: by its name, else by its place.
func same(list, item *doc.Node, i int) *doc.Node {
	for _, key := range []string{"name", "containerPort", "port", "mountPath", "host"} {
		v := item.Str(key)
		if v == "" {
			continue
		}
		for _, it := range list.Items {
			if it.Str(key) == v {
				return it
			}
		}
		return nil
	}
	if i < len(list.Items) {
		return list.Items[i]
	}
	return nil
}

// Raw are the resources' files as they stand, for a kustomization that cannot be
// built.
func (t *Tree) Raw() []Built {
	var out []Built
	for _, p := range t.Files {
		if _, own := t.sources[p]; own {
			continue
		}
		var probe map[string]any
		if yaml.Unmarshal(t.content[p], &probe) == nil && probe["kind"] == nil && !strings.Contains(string(t.content[p]), "\nkind:") {
			continue // a patch of operations, a text for a ConfigMap
		}
		out = append(out, Built{Path: p, Text: t.content[p], Docs: doc.Read(p, t.content[p], nil)})
	}
	return out
}
