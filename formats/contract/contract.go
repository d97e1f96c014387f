// Package contract is what interface descriptions have in common, whatever
// language they are written in: operations with what goes in and out, channels
// with their events, the shapes of values, each with its place. The readers of
// OpenAPI, AsyncAPI, proto, GraphQL, Avro and JSON Schema put out a [Contract];
// [Compare] says what a newer one breaks for those who rely on the older.
package contract

import (
	"strings"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Languages of contracts.
const (
	OpenAPI    = "openapi"
	AsyncAPI   = "asyncapi"
	Proto      = "proto"
	GraphQL    = "graphql"
	Avro       = "avro"
	JSONSchema = "jsonschema"
)

// Contract is one interface description.
type Contract struct {
	Kind       string // one of the languages
	Format     string // version of the language: "3.1.0", "proto3"
	Name       string // what it calls itself: a title, a package with a service, a full type name
	Version    string // that it gives itself; "" for none
	File       string // as people should see it
	Pos        doc.Pos
	Servers    []Server
	Operations []Operation
	Events     []Event
	Types      []*Shape // that stand for themselves: records, messages, schemas
}

// Server is where the contract says that the interface is offered.
type Server struct {
	URL, Protocol string
	Pos           doc.Pos
}

// Operation is something that can be asked for.
type Operation struct {
	// Key stays the same from revision to revision: "GET /orders/{}",
	// "shop.v1.Orders/Place", "query orders".
	Key     string
	Name    string // "placeOrder", "Place"; may be ""
	Service string // of proto: "shop.v1.Orders"
	Trigger string // "POST /v1/orders", "grpc shop.v1.Orders/Place"
	// Base is the path before that of Trigger, as the servers give it: "/api/v2".
	Base       string
	Pointer    string // JSON pointer into the file; "" where it has none
	Parts      []Part
	Deprecated bool
	Stream     string // "", "in", "out", "both"
	Pos        doc.Pos
}

// Part is one thing that goes into an operation or comes out of it.
type Part struct {
	Name     string // "query limit", "body application/json", "answer 200 application/json"
	Out      bool
	Required bool
	Shape    *Shape // nil: nothing known
	Pos      doc.Pos
}

// Event is a message on a channel.
type Event struct {
	Name     string
	Channel  string // address of the topic, queue or subject
	Protocol string
	Sends    bool // the owner of the contract publishes it
	Receives bool // the owner subscribes to it
	// Version by which a reader tells shapes apart, and where it shows: "2", "the
	// field schemaVersion"; "" when there is none.
	Version    string
	Partitions int // 0: not said
	Headers    *Shape
	Payload    *Shape
	Pos        doc.Pos
	ChannelPos doc.Pos // where the channel stands; zero: nowhere of its own
}

// HTTPKey is the key of an HTTP operation: parameters of the path have no name.
func HTTPKey(method, path string) string {
	return strings.ToUpper(method) + " " + Template(path)
}

// Template is a path whose parameters ({id}, :id, <id>, {id:[0-9]+}) have no
// name, without an end slash.
func Template(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") || strings.HasPrefix(p, "<") && strings.HasSuffix(p, ">") {
			parts[i] = "{}"
			continue
		}
		var b strings.Builder
		depth := 0
		for _, r := range p {
			switch {
			case r == '{':
				if depth == 0 {
					b.WriteString("{}")
				}
				depth++
			case r == '}':
				depth = max(0, depth-1)
			case depth == 0:
				b.WriteRune(r)
			}
		}
		parts[i] = b.String()
	}
	s := strings.Join(parts, "/")
	if len(s) > 1 {
		s = strings.TrimSuffix(s, "/")
	}
	return s
}
