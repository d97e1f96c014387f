// Package code is what source code says about an architecture, as plain data:
// types and their methods, calls between them, entry points, clients, tables,
// transactions. Readers of source files fill a [Graph]; review, split and advise
// read it. It knows the standard library only.
package code

import "github.com/ashlar-dev/ashlar/arch"

// TypeID names a type: package (or file) and name, as the language writes it:
// "com.shop.order.OrderService", "github.com/x/shop/order.Service". Functions
// outside any type belong to the type of their package, with an empty name.
type TypeID string

// MethodID names a method or function: its type, "#", its name and, where the
// language overloads, its parameters: "com.shop.OrderService#place(Order)".
type MethodID string

// Pos is a place in a source file.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1
	Col  int    `json:"col"`  // from 1
}

// Graph is one read of source code. Graphs of several readers are joined by
// [Graph.Add]; a method's calls may lead to types that another one read.
type Graph struct {
	Modules  map[string]Module         // by name: what is built and deployed as one
	Types    map[TypeID]Type           //
	Methods  map[MethodID]Method       //
	Calls    []Call                    // between methods, sorted by From, Pos
	Entries  []Entry                   // where requests, messages and timers come in
	Clients  []Client                  // where requests and messages go out
	Access   []Access                  // of tables
	Tables   map[arch.Ref]Table        // as the code declares them
	Tx       map[string]Transaction    // by ID
	Settings map[string]Setting        // configuration keys that the code reads
	Changes  []Change                  // what changed together, from version control
	Authors  map[string]map[TypeID]int // author -> type -> commits
	Skipped  []Skip                    // what could not be read, and why
	Lines    int64                     // of source that was read
}

// Module is a unit of build: a Go module or main package, a Maven module, an npm
// package, a .csproj.
type Module struct {
	Name, Dir, Lang string
	Service         arch.Ref // the service that it becomes, "" when none is known
	Imports         []string // modules of the same repository, sorted
}

// TypeKind tells what a type is for.
type TypeKind string

const (
	KindClass      TypeKind = "class"
	KindInterface  TypeKind = "interface"
	KindEntity     TypeKind = "entity"     // mapped to a table
	KindRepository TypeKind = "repository" // reads and writes tables
	KindController TypeKind = "controller" // has entries
	KindService    TypeKind = "service"
	KindClient     TypeKind = "client"
	KindValue      TypeKind = "value" // data without behaviour
	KindTest       TypeKind = "test"
	KindGenerated  TypeKind = "generated"
	KindPackage    TypeKind = "package" // functions outside types
)

// Type is a class, struct, interface, or a package's loose functions.
type Type struct {
	ID      TypeID
	Name    string
	Kind    TypeKind
	Package string
	Module  string
	Pos     Pos
	Lines   int
	Fields  []Field
	Extends []TypeID // superclasses and interfaces
	Table   arch.Ref // of an entity
	Terms   []string // words of its names and comments, split and lower-case, for the domain language
}

// Field is a field of a type.
type Field struct {
	Name string
	Type TypeID // "" for a basic type
	Text string // as written
}

// Method is a method or function.
type Method struct {
	ID      MethodID
	Type    TypeID
	Name    string
	Pos     Pos
	Lines   int
	Params  []TypeID
	Results []TypeID
	Writes  []string // fields of its type that it writes
	Reads   []string // fields of its type that it reads
}

// Call is one call site.
type Call struct {
	From, To MethodID
	Pos      Pos
	Count    int64 // as observed in traces; 0: not observed
	InLoop   bool
	Async    bool   // starts a thread, goroutine, or future
	Tx       string // ID of the transaction it runs in, "" when none is known
}

// Entry is where a request, a message or a timer comes in.
type Entry struct {
	Method  MethodID
	Kind    string // http, grpc, topic, timer, main
	Trigger string // as in arch.Operation.Trigger
	Pos     Pos
	Limits  []arch.Policy
}

// Client is a call that leaves the process.
type Client struct {
	Method   MethodID
	Kind     string // http, grpc, topic, redis, s3, ...
	Target   string // as written or resolved: host, service name, topic, ${KEY}
	Verb     string // "POST /v1/orders", "Place", "publish"
	Pos      Pos
	InLoop   bool
	Tx       string      // transaction it happens in, "" when none is known
	Fixed    bool        // the endpoint is written into the code
	Policy   arch.Policy // limits set right here
	Fallback bool
}

// Access is a method's touching of a table.
type Access struct {
	Method  MethodID
	Table   arch.Ref
	Mode    string // read, write
	Columns []string
	Joins   []arch.Ref // other tables in the same statement
	Tx      string
	Pos     Pos
	SQL     string // normalized, literals stripped
	Guessed bool   // by naming convention only
}

// Table is a table as the code declares it.
type Table struct {
	Ref         arch.Ref
	Columns     []string
	ForeignKeys map[string]arch.Ref // columns -> table
	Entity      TypeID
	Pos         Pos
}

// Transaction is a stretch of code that commits as one.
type Transaction struct {
	ID     string
	Method MethodID // that opens it
	Kind   string   // annotation, explicit, xa, container
	Pos    Pos
}

// Setting is a configuration key that the code reads.
type Setting struct {
	Key, Default string // Default never holds a secret
	Pos          Pos
}

// Change is a commit, or a ticket that joins commits of several repositories.
type Change struct {
	ID     string
	Author string
	Files  []string
}

// Skip is a file that could not be read.
type Skip struct {
	File, Why string
}
