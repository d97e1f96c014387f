// Package contracts discovers interface descriptions: OpenAPI 2 and 3, AsyncAPI
// 2 and 3, Protocol Buffers, GraphQL schemas, Avro, JSON Schema, and the pacts of
// consumers. What they say becomes the operations of the service that owns them,
// the topics and events that it sends and receives, and contracts with their
// version.
//
// # Whose contract it is
//
// The first of these that leads to exactly one known service: a host among the
// contract's servers that the cluster knows; the name of a proto service; the
// folder that a service is built from, or the nearest folder that is called like a
// service; the contract's own title or package. Where none does the contract
// stays without an owner, and its operations are in the contract alone.
//
// An operation of a contract and one that was seen in routes, code or traces are
// one where method and path agree (parameters by place, with or without the base
// path), or the full gRPC method.
package contracts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/asyncapi"
	"github.com/ashlar-dev/ashlar/formats/avro"
	"github.com/ashlar-dev/ashlar/formats/contract"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/graphql"
	"github.com/ashlar-dev/ashlar/formats/jsonschema"
	"github.com/ashlar-dev/ashlar/formats/openapi"
	"github.com/ashlar-dev/ashlar/formats/protobuf"
)

// Name of the source, as it stands in the ledger.
const Name = "contracts"

// maxBytes bounds one file.
const maxBytes = 16 << 20

// Source reads contracts.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.FromContract }

// foreign: copies of other people's contracts, and test data.
var foreign = regexp.MustCompile(`(^|/)(vendor|third[_-]party|googleapis|testdata|fixtures?|__tests__|__fixtures__|dist|build/generated|target)/`)

// settings are JSON Schemas of configuration files, not of what services say to
// each other.
var settings = regexp.MustCompile(`(^|/)(values\.schema|config\.schema|tsconfig[^/]*|package|package-lock|composer|.*\.config)\.json$`)

// Match goes by the file's name, and by a word at the head of YAML and JSON.
func (*Source) Match(h discover.Head) bool {
	if foreign.MatchString(h.Path) {
		return false
	}
	switch h.Ext {
	case ".proto", ".avsc", ".graphql", ".graphqls", ".gql":
		return true
	}
	if !h.YAML() || settings.MatchString(h.Path) {
		return false
	}
	return h.Has("openapi", "swagger", "asyncapi") || h.Has("json-schema.org/") || h.Ext == ".json" && h.Has(`"consumer"`) && (h.Has(`"provider"`) || strings.Contains(h.Path, "pact"))
}

// Pact is what a consumer relies on, held by a test.
type Pact struct{ Consumer, Provider string }

// Read puts out each contract of the file.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	switch in.Ext {
	case ".proto":
		src, err := in.Bytes(maxBytes)
		if err != nil {
			return err
		}
		f, err := protobuf.Parse(in.Path, src)
		if err != nil {
			return err
		}
		out.Document(discover.Document{Kind: "proto file", Name: in.Path, Value: f, Faults: f.Faults})
		return nil
	case ".graphql", ".graphqls", ".gql":
		src, err := in.Bytes(maxBytes)
		if err != nil {
			return err
		}
		c, err := graphql.Read(in.Path, src)
		if errors.Is(err, graphql.ErrNone) || err != nil && client(src) {
			return nil // what a client asks
		}
		if err != nil {
			return err
		}
		out.Document(discover.Document{Kind: "graphql", Name: c.Name, Value: c})
		return nil
	}
	f, err := in.Docs()
	if err != nil {
		return err
	}
	load := loader(in)
	for _, d := range f.Docs {
		read(d, in, load, out)
	}
	return nil
}

// client: a document of queries and fragments.
var clientWord = regexp.MustCompile(`(?m)^\s*(query|mutation|subscription|fragment)\s+\w+[^:]*\{`)

func client(src []byte) bool { return clientWord.Match(src) }

func read(d *doc.Document, in *discover.Input, load jsonschema.Loader, out discover.Sink) {
	var c *contract.Contract
	var faults []*doc.Fault
	switch {
	case openapi.Is(d.Root):
		c, faults = openapi.Read(d, load)
	case asyncapi.Is(d.Root):
		c, faults = asyncapi.Read(d, load)
	case in.Ext == ".avsc" && avro.Is(d.Root):
		c, faults = avro.Read(d)
	case jsonschema.Is(d.Root):
		c, faults = jsonschema.Read(d, load)
	case d.Root.Str("consumer", "name") != "" && d.Root.Str("provider", "name") != "" && (d.Root.Get("interactions") != nil || d.Root.Get("messages") != nil):
		out.Document(discover.Document{Doc: d, Node: d.Root, Kind: "pact", Name: in.Path, Value: &Pact{d.Root.Str("consumer", "name"), d.Root.Str("provider", "name")}})
		return
	default:
		return
	}
	out.Document(discover.Document{Doc: d, Node: d.Root, Kind: strings.TrimSpace(c.Kind + " " + c.Format), Name: c.Name, Value: c, Faults: faults})
}

// loader reads files beside the input, below the folder that was named and
// nowhere else.
func loader(in *discover.Input) jsonschema.Loader {
	if in.Root == nil {
		return func(string) (*doc.Document, error) {
			return nil, errors.New("it was given alone; name its folder")
		}
	}
	root := strings.TrimSuffix(in.Path, in.Rel)
	return func(file string) (*doc.Document, error) {
		rel, ok := strings.CutPrefix(path.Clean(file), root)
		if root == "./" || root == "" {
			rel, ok = path.Clean(file), true
		}
		if !ok || !fs.ValidPath(rel) {
			return nil, errors.New("it lies outside of the folder that was named")
		}
		f, err := in.Root.Open(rel)
		if err != nil {
			return nil, errors.New("there is no such file")
		}
		defer func() { _ = f.Close() }()
		b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
		if err != nil || len(b) > maxBytes {
			return nil, fmt.Errorf("it cannot be read whole: %w", err)
		}
		parsed := doc.Read(file, b, nil)
		if len(parsed.Docs) == 0 {
			return nil, errors.New("it holds nothing")
		}
		return parsed.Docs[0], nil
	}
}

// Of lists the contracts among documents, those of proto files included, in the
// order of their files.
func Of(docs []discover.Document) []discover.Typed[*contract.Contract] {
	list := discover.Of[*contract.Contract](docs)
	slices.SortStableFunc(list, func(a, b discover.Typed[*contract.Contract]) int { return strings.Compare(a.V.File, b.V.File) })
	return list
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
