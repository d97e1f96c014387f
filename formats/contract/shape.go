package contract

import (
	"slices"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Kind of a shape.
type Kind string

const (
	Any     Kind = "" // nothing is said about it, or it could not be read
	Object  Kind = "object"
	List    Kind = "list"
	Map     Kind = "map"
	String  Kind = "string"
	Integer Kind = "integer"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Bytes   Kind = "bytes"
	Enum    Kind = "enum" // a type of its own, as in proto and Avro; in JSON Schema a String with Values
	Choice  Kind = "choice"
	Null    Kind = "null"
)

// Shape is what a value looks like. Shapes refer to each other and may do so in
// a circle.
type Shape struct {
	Name     string // of a named type: "Order", "shop.v1.Order"
	Kind     Kind
	Format   string // "int64", "double", "decimal", "date-time"
	Nullable bool
	Fields   []Field  // of an Object
	Closed   bool     // fields that are not listed are refused
	Elem     *Shape   // of a List or Map
	Of       []*Shape // of a Choice
	Values   []Value  // allowed ones; none: all
	Limits   map[string]float64
	Pattern  string
	// Reserved are names and numbers that were given up for good.
	Reserved []Range
	Gone     []string
	Default  bool // of an Enum: one value stands for those that a reader does not know
	// Versioned says what tells revisions of the type apart; "" for nothing.
	Versioned string
	Pos       doc.Pos
}

// Range of numbers, both ends included.
type Range struct{ From, To int }

// Field of an object.
type Field struct {
	Name      string
	Number    int // on the wire; 0: none
	Required  bool
	Default   bool // has a default
	ReadOnly  bool // only comes out
	WriteOnly bool // only goes in
	Group     string
	Aliases   []string
	Shape     *Shape
	Pos       doc.Pos
}

// Value of an enumeration.
type Value struct {
	Text   string
	Number int
	Pos    doc.Pos
}

// Field finds a field by its name.
func (s *Shape) Field(name string) *Field {
	if s == nil {
		return nil
	}
	if i := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return &s.Fields[i]
	}
	return nil
}

// Walk visits every field below a shape once, with the path to it as people
// write it: items[].price.
func (s *Shape) Walk(visit func(path string, in *Shape, f *Field)) {
	walk(s, "", map[*Shape]bool{}, visit)
}

func walk(s *Shape, path string, seen map[*Shape]bool, visit func(string, *Shape, *Field)) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	switch s.Kind {
	case List, Map:
		walk(s.Elem, path+"[]", seen, visit)
	case Choice:
		for _, o := range s.Of {
			walk(o, path, seen, visit)
		}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		at := join(path, f.Name)
		visit(at, s, f)
		walk(f.Shape, at, seen, visit)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// Word says what a shape is in messages: "integer (int64)", "list of string".
func (s *Shape) Word() string {
	switch {
	case s == nil || s.Kind == Any:
		return "anything"
	case s.Kind == List:
		return "list of " + s.Elem.short()
	case s.Kind == Map:
		return "map of " + s.Elem.short()
	}
	return s.short()
}

func (s *Shape) short() string {
	switch {
	case s == nil || s.Kind == Any:
		return "anything"
	case s.Name != "" && (s.Kind == Object || s.Kind == Enum || s.Kind == Choice):
		return s.Name
	case s.Format != "":
		return string(s.Kind) + " (" + s.Format + ")"
	}
	return string(s.Kind)
}
