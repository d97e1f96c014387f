package istio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// decode fills a message from a node and returns every unknown field and every
// value that does not fit, at its place.
func decode(d *doc.Document, n *doc.Node, m proto.Message) []*doc.Fault {
	c := &checker{d: d}
	n = inSeconds(n, m.ProtoReflect().Descriptor())
	c.message(n, m.ProtoReflect().Descriptor(), []string{"spec"})
	opts := protojson.UnmarshalOptions{DiscardUnknown: true}
	if err := opts.Unmarshal(n.JSON(), m); err != nil {
		c.blame(n, m, []string{"spec"})
		proto.Reset(m)
		if err := opts.Unmarshal(c.without(n).JSON(), m); err != nil {
			proto.Reset(m) // what is left cannot be read as a whole; the faults say why
		}
	}
	return c.faults
}

// inSeconds is n with durations in seconds, as JSON has them. Istio reads what
// people write, 3m and 1m30s, as Go does; n itself is shared and stays.
func inSeconds(n *doc.Node, md protoreflect.MessageDescriptor) *doc.Node {
	if md.FullName() == "google.protobuf.Duration" {
		if d, err := time.ParseDuration(n.Text); err == nil && n.Kind == doc.String {
			m := *n
			m.Text = strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
			return &m
		}
		return n
	}
	if n.Kind != doc.Map || strings.HasPrefix(string(md.FullName()), "google.protobuf.") {
		return n
	}
	m := *n
	m.Entries = slices.Clone(n.Entries)
	for i, e := range m.Entries {
		fd := field(md, e.Key.Text)
		if fd == nil || fd.Message() == nil || fd.IsMap() {
			continue
		}
		if e.Value.Kind != doc.List {
			m.Entries[i].Value = inSeconds(e.Value, fd.Message())
			continue
		}
		l := *e.Value
		l.Items = slices.Clone(l.Items)
		for j, it := range l.Items {
			l.Items[j] = inSeconds(it, fd.Message())
		}
		m.Entries[i].Value = &l
	}
	return &m
}

type checker struct {
	d      *doc.Document
	faults []*doc.Fault
	bad    map[*doc.Node]bool
}

func (c *checker) fault(n *doc.Node, k doc.FaultKind, path []string, what, hint string) {
	c.faults = append(c.faults, c.d.Fault(n, k, path, what, hint))
}

func (c *checker) message(n *doc.Node, md protoreflect.MessageDescriptor, path []string) {
	if n.Kind != doc.Map || strings.HasPrefix(string(md.FullName()), "google.protobuf.") {
		return // blame finds values of the wrong type
	}
	for _, e := range n.Entries {
		fd := field(md, e.Key.Text)
		at := append(slices.Clone(path), e.Key.Text)
		if fd == nil {
			hint := ""
			if near := doc.Nearest(e.Key.Text, names(md)); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			c.fault(e.Key, doc.Unknown, at, fmt.Sprintf("unknown field %q", strings.Join(at, ".")), hint)
			continue
		}
		c.field(e.Value, fd, at)
	}
}

func (c *checker) field(n *doc.Node, fd protoreflect.FieldDescriptor, path []string) {
	switch {
	case fd.IsMap():
		if v := fd.MapValue(); v.Message() != nil {
			for _, e := range n.Entries {
				c.message(e.Value, v.Message(), append(slices.Clone(path), e.Key.Text))
			}
		}
	case fd.IsList():
		for i, it := range n.Items {
			at := append(slices.Clone(path), itoa(i))
			if fd.Message() != nil {
				c.message(it, fd.Message(), at)
			} else {
				c.enum(it, fd, at)
			}
		}
	case fd.Message() != nil:
		c.message(n, fd.Message(), path)
	default:
		c.enum(n, fd, path)
	}
}

func (c *checker) enum(n *doc.Node, fd protoreflect.FieldDescriptor, path []string) {
	ed := fd.Enum()
	if ed == nil || n.Kind != doc.String || ed.Values().ByName(protoreflect.Name(n.Text)) != nil {
		return
	}
	var known []string
	for i := range ed.Values().Len() {
		known = append(known, string(ed.Values().Get(i).Name()))
	}
	c.fault(n, doc.Value, path, fmt.Sprintf("%s: %q is none of %s", strings.Join(path, "."), n.Text, strings.Join(known, ", ")), "")
	c.mark(n)
}

// blame finds the smallest parts that do not decode.
func (c *checker) blame(n *doc.Node, m proto.Message, path []string) {
	opts := protojson.UnmarshalOptions{DiscardUnknown: true}
	md := m.ProtoReflect().Descriptor()
	for _, e := range n.Entries {
		fd := field(md, e.Key.Text)
		if fd == nil || c.bad[e.Value] {
			continue
		}
		at := append(slices.Clone(path), e.Key.Text)
		one := &doc.Node{Kind: doc.Map, Entries: []doc.Entry{e}}
		err := opts.Unmarshal(one.JSON(), m.ProtoReflect().New().Interface())
		if err == nil {
			continue
		}
		if fd.Message() != nil && !fd.IsMap() && !strings.HasPrefix(string(fd.Message().FullName()), "google.protobuf.") {
			sub := m.ProtoReflect().NewField(fd)
			before := len(c.faults) + len(c.bad)
			switch {
			case fd.IsList() && e.Value.Kind == doc.List:
				for i, it := range e.Value.Items {
					c.blame(it, sub.List().NewElement().Message().Interface(), append(slices.Clone(at), itoa(i)))
				}
			case !fd.IsList() && e.Value.Kind == doc.Map:
				c.blame(e.Value, sub.Message().Interface(), at)
			}
			if len(c.faults)+len(c.bad) > before {
				continue
			}
		}
		_, what, _ := strings.Cut(err.Error(), "): ")
		c.fault(e.Value, doc.Type, at, strings.Join(at, ".")+": "+doc.Redact(what), hint(fd))
		c.mark(e.Value)
	}
}

func (c *checker) mark(n *doc.Node) {
	if c.bad == nil {
		c.bad = map[*doc.Node]bool{}
	}
	c.bad[n] = true
}

// without copies n without what was blamed.
func (c *checker) without(n *doc.Node) *doc.Node {
	m := *n
	m.Entries, m.Items = nil, nil
	for _, e := range n.Entries {
		if !c.bad[e.Value] {
			e.Value = c.without(e.Value)
			m.Entries = append(m.Entries, e)
		}
	}
	for _, it := range n.Items {
		if !c.bad[it] {
			m.Items = append(m.Items, c.without(it))
		}
	}
	return &m
}

func hint(fd protoreflect.FieldDescriptor) string {
	if md := fd.Message(); md != nil && md.FullName() == "google.protobuf.Duration" {
		return "write a time such as 2s or 0.5s"
	}
	return ""
}

func field(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByJSONName(name); fd != nil {
		return fd
	}
	return md.Fields().ByName(protoreflect.Name(name))
}

func names(md protoreflect.MessageDescriptor) []string {
	var ns []string
	for i := range md.Fields().Len() {
		ns = append(ns, md.Fields().Get(i).JSONName())
	}
	return ns
}

func itoa(i int) string { return strconv.Itoa(i) }
