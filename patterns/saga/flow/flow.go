// Package flow makes a choreography visible: services that react to each
// other's events with nobody in charge, declared in one place, so that the
// progress of each instance can be seen and its standstill be noticed.
//
// A [Flow] declares who reacts to what with what, and how fast. A [Tracker] is
// told of the events as they pass on the bus, notes them in the journal, and
// shows for each instance what happened, who is due, and who is late. It steers
// nothing: taking it away changes no service.
//
//	flowchart LR
//	  OrderPlaced --> stock --> StockReserved --> bank --> Paid --> depot --> Shipped
//	  bank --> PaymentRefused --> stock --> StockReleased
package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reaction is one service's part: on an event it emits one of some others.
type Reaction struct {
	Service string
	On      string        // type of the event it reacts to
	Emits   []string      // types of which one must follow
	Within  time.Duration // after On; 0: no limit
}

// Flow is a declared choreography.
type Flow struct {
	Name      string
	Start     string // type of the event that begins an instance
	Reactions []Reaction
	Done      []string // types that end an instance well
	Undone    []string // types that end it with everything taken back
}

// FlowError lists all faults of a declaration.
type FlowError struct {
	Flow   string
	Faults []error
}

func (e *FlowError) Error() string {
	return fmt.Sprintf("flow %s: %v", e.Flow, errors.Join(e.Faults...))
}

func (e *FlowError) Unwrap() []error { return e.Faults }

// Validate checks that every path from Start leads to an end: an event that
// nobody reacts to and that ends nothing is where an instance would stop
// silently. It returns a *FlowError with all faults.
func (f *Flow) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if f.Name == "" || strings.ContainsAny(f.Name, "/\"") {
		fault("name %q; want one without slashes and quotes", f.Name)
	}
	if f.Start == "" {
		fault("no Start; name the event that begins an instance")
	}
	if len(f.Done) == 0 {
		fault("no Done; name the events that end an instance well")
	}
	ends := append(slices.Clone(f.Done), f.Undone...)
	seen := map[string]bool{f.Start: true}
	for queue := []string{f.Start}; len(queue) > 0; queue = queue[1:] {
		on := f.reactions(queue[0])
		if len(on) == 0 && !slices.Contains(ends, queue[0]) && queue[0] != "" {
			fault("nobody reacts to %s and it ends nothing; an instance would stop there", queue[0])
		}
		for _, r := range on {
			for _, e := range r.Emits {
				if !seen[e] {
					seen[e] = true
					queue = append(queue, e)
				}
			}
		}
	}
	for _, r := range f.Reactions {
		switch {
		case r.Service == "" || r.On == "" || len(r.Emits) == 0:
			fault("reaction %+v lacks the service, the event or what it emits", r)
		case !seen[r.On]:
			fault("%s reacts to %s, which nothing leads to", r.Service, r.On)
		case r.Within < 0:
			fault("%s reacts to %s within %s; want 0 (no limit) or more", r.Service, r.On, r.Within)
		}
	}
	for _, e := range ends {
		if !seen[e] {
			fault("the end %s is never reached", e)
		}
	}
	if len(faults) > 0 {
		return &FlowError{Flow: f.Name, Faults: faults}
	}
	return nil
}

func (f *Flow) reactions(on string) (out []Reaction) {
	for _, r := range f.Reactions {
		if r.On == on {
			out = append(out, r)
		}
	}
	return out
}

// Mermaid draws the flow: services as boxes, events on the arrows.
func (f *Flow) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	id := map[string]string{}
	node := func(service, shape string) string {
		if id[service] == "" {
			id[service] = fmt.Sprintf("n%d", len(id))
			fmt.Fprintf(&b, "  %s"+shape+"\n", id[service], quote(service))
		}
		return id[service]
	}
	node("start", "((%s))")
	for _, r := range f.Reactions {
		node(r.Service, "[%s]")
	}
	arrow := func(from, event string) {
		for _, r := range f.reactions(event) {
			fmt.Fprintf(&b, "  %s -->|%s| %s\n", id[from], quote(event), id[r.Service])
		}
		if slices.Contains(f.Done, event) {
			fmt.Fprintf(&b, "  %s -->|%s| %s\n", id[from], quote(event), node("done", "((%s))"))
		}
		if slices.Contains(f.Undone, event) {
			fmt.Fprintf(&b, "  %s -->|%s| %s\n", id[from], quote(event), node("undone", "((%s))"))
		}
	}
	arrow("start", f.Start)
	for _, r := range f.Reactions {
		for _, e := range r.Emits {
			arrow(r.Service, e)
		}
	}
	return b.String()
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s) + `"`
}
