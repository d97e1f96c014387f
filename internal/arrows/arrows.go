// Package arrows guards which room of the house may import which: one rule for
// every arrow of the design. It reads import clauses only, so it needs no build.
package arrows

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path of the repository's root.
const Module = "github.com/ashlar-dev/ashlar"

// Rule says what a room may import of this repository, and of the rest of the
// world when Outside is set.
type Rule struct {
	Room    string   // folder; the longest one that fits a package counts
	May     []string // folders, with all below them; its own is always allowed
	Outside []string // if not nil: the only third-party modules allowed
	Apart   bool     // the folders of the room do not know each other
	Why     string
}

// None is an Outside that allows the standard library only.
var None = []string{}

// Rules are all arrows, from the top of the house to its ground.
var Rules = []Rule{
	{Room: "cmd", May: []string{"internal/cli"}, Outside: None, Why: "main parses nothing and decides nothing"},
	{Room: "internal/cli", May: []string{"internal/treesitter", "console", "run", "design", "edge", "patterns", "formats", "arch"}, Why: "verbs stand on everything below"},
	{Room: "internal", May: []string{}, Why: "tools of the repository know nothing of the product"},
	{Room: "internal/treesitter", May: []string{"formats/syntax"}, Why: "parsing starts processes, which no room of the product may, and knows nothing but trees"},
	{Room: "console", May: []string{"run", "design", "edge", "patterns", "formats", "arch"}, Why: "pages call the verbs' own functions"},
	{Room: "run", May: []string{"edge", "design", "patterns", "formats", "arch"}, Why: "running a system needs its design, not the console"},
	{Room: "design", May: []string{"design", "formats", "arch", "patterns/policy"}, Why: "verbs are pure functions of the model; of the patterns they may run the policies only, as the simulator does"},
	{Room: "design/discover/sources", May: []string{"design/discover", "formats", "arch"}, Why: "the catalogue knows the sources, nobody else does"},
	{Room: "design/discover", May: []string{"formats", "arch"}, Why: "finding out what is there has no opinion of it"},
	{Room: "design/review", May: []string{"design/discover", "formats", "arch"}, Why: "rules judge what was discovered"},
	{Room: "design/review/report", May: []string{"design/review", "design/discover", "design/view", "formats", "arch"}, Why: "reports draw what rules found"},
	{Room: "design/view", May: []string{"arch"}, Why: "pictures are made of the model"},
	{Room: "design/view/export", May: []string{"design/view", "formats", "arch"}, Why: "an export writes a format with the types that read it"},
	{Room: "edge", May: []string{"patterns", "formats"}, Why: "traffic runs on the patterns and reads the formats"},
	{Room: "formats/doc", May: []string{}, Outside: []string{"go.yaml.in/yaml/v4"}, Why: "the ground of the formats"},
	{Room: "formats/contract", May: []string{"formats/doc"}, Outside: None, Why: "what the languages of contracts have in common"},
	{Room: "formats/jsonschema", May: []string{"formats/doc", "formats/contract"}, Outside: None, Why: "the schemas inside OpenAPI and AsyncAPI"},
	{Room: "formats", May: []string{"formats/doc", "formats/contract", "formats/jsonschema"}, Apart: true, Why: "a format knows its own files and no other room"},
	{Room: "arch/archfile", May: []string{"arch", "formats/doc"}, Why: "the file is the model and the document reader"},
	{Room: "arch", May: []string{}, Outside: None, Why: "the model is plain data: standard library only"},

	{Room: "patterns/internal", May: []string{}, Why: "what drivers share, below floor 1"},
	{Room: "patterns/policy", May: []string{}, Outside: None, Why: "pure state machines"},
	{Room: "patterns/journal", May: []string{"patterns/internal"}, Why: "floor 1"},
	{Room: "patterns/balance", May: []string{}, Outside: None, Why: "floor 1"},
	{Room: "patterns/admin", May: []string{}, Outside: None, Why: "floor 1"},
	{Room: "patterns/resilience", May: floor1, Why: "floor 2"},
	{Room: "patterns/bus", May: floor1, Why: "floor 2"},
	{Room: "patterns/registry", May: floor1, Why: "floor 2"},
	{Room: "patterns/telemetry", May: floor1, Why: "floor 2"},
	{Room: "patterns/auth", May: floor1, Why: "floor 2"},
	{Room: "patterns/eventstore", May: floor2, Why: "floor 3"},
	{Room: "patterns/outbox", May: floor2, Why: "floor 3"},
	{Room: "patterns/cdc", May: floor2, Why: "floor 3"},
	{Room: "patterns/saga", May: floor2, Why: "floor 3"},
	{Room: "patterns/cqrs", May: floor2, Why: "floor 3"},
	{Room: "patterns/examples", May: []string{"patterns"}, Why: "examples show how the packages go together"},
	{Room: "patterns", May: []string{}, Outside: None, Why: "a package of the patterns stands on a floor: list it here"},
	{Room: "bench", May: []string{"patterns", "edge", "design", "formats", "arch"}, Why: "side by side with everything"},
	{Room: "examples", May: []string{"patterns", "arch"}, Why: "examples use what users use"},
}

var (
	floor1 = []string{"patterns/internal", "patterns/policy", "patterns/journal", "patterns/balance", "patterns/admin"}
	floor2 = append([]string{"patterns/resilience", "patterns/bus", "patterns/registry", "patterns/telemetry", "patterns/auth"}, floor1...)
)

// Violation is an import that no arrow allows.
type Violation struct {
	File, Import string
	Line         int
	Rule         Rule
}

func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s may not import %s: %s", v.File, v.Line, v.Rule.Room, v.Import, v.Rule.Why)
}

// Check reads all Go files below root and returns what breaks a rule. Tests
// may import more: their own room's parents, and any third-party module.
func Check(root fs.FS) ([]Violation, error) {
	var out []Violation
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == "vendor" || name != "." && strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		vs, err := file(p, src)
		out = append(out, vs...)
		return err
	})
	return out, err
}

func file(p string, src []byte) ([]Violation, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, p, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(p)
	rule, ok := ruleOf(dir)
	if !ok {
		return nil, nil
	}
	var out []Violation
	for _, im := range f.Imports {
		name, err := strconv.Unquote(im.Path.Value)
		if err != nil {
			return nil, err
		}
		if !allowed(rule, dir, name) {
			out = append(out, Violation{p, name, fset.Position(im.Pos()).Line, rule})
		}
	}
	return out, nil
}

// ruleOf finds the rule of the longest room that the folder lies in.
func ruleOf(dir string) (Rule, bool) {
	var best Rule
	for _, r := range Rules {
		if within(dir, r.Room) && len(r.Room) > len(best.Room) {
			best = r
		}
	}
	return best, best.Room != ""
}

func allowed(r Rule, dir, name string) bool {
	if own, ok := strings.CutPrefix(name, Module+"/"); ok {
		if inner, _ := ruleOf(own); inner.Room == r.Room {
			return !r.Apart || part(dir, r.Room) == part(own, r.Room)
		}
		return slices.ContainsFunc(r.May, func(m string) bool { return within(own, m) })
	}
	first, _, _ := strings.Cut(name, "/")
	if !strings.Contains(first, ".") { // the standard library has no dot in its first part
		return true
	}
	return r.Outside == nil || slices.ContainsFunc(r.Outside, func(o string) bool { return within(name, o) })
}

// part is the first folder of p inside a room.
func part(p, room string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, room), "/"), "/")
	return first
}

func within(p, room string) bool { return p == room || strings.HasPrefix(p, room+"/") }

// networked are packages that can open a connection; "net" alone is also used to
// parse addresses and is looked at in review.
var networked = []string{"net/http", "net/rpc", "net/smtp", "google.golang.org/grpc", "os/exec"}

// Network lists files below the rooms, but for those below except, that import
// what can open a connection or start a program.
func Network(root fs.FS, rooms, except []string) ([]string, error) {
	var out []string
	for _, room := range rooms {
		err := fs.WalkDir(root, room, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") || slices.ContainsFunc(except, func(e string) bool { return within(p, e) }) {
				return err
			}
			src, err := fs.ReadFile(root, p)
			if err != nil {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, im := range f.Imports {
				name, _ := strconv.Unquote(im.Path.Value) // the parser has seen that it is a string
				if slices.ContainsFunc(networked, func(n string) bool { return within(name, n) }) {
					out = append(out, p+" imports "+name)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
