// Package saga runs transactions that span services: a declared sequence of
// steps, each with the action that does it and the compensation that takes it
// back, driven over a journal so that neither a crash nor an outage loses one.
//
//	reserve := &saga.Step[Order, Reservation]{Name: "reserve", Do: stock.Reserve, Undo: stock.Release}
//	charge  := &saga.Step[Order, Payment]{Name: "charge", Do: bank.Charge, Pivot: true}
//	ship    := &saga.Step[Order, saga.None]{Name: "ship", Do: depot.Ship}
//	place, err := saga.New[Order]("place-order", 1, nil, reserve, charge, ship)
//	…
//	err = place.Run(ctx, orchestrator, "order-42", Order{…}) // nil, or a *saga.Error
//
// What holds:
//
//   - An action is called only after the intent to call it is on the disk; the
//     intent rides in the record of the previous result, so a saga of three
//     steps waits for four commits, which it shares with all sagas under way.
//   - After a crash a saga goes on where its journal ends: the step under way is
//     called again, with the same saga id and step as its idempotency key.
//   - Before the pivot a failure compensates what was done, in reverse, each
//     compensation retried until it succeeds. After the pivot nothing is taken
//     back: steps are retried until they succeed.
//   - A step whose outcome is unknown (it timed out) is compensated too; package
//     saga/barrier makes that safe in the participant's own transaction.
//   - A saga ends on the definition and version it began with.
//
// The life of a saga:
//
//	stateDiagram-v2
//	  [*] --> running: started
//	  running --> running: step done, next intent
//	  running --> completed: last step done
//	  running --> compensating: failed before the pivot
//	  compensating --> compensating: step undone, next intent
//	  compensating --> compensated: all undone
//	  completed --> [*]
//	  compensated --> [*]
//
// A running or compensating saga whose step failed Options.StuckAfter times in a
// row is shown as stuck; it is still retried, and an operator may retry it now,
// skip the step or force an end: see [Orchestrator] and [Orchestrator.Section].
//
// # Who drives a saga
//
// Every saga of the journal that has not ended has one owner, or is taken up
// within one sweep (a third of Options.LeaseTTL) after its owner's lease ended,
// whether the owner closed, was killed or lost touch with the journal. The
// argument, for whoever changes this code:
//
//   - The journal names the owner: the node of the saga's last started or adopted
//     record. Every record is appended at the version that its writer has seen,
//     so of two who would own or drive it, one gets a conflict. It reads again,
//     and lets go if the saga is another's.
//   - A process has the lease of its node's name before its first record, and
//     gives it back after its last: Close waits for every claim (claim.go), keeps
//     the lease meanwhile however long that takes, and then releases it. A killed
//     process's lease expires, or is known at once to be void (process.go).
//   - Within a process a claim is had by one goroutine at a time, and it is had
//     before the records are read. So nobody drives from a state that somebody
//     else has moved on from.
//   - A sweep comes three times a lease in every open process, whatever happened
//     before. It reads all records up to the head and then the leases. What it
//     finds open is either of a node whose lease holds, and then left to it; or
//     claimed here; or taken up now. The last covers its own name as well: a start
//     whose commit had no answer, a saga that this process had to let go of.
//   - A node that dies after a sweep has read is found by the next, since it reads
//     on from there and no open saga leaves its list. A sweep that fails, or fails
//     for one saga, is made again, and does not keep the other sagas waiting.
//   - What cannot be driven here, of an unknown version say, is not adopted. It is
//     shown as stuck, and stays free for a process that can.
//
// An owner that loses touch may still be inside a call when another takes over;
// no lease can call that back. It begins no further call (lease.go), and the
// participant sees the same saga id and step twice, which package saga/barrier
// makes one effect.
package saga

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// State of a saga.
type State string

// States. Stuck is how a running or compensating saga is shown that fails on.
const (
	Running      State = "running"
	Compensating State = "compensating"
	Stuck        State = "stuck"
	Completed    State = "completed"
	Compensated  State = "compensated"
)

// Ended reports whether nothing more will happen to the saga.
func (s State) Ended() bool { return s == Completed || s == Compensated }

// Direction of a call: the action or its compensation.
type Direction string

// Directions.
const (
	Do   Direction = "do"
	Undo Direction = "undo"
)

// None is the result of a step that has none.
type None struct{}

const (
	maxName = 100 // bytes of the name of a saga or step
	maxID   = 200 // bytes of a saga's id
	prefix  = "saga/"
)

func checkName(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%s has no name", what)
	case len(s) > maxName:
		return fmt.Errorf("%s %q…: its name has %d bytes, at most %d", what, s[:20], len(s), maxName)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '/' || r == '\\' }):
		return fmt.Errorf("%s %q: its name has control characters, quotes or slashes", what, s)
	}
	return nil
}

func checkID(id string) error {
	switch {
	case id == "":
		return &InvalidError{ID: id, Reason: "no id; give each saga one of its own, such as the order's: it is the idempotency key of every call"}
	case len(id) > maxID:
		return &InvalidError{ID: id[:20] + "…", Reason: fmt.Sprintf("its id has %d bytes, at most %d", len(id), maxID)}
	case !utf8.ValidString(id) || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' }):
		return &InvalidError{ID: id, Reason: "its id is not UTF-8 without control characters"}
	}
	return nil
}
