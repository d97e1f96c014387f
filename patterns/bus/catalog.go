package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// EventType describes the events of one type: where they are published and what
// their data looks like, version by version.
type EventType struct {
	Name        string // "shop.order.placed"
	Topic       string
	Description string // for people, in the AsyncAPI document
	Version     int    // the current one, from 1
	ContentType string // "": application/json
	// Schema is the JSON Schema (draft 2020-12) of the current version's data.
	// nil: not checked; Define infers it from the Go type when the codec is JSON.
	Schema json.RawMessage
	// Earlier versions that consumers may still meet.
	Earlier []EarlierVersion
	// Unversioned is the version of received events that name none; 0: the current one.
	Unversioned int
}

// EarlierVersion is a version that is not written any more.
type EarlierVersion struct {
	Version int
	Schema  json.RawMessage // nil: not checked
	// Up turns data of this version into the next one's.
	Up func(data []byte) ([]byte, error)
}

// SchemaError refuses the publish of an event that breaks its schema.
type SchemaError struct {
	Type    string
	Version int
	Err     error
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("bus: data of %s version %d breaks its schema: %v", e.Type, e.Version, e.Err)
}

func (e *SchemaError) Unwrap() error { return e.Err }

// VersionError says that nobody told what this version of a type looks like, or
// how to turn it into the current one.
type VersionError struct {
	Type         string
	Version, Now int
	Err          error
}

func (e *VersionError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("bus: %s version %d cannot be turned into version %d: %v", e.Type, e.Version, e.Now, e.Err)
	}
	return fmt.Sprintf("bus: %s version %d is unknown; this program knows up to version %d: update it before its producers, or declare the version in EventType.Earlier", e.Type, e.Version, e.Now)
}

func (e *VersionError) Unwrap() error { return e.Err }

// UnknownTypeError says that a topic carries a type that nobody expects there.
type UnknownTypeError struct {
	Topic, Type string
	Known       []string
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("bus: topic %q: event type %q is none of %s; declare it, or pass it over with bus.Ignore", e.Topic, e.Type, strings.Join(e.Known, ", "))
}

// Catalog knows the event types of a program, or of a system. Its methods may be
// called concurrently.
type Catalog struct {
	mu     sync.RWMutex
	types  map[string]*entry            // by name
	topics map[string]map[string]*entry // by topic, then name
}

type entry struct {
	EventType
	schemas map[int]*jsonschema.Resolved
	ups     map[int]func([]byte) ([]byte, error)
}

// NewCatalog returns a catalog of the types; all faults are joined.
func NewCatalog(types ...EventType) (*Catalog, error) {
	c := &Catalog{types: map[string]*entry{}, topics: map[string]map[string]*entry{}}
	errs := make([]error, 0, len(types))
	for _, t := range types {
		errs = append(errs, c.Add(t))
	}
	return c, errors.Join(errs...)
}

// Add declares one more type.
func (c *Catalog) Add(t EventType) error {
	e, err := compile(t)
	if err != nil {
		return fmt.Errorf("bus: event type %q: %w", t.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.types[t.Name] != nil {
		return fmt.Errorf("bus: event type %q is declared twice", t.Name)
	}
	c.types[t.Name] = e
	if c.topics[t.Topic] == nil {
		c.topics[t.Topic] = map[string]*entry{}
	}
	c.topics[t.Topic][t.Name] = e
	return nil
}

func compile(t EventType) (*entry, error) {
	e := &entry{EventType: t, schemas: map[int]*jsonschema.Resolved{}, ups: map[int]func([]byte) ([]byte, error){}}
	var errs []error
	if t.Name == "" || t.Topic == "" || t.Version < 1 {
		errs = append(errs, errors.New("Name, Topic and a Version from 1 are required"))
	}
	if e.ContentType == "" {
		e.ContentType = jsonType
	}
	add := func(version int, schema json.RawMessage) {
		if schema == nil {
			return
		}
		r, err := resolve(schema)
		if err != nil {
			errs = append(errs, fmt.Errorf("schema of version %d: %w", version, err))
			return
		}
		e.schemas[version] = r
	}
	add(t.Version, t.Schema)
	for _, old := range t.Earlier {
		switch {
		case old.Version < 1 || old.Version >= t.Version:
			errs = append(errs, fmt.Errorf("earlier version %d: must lie between 1 and %d", old.Version, t.Version-1))
		case old.Up == nil:
			errs = append(errs, fmt.Errorf("earlier version %d: needs Up", old.Version))
		case e.ups[old.Version] != nil:
			errs = append(errs, fmt.Errorf("earlier version %d is declared twice", old.Version))
		}
		e.ups[old.Version] = old.Up
		add(old.Version, old.Schema)
	}
	for v := range e.ups {
		if v+1 < t.Version && e.ups[v+1] == nil {
			errs = append(errs, fmt.Errorf("version %d leads to version %d, which is not declared", v, v+1))
		}
	}
	return e, errors.Join(errs...)
}

func resolve(schema json.RawMessage) (*jsonschema.Resolved, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, err
	}
	return s.Resolve(nil)
}

// check is asked before an event is published. It fills in the version and the
// content type of declared types.
func (c *Catalog) check(e *Event) error {
	c.mu.RLock()
	types := c.topics[e.Topic]
	t := types[e.Type]
	c.mu.RUnlock()
	if types == nil {
		return nil // nothing is declared about this topic
	}
	if t == nil {
		return &UnknownTypeError{Topic: e.Topic, Type: e.Type, Known: names(types)}
	}
	if e.Version == 0 {
		e.Version = t.Version
	}
	if e.ContentType == "" {
		e.ContentType = t.ContentType
	}
	if e.Version != t.Version && t.ups[e.Version] == nil {
		return &VersionError{Type: e.Type, Version: e.Version, Now: t.Version}
	}
	if err := validate(t.schemas[e.Version], e.Data); err != nil {
		return &SchemaError{Type: e.Type, Version: e.Version, Err: err}
	}
	return nil
}

func validate(s *jsonschema.Resolved, data []byte) error {
	if s == nil {
		return nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&v); err != nil {
		return err
	}
	return s.Validate(v)
}

// upcast turns a received event into the current version of its type.
func (t *entry) upcast(e *Event) error {
	if e.Version == 0 {
		e.Version = t.Unversioned
	}
	if e.Version == 0 || e.Version == t.Version {
		e.Version = t.Version
		return nil
	}
	from := e.Version
	for e.Version != t.Version {
		up := t.ups[e.Version]
		if up == nil {
			return &VersionError{Type: e.Type, Version: from, Now: t.Version}
		}
		data, err := up(e.Data)
		if err != nil {
			return &VersionError{Type: e.Type, Version: from, Now: t.Version, Err: err}
		}
		e.Data = data
		e.Version++
	}
	return nil
}

func names(types map[string]*entry) []string {
	out := make([]string, 0, len(types))
	for n := range types {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
