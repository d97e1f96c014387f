package contract

import (
	"fmt"
	"slices"
)

func (c *comparer) fields(old, now *Shape, d Direction, path string) {
	for i := range old.Fields {
		c.field(&old.Fields[i], now, d, path)
	}
	for i := range now.Fields {
		c.newField(old, &now.Fields[i], d, path)
	}
	if now.Closed && !old.Closed && d == In {
		c.add(May, "input narrowed", path, "fields that are not listed are refused now", old.Pos, now.Pos)
	}
}

// match finds the field of now that f has become.
func (c *comparer) match(f *Field, now *Shape) *Field {
	if c.proto {
		if i := slices.IndexFunc(now.Fields, func(g Field) bool { return g.Number == f.Number }); i >= 0 {
			return &now.Fields[i]
		}
		return nil
	}
	if g := now.Field(f.Name); g != nil {
		return g
	}
	if c.avro {
		if i := slices.IndexFunc(now.Fields, func(g Field) bool { return slices.Contains(g.Aliases, f.Name) }); i >= 0 {
			return &now.Fields[i]
		}
	}
	return nil
}

func (c *comparer) field(f *Field, now *Shape, d Direction, path string) {
	at := join(path, f.Name)
	if d == In && f.ReadOnly || d == Out && f.WriteOnly {
		return
	}
	g := c.match(f, now)
	if g == nil {
		c.removed(f, now, d, at)
		return
	}
	if c.proto && g.Name != f.Name {
		if h := now.Field(f.Name); h != nil {
			c.add(Breaks, "number changed", at, fmt.Sprintf("it has the number %d, had %d", h.Number, f.Number), f.Pos, h.Pos)
			return
		}
		c.add(May, "field renamed", at, fmt.Sprintf("it is called %s, which breaks code and JSON", g.Name), f.Pos, g.Pos)
	}
	if c.proto && g.Group != f.Group && g.Group != "" {
		c.add(Breaks, "field moved", at, fmt.Sprintf("it stands in the oneof %s, so setting another field clears it", g.Group), f.Pos, g.Pos)
	}
	if g.Required && !f.Required && !g.Default && d&In != 0 {
		c.add(Breaks, "new required input", at, "it has become required", f.Pos, g.Pos)
	}
	if f.Required && !g.Required && d == Out && !c.avro {
		c.add(Breaks, "answer narrowed", at, "it may be missing now", f.Pos, g.Pos)
	}
	c.shape(f.Shape, g.Shape, d, at, g)
}

func (c *comparer) removed(f *Field, now *Shape, d Direction, at string) {
	switch {
	case c.proto:
		if h := now.Field(f.Name); h != nil {
			c.add(Breaks, "number changed", at, fmt.Sprintf("it has the number %d, had %d", h.Number, f.Number), f.Pos, h.Pos)
		} else if reserved(now, f.Number, f.Name) {
			c.add(May, "field removed", at, "it is gone (its number is reserved), so readers see its zero value", f.Pos, now.Pos)
		} else {
			c.add(Breaks, "field removed", at, fmt.Sprintf("it is gone, and its number %d may be used again", f.Number), f.Pos, now.Pos)
		}
	case c.avro && f.Default:
		c.add(May, "field removed", at, "it is gone; readers take its default", f.Pos, now.Pos)
	case d&Out != 0:
		c.add(Breaks, "field removed", at, "it is gone", f.Pos, now.Pos)
	case now.Closed:
		c.add(Breaks, "field removed", at, "it is refused now", f.Pos, now.Pos)
	default:
		c.add(May, "field removed", at, "it is no longer taken, so what callers send goes unheard", f.Pos, now.Pos)
	}
}

func (c *comparer) newField(old *Shape, g *Field, d Direction, path string) {
	if c.proto && !g.Required || slices.ContainsFunc(old.Fields, func(f Field) bool { m := f.Name; return m == g.Name || slices.Contains(g.Aliases, m) }) {
		return
	}
	at := join(path, g.Name)
	switch {
	case c.avro && !g.Default:
		c.add(Breaks, "new field without default", at, "records that were written before have no value for it", old.Pos, g.Pos)
	case !c.avro && g.Required && !g.Default && !g.ReadOnly && d&In != 0:
		c.add(Breaks, "new required input", at, "it is required and was not there", old.Pos, g.Pos)
	}
}
