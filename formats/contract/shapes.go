package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// maxDepth bounds how deep shapes are compared, against shapes without names
// that unfold without end.
const maxDepth = 64

// shape compares what is at a path. in is the field that it is of, or nil.
func (c *comparer) shape(old, now *Shape, d Direction, path string, in *Field) {
	if old == nil || now == nil || old == now || old.Kind == Any || now.Kind == Any || strings.Count(path, ".")+strings.Count(path, "[]") > maxDepth {
		return
	}
	key := pair{old, now, d}
	if c.seen == nil {
		c.seen = map[pair]bool{}
	}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	place := now.Pos
	if in != nil {
		place = in.Pos
	}
	if c.kinds(old, now, d, path, place) || c.byType && path != "" && (old.Kind == Object || old.Kind == Enum) {
		return
	}
	switch {
	case old.Nullable && !now.Nullable && d&In != 0 && !c.graphql: // there it is what makes input required
		c.add(Breaks, "input narrowed", path, "it may no longer be null", old.Pos, place)
	case !old.Nullable && now.Nullable && d&Out != 0:
		c.add(Breaks, "output widened", path, "it may be null now", old.Pos, place)
	}
	c.values(old, now, d, path)
	c.limits(old, now, d, path, place)
	switch old.Kind {
	case List, Map:
		c.shape(old.Elem, now.Elem, d, path+"[]", nil)
	case Object:
		c.fields(old, now, d, path)
	case Choice:
		c.choices(old, now, d, path, place)
	}
}

// kinds reports whether the kinds differ, so that nothing below can be compared.
func (c *comparer) kinds(old, now *Shape, d Direction, path string, place doc.Pos) bool {
	message := c.proto && old.Kind == Object && now.Kind == Object && old.Name != now.Name
	if old.Kind == now.Kind && (old.Format == now.Format || !c.proto && !c.avro && !numeric(old)) && !message {
		return false
	}
	if old.Kind == now.Kind && !c.proto && (old.Format == "" || now.Format == "") && !message {
		return false // said more closely, or less
	}
	w, what := Breaks, fmt.Sprintf("it is %s, was %s", now.Word(), old.Word())
	switch {
	case c.proto && wireGroup(old) != "" && wireGroup(old) == wireGroup(now):
		w, what = May, what+", which reads the same on the wire and not in code or JSON"
	case c.avro && promotes(old, now) && d&In != 0:
		w, what = May, what+": old records can be read; readers that are not yet rebuilt fail on new ones"
	case !c.proto && !c.avro && d == In && wider(old, now), !c.proto && !c.avro && d == Out && wider(now, old):
		return false
	case !c.proto && !c.avro && (now.Kind == Choice || old.Kind == Choice):
		c.choices(asChoice(old), asChoice(now), d, path, place)
		return true
	}
	c.add(w, "type changed", path, what, old.Pos, place)
	return true
}

func numeric(s *Shape) bool { return s.Kind == Integer || s.Kind == Number }

func asChoice(s *Shape) *Shape {
	if s.Kind == Choice {
		return s
	}
	return &Shape{Kind: Choice, Of: []*Shape{s}, Pos: s.Pos}
}

// wireGroup: proto types that decode into each other.
func wireGroup(s *Shape) string {
	switch {
	case s.Kind == Enum:
		return "varint"
	case s.Kind == Bytes || s.Kind == String:
		return "bytes"
	}
	switch s.Format {
	case "int32", "uint32", "int64", "uint64", "bool":
		return "varint"
	case "sint32", "sint64":
		return "zigzag"
	case "fixed32", "sfixed32":
		return "fixed32"
	case "fixed64", "sfixed64":
		return "fixed64"
	}
	return ""
}

// promotes: Avro's reader takes the old type for the new one.
func promotes(old, now *Shape) bool {
	order := []string{"int", "long", "float", "double"}
	i, j := slices.Index(order, old.Format), slices.Index(order, now.Format)
	return i >= 0 && i < j || old.Kind == String && now.Kind == Bytes || old.Kind == Bytes && now.Kind == String
}

// wider: every value of a is one of b.
func wider(a, b *Shape) bool {
	if a.Kind == Integer && b.Kind == Number {
		return true
	}
	if a.Kind != b.Kind {
		return false
	}
	return a.Format == "int32" && b.Format == "int64" || a.Format == "float" && b.Format == "double"
}

func (c *comparer) values(old, now *Shape, d Direction, path string) {
	if c.proto {
		c.enum(old, now, path)
		return
	}
	has := func(vs []Value, text string) bool {
		return slices.ContainsFunc(vs, func(v Value) bool { return v.Text == text })
	}
	if len(old.Values) == 0 && len(now.Values) > 0 && d&In != 0 {
		c.add(Breaks, "input narrowed", path, "only listed values are taken now", old.Pos, now.Pos)
	}
	if len(old.Values) == 0 || len(now.Values) == 0 {
		return
	}
	for _, v := range old.Values {
		if d&In != 0 && !has(now.Values, v.Text) && !(c.avro && now.Default) {
			c.add(Breaks, "enum value removed", path, fmt.Sprintf("the value %s is gone", v.Text), v.Pos, now.Pos)
		}
	}
	for _, v := range now.Values {
		if d&Out != 0 && !has(old.Values, v.Text) && !old.Default {
			c.add(May, "enum value added", path, fmt.Sprintf("the value %s is new to those who read it", v.Text), old.Pos, v.Pos)
		}
	}
}

func (c *comparer) enum(old, now *Shape, path string) {
	for _, v := range old.Values {
		i := slices.IndexFunc(now.Values, func(x Value) bool { return x.Text == v.Text })
		j := slices.IndexFunc(now.Values, func(x Value) bool { return x.Number == v.Number })
		switch {
		case i >= 0 && now.Values[i].Number != v.Number:
			c.add(Breaks, "number changed", path, fmt.Sprintf("the value %s has the number %d, had %d", v.Text, now.Values[i].Number, v.Number), v.Pos, now.Values[i].Pos)
		case i < 0 && j >= 0:
			c.add(May, "enum value renamed", path, fmt.Sprintf("the value %d is called %s, was %s, which breaks code and JSON", v.Number, now.Values[j].Text, v.Text), v.Pos, now.Values[j].Pos)
		case i < 0 && reserved(now, v.Number, v.Text):
			c.add(May, "enum value removed", path, fmt.Sprintf("the value %s is gone (its number is reserved)", v.Text), v.Pos, now.Pos)
		case i < 0:
			c.add(Breaks, "enum value removed", path, fmt.Sprintf("the value %s is gone, and its number %d may be used again", v.Text, v.Number), v.Pos, now.Pos)
		}
	}
}

func reserved(s *Shape, number int, name string) bool {
	return slices.Contains(s.Gone, name) || slices.ContainsFunc(s.Reserved, func(r Range) bool { return number >= r.From && number <= r.To })
}

func (c *comparer) limits(old, now *Shape, d Direction, path string, place doc.Pos) {
	for _, l := range []struct {
		name string
		sign float64 // of a change that lets less through
	}{{"maxItems", -1}, {"maxLength", -1}, {"maximum", -1}, {"minItems", 1}, {"minLength", 1}, {"minimum", 1}} {
		was, had := old.Limits[l.name]
		is, has := now.Limits[l.name]
		tighter := has && (!had || (is-was)*l.sign > 0)
		looser := had && (!has || (is-was)*l.sign < 0)
		switch {
		case tighter && d&In != 0:
			c.add(Breaks, "input narrowed", path, fmt.Sprintf("%s is %v%s", l.name, is, before(had, was)), old.Pos, place)
		case looser && d&Out != 0 && d&In == 0 && strings.HasPrefix(l.name, "max"):
			c.add(May, "output widened", path, fmt.Sprintf("%s was %v%s", l.name, was, after(has, is)), old.Pos, place)
		}
	}
	if now.Pattern != "" && now.Pattern != old.Pattern && d&In != 0 {
		c.add(May, "input narrowed", path, "its pattern changed", old.Pos, place)
	}
}

func before(had bool, was float64) string {
	if had {
		return fmt.Sprintf(", was %v", was)
	}
	return ", had no limit"
}

func after(has bool, is float64) string {
	if has {
		return fmt.Sprintf(", is %v", is)
	}
	return ", has no limit"
}

func (c *comparer) choices(old, now *Shape, d Direction, path string, place doc.Pos) {
	for _, o := range old.Of {
		if n := like(o, now.Of); n != nil {
			c.shape(o, n, d, path, nil)
		} else if d&In != 0 {
			c.add(Breaks, "input narrowed", path, fmt.Sprintf("it may no longer be %s", o.Word()), o.Pos, place)
		}
	}
	for _, n := range now.Of {
		if d&Out != 0 && like(n, old.Of) == nil {
			c.add(May, "output widened", path, fmt.Sprintf("it may be %s now", n.Word()), old.Pos, n.Pos)
		}
	}
}

// like finds the alternative that is the same one: by name, else by kind.
func like(s *Shape, in []*Shape) *Shape {
	var byKind *Shape
	for _, o := range in {
		if o == nil || s == nil {
			continue
		}
		if s.Name != "" && s.Name == o.Name {
			return o
		}
		if s.Kind == o.Kind && (s.Name == "" || o.Name == "") {
			byKind = o
		}
	}
	return byKind
}
