package gosource

import (
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/arch/code"
	"github.com/ashlar-dev/ashlar/formats/sql"
)

// summary is what one package says by itself. Texts hold marks where a value comes
// from outside the function; [program] replaces them.
type summary struct {
	Path, Name, Dir, Module string
	Main                    bool
	Imports                 []string // of this source
	Types                   []code.Type
	Methods                 []code.Method
	Calls                   []call
	Sites                   []site
	Vars                    []assignment
	Sets                    []assignment // through a pointer: Var is a parameter's mark
	Returns                 []assignment // Var is a function
	Routes                  []route
	Serves                  []serve
	Clients                 []client
	SQL                     []statement
	Rows                    []row
	Entities                []entity
	Tx                      []code.Transaction
	Settings                []code.Setting
	Implements              []methodSet
	Interfaces              []methodSet
	Services                []grpcService
	Skipped                 []code.Skip
	Lines                   int64
	Absent                  []string // packages that were not at hand; once they are, this is out of date
	Lacks                   []string // modules of which nothing is known
}

// call is a call or a reference between functions; To may be a method of an
// interface.
type call struct {
	code.Call
	Value bool // passed as a value
}

// site is a call of a function of this source whose arguments say something.
type site struct {
	ID     string
	Caller code.MethodID
	Callee code.MethodID
	Pos    code.Pos
	Args   []string // by parameter, as texts
	Addr   []string // by parameter: the variable whose address is passed
	Tx     string
	InLoop bool
	Retry  *arch.Retry
}

// assignment of a text to a variable: a field, a package's variable, or a local
// one whose address is taken.
type assignment struct {
	Var, Value string
}

// route is an HTTP entry or the subscription to a topic.
type route struct {
	Kind    string // http, topic, timer
	Method  string // GET; "" when it is part of the path or any
	Path    string // text
	Handler code.MethodID
	In      code.MethodID // where it is registered
	Pos     code.Pos
	Timeout arch.Opt[int64]
}

// serve registers an implementation of a gRPC service.
type serve struct {
	Package, Service string // of the generated code
	Impl             code.TypeID
	In               code.MethodID
	Pos              code.Pos
}

// client is a call that leaves the process.
type client struct {
	code.Client
	Service string // gRPC: package#Service of the generated code
	Limited bool   // by a duration that is not known here
	Context string // the limit of its context, as [fn.limit] writes it
}

// statement is a text that is SQL.
type statement struct {
	Method code.MethodID
	Text   string
	Pos    code.Pos
	Tx     string
	InLoop bool
	Sure   bool // by where it stands; otherwise only if it looks like SQL
}

// row is an access through an object mapper.
type row struct {
	Method code.MethodID
	Type   code.TypeID // entity; "" with Table
	Table  string      // text
	Mode   string
	Joins  []string // names of fields whose rows are read along
	Pos    code.Pos
	Tx     string
}

// entity is a type that an object mapper may keep.
type entity struct {
	Type   code.TypeID
	Table  string // "": by custom
	Fields []entityField
	Pos    code.Pos
}

type entityField struct {
	Name, Column, Key string      // Key: field of the foreign key, "" when not said
	To                code.TypeID // of an association
	Many              bool
}

// methodSet is what a type can do, for calls through interfaces.
type methodSet struct {
	Type    code.TypeID
	Methods map[string]code.MethodID // name and signature -> where it is declared
}

// grpcService is a service of generated code.
type grpcService struct {
	Go, Full string
	Methods  []string
}

// clientStart begins the text of an HTTP client: its limit in nanoseconds, or ?
// behind it. A request's text is its address and its client's.
const clientStart = "\x04"

// Marks in texts.
const (
	markStart = "\x02"
	markEnd   = "\x03"
)

func markParam(m code.MethodID, i int) string {
	return markStart + "p" + strconv.Itoa(i) + "|" + string(m) + markEnd
}
func markVar(id string) string      { return markStart + "v" + id + markEnd }
func markResult(site string) string { return markStart + "r" + site + markEnd }

// nextMark finds the first mark in a text.
func nextMark(s string) (before string, kind byte, body, after string, ok bool) {
	i := strings.Index(s, markStart)
	if i < 0 {
		return s, 0, "", "", false
	}
	j := strings.Index(s[i:], markEnd)
	if j < 3 {
		return s[:i], 0, "", "", false
	}
	return s[:i], s[i+1], s[i+2 : i+j], s[i+j+1:], true
}

// blank reports whether a text says nothing.
func blank(s string) bool { return strings.Trim(s, sql.Hole) == "" }
