// Package archfile reads and writes ashlar.yaml, the file in which people say
// what their system is.
//
//	ashlar: 1
//	system: shop
//	services:
//	  order:
//	    owner: sales
//	    replicas: 2
//	    operations:
//	      Place:
//	        trigger: POST /v1/orders
//	        work: 4ms
//	        do:
//	          - [ call: inventory.Check, read: orders.customer ]
//	          - { write: orders.order, tx: t1 }
//	          - { publish: order-events, tx: t1 }
//
// Reading is strict: [Parse] reports every fault of the file in one run, each
// with its place, the line and a caret, and the nearest known name. What is read
// carries a ledger: every fact is a claim of a hand at the exact place that says
// it.
//
// [Write] changes an existing file by the bytes that the change means: comments,
// order and blank lines stay. Without a file it writes one that a person would
// keep.
//
// # Grammar
//
// One table (grammar.go) names every key with its place in the structs of package
// arch, its form and its meaning. The reader, the writer and the JSON Schema
// ([Schema]) are three walks over that table.
//
// A service's `replicas`, `cpu` and the like hold for every environment; under
// `environments:` they hold for one. Steps under `do:` happen one after the
// other, a list inside the list at the same time. The keys of limits (`timeout:`,
// `retries:` ...) on a call are those of the caller's own code; `layer:` names
// another layer, `layers:` says several. References are short, order.Place or
// orders.customer, and are resolved by their place; kind/name, such as
// external/bank, is always right. A table that a step reads or writes exists by
// that mention, unless the store lists its tables.
package archfile

import (
	"slices"
	"strings"
	"time"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/formats/doc"
)

//go:generate go test -run TestSchemaIsCurrent -update

// Name is the usual name of the file, and the name of this witness in the ledger.
const Name = "ashlar.yaml"

// File is all that an ashlar.yaml says.
type File struct {
	System arch.System
	Review Review
	Split  Split
}

// Review is the section for `ashlar review`: which rules count how much, and
// which findings are accepted.
type Review struct {
	Rules    map[string]Rule // by rule ID
	Suppress []Suppression
	Baseline string // file with findings that are accepted as they are; "" for none
}

// Rule changes a rule.
type Rule struct {
	Severity   string         // off, info, low, medium, high, critical; warning is medium, error is high; "" keeps the rule's own
	Parameters map[string]any // text, whole and decimal numbers, true/false, lists and maps of them, as written
}

// Suppression accepts the findings of a rule, with a reason.
type Suppression struct {
	Rule   string
	Of     arch.Ref  // "": everywhere; may name what other sources describe, so the review says when it fits nothing
	Reason string    // never empty
	Until  time.Time // a date in UTC after which it no longer holds; zero: for good
	At     arch.Source
}

// Error holds every fault of a file, in the order of the file.
type Error struct{ Faults []*doc.Fault }

// Error is one line for each fault.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Frames shows each fault with its line and a caret below the place. What looks
// like a secret is masked.
func (e *Error) Frames() string {
	frames := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		frames[i] = f.Frame()
	}
	return strings.Join(frames, "\n\n")
}

// Unwrap gives each *doc.Fault to errors.As.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

// Read is [Parse] for those who want the System only.
func Read(path string, src []byte) (arch.System, error) {
	f, err := Parse(path, src)
	return f.System, err
}

// Parse reads an ashlar.yaml, in YAML or JSON; path is what faults and the ledger
// call it. The error is an [*Error] with all faults of the file: of syntax, of
// form, and of meaning (references to what is not there, a peak below the rate).
// What could be read is returned also then.
func Parse(path string, src []byte) (File, error) {
	file, faults := parse(path, src, nil)
	if len(faults) == 0 {
		return file, nil
	}
	slices.SortStableFunc(faults, func(a, b *doc.Fault) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return file, &Error{faults}
}
