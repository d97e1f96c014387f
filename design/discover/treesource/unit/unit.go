// Package unit is what one source file says, in a form that is alike for Java, C#,
// TypeScript, JavaScript and Python: imports, types, their members, and bodies cut
// down to calls, names and constants. It is plain data that depends on nothing but
// the file, so it can be kept ([File.Append], [Decode]) and read again without
// parsing.
package unit

// Version changes when files must be read anew because extraction has changed.
const Version = 2

// File is one source file.
type File struct {
	Path    string
	Lang    string
	Package string // as the language has it; where files are modules, the path without its extension
	Imports []Import
	Types   []Type
	Lines   int
	Broken  int  // places that do not parse
	Test    bool // by its place or name
	Made    bool // generated, by its place or first lines
}

// Import brings a name of another package or file into this one.
type Import struct {
	Package string
	Name    string // "*" for all, "" for the package itself
	Alias   string // what it is called here, if not Name
	Static  bool   // members of a type
}

// Kinds of types.
const (
	Class     = "class"
	Interface = "interface"
	Enum      = "enum"
	Record    = "record"
	Note      = "annotation"
	Loose     = "package" // what stands outside of any type
)

// Type is a class or the like. Name holds the outer types too: Outer.Inner.
type Type struct {
	Name     string
	Kind     string
	Params   []string // type parameters
	Supers   []string // as written
	Marks    []Mark
	Fields   []Field
	Methods  []Method
	Line     int
	Col      int
	Lines    int
	Abstract bool
}

// Mark is an annotation, attribute or decorator.
type Mark struct {
	Name string // as written, without the @
	Args []Arg
	Line int
}

// Arg of a mark; Name is "" for the one without a name.
type Arg struct {
	Name  string
	Value Expr
}

// Field is a field or a property.
type Field struct {
	Name  string
	Type  string
	Marks []Mark
	Init  *Expr
	Line  int
	Fixed bool // cannot change after it is set
}

// Method is a method, constructor ("<init>") or function.
type Method struct {
	Name     string
	Params   []Param
	Result   string
	Marks    []Mark
	Body     []Stmt
	Line     int
	Col      int
	Lines    int
	Bare     bool // without a body
	Static   bool
	Async    bool
	Internal bool // cannot be called from outside its type
}

// Param is a parameter.
type Param struct {
	Name  string
	Type  string
	Marks []Mark
}

// Mark returns the mark of one of these names (without package).
func find(marks []Mark, names []string) *Mark {
	for i := range marks {
		m := Last(marks[i].Name)
		for _, n := range names {
			if m == n {
				return &marks[i]
			}
		}
	}
	return nil
}

// Mark returns the type's mark of one of these names, or nil.
func (t *Type) Mark(names ...string) *Mark { return find(t.Marks, names) }

// Mark returns the field's mark of one of these names, or nil.
func (f *Field) Mark(names ...string) *Mark { return find(f.Marks, names) }

// Mark returns the method's mark of one of these names, or nil.
func (m *Method) Mark(names ...string) *Mark { return find(m.Marks, names) }

// Mark returns the parameter's mark of one of these names, or nil.
func (p *Param) Mark(names ...string) *Mark { return find(p.Marks, names) }

// Arg returns the first argument of one of these names, or nil.
func (m *Mark) Arg(names ...string) *Expr {
	if m == nil {
		return nil
	}
	for _, n := range names {
		for i := range m.Args {
			if m.Args[i].Name == n {
				return &m.Args[i].Value
			}
		}
	}
	return nil
}

// Last is the part of a dotted name behind the last dot.
func Last(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}

// Kinds of statements.
const (
	Do     = iota // X
	Local         // Name of Type = X
	Return        // X
	Loop          // Body many times; a Local in it first, where the loop has a variable
	Try           // Body
	Catch         // Body when something fails
	Branch        // Body perhaps
	Sync          // Body while holding X
)

// Stmt is a statement, as far as it calls, names or keeps something.
type Stmt struct {
	Kind uint8
	Line int32
	Name string
	Type string
	X    *Expr
	Body []Stmt
}

// Kinds of expressions.
const (
	Other  = iota // Args are what it is made of
	Str           // Text is its value
	Lit           // another literal, Text as written
	Name          // Text
	Member        // X.Text
	Call          // X.Text(Args); X nil for a bare name
	New           // new Text(Args); methods of an anonymous body are Func among Args
	Concat        // Args one after the other, as text
	Array         // Args
	TypeOf        // the type Text as a value
	Func          // Fn
	FuncOf        // X::Text
	Cast          // (Text) X
	Assign        // X = Args[0]
	Cond          // Args, one of them
	Object        // Args are Pairs
	Pair          // Text: X
	Await         // X
)

// Expr is an expression.
type Expr struct {
	Kind uint8
	Line int32
	Text string
	X    *Expr
	Args []Expr
	Fn   *Fn
}

// Fn is a function without a name.
type Fn struct {
	Name   string // of a method of an anonymous class
	Params []Param
	Body   []Stmt
	Async  bool
}
