package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// Sender publishes a command on a bus and returns when the bus has it durably.
// It is all that this package needs of one; package bus has more.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Message is a command to a participant. The participant answers every command
// with one Reply, a repeated one with the same; see package saga/barrier.
type Message struct {
	Topic     string
	Key       string // the saga id: commands of one saga keep their order
	Saga      string // the idempotency key, together with Step and Direction
	Step      string
	Direction Direction
	Type      string // of the command
	Body      json.RawMessage
}

// Reply is a participant's answer to a command, as it comes from the bus.
type Reply struct {
	Saga      string          `json:"saga"`
	Step      string          `json:"step"`
	Direction Direction       `json:"direction"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     string          `json:"error,omitempty"`
	Refused   bool            `json:"refused,omitempty"` // Error is a definite no
}

// Command is how a step is done by commands over a bus; see [ByCommand].
type Command[In any] struct {
	Topic string
	Do    string                         // the command's type
	Undo  string                         // its compensation's; "": none
	Body  func(c *Call[In]) (any, error) // of both; nil: the saga's input
}

// ask sends one command and waits for its reply.
func (c Command[In]) ask(ctx context.Context, o *Orchestrator, s Sender, call *Call[In], typ string) (json.RawMessage, error) {
	var body any = call.Input
	var err error
	if c.Body != nil {
		if body, err = c.Body(call); err != nil {
			return nil, Refuse(fmt.Errorf("building command %s: %w", typ, err))
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, Refuse(fmt.Errorf("building command %s: %w", typ, err))
	}
	k := replyKey{call.ID, call.Step, call.Direction}
	ch := o.inbox.expect(k)
	defer o.inbox.cancel(k, ch)
	if err := s.Send(ctx, Message{Topic: c.Topic, Key: call.ID, Saga: call.ID, Step: call.Step, Direction: call.Direction, Type: typ, Body: raw}); err != nil {
		return nil, fmt.Errorf("sending command %s: %w", typ, err)
	}
	select {
	case r := <-ch:
		switch {
		case r.Error != "" && r.Refused:
			return nil, Refuse(errors.New(r.Error))
		case r.Error != "":
			return nil, errors.New(r.Error)
		}
		return r.Result, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ByCommand makes a step that is done by commands over a bus: Do and Undo
// publish one and wait for its reply, which the application hands to
// [Orchestrator.Deliver]. A lost reply costs a Timeout and a repetition of the
// command. Fields of the step other than Do and Undo are up to the caller.
func ByCommand[In, Out any](name string, s Sender, c Command[In]) *Step[In, Out] {
	st := &Step[In, Out]{Name: name}
	st.Do = func(ctx context.Context, call *Call[In]) (out Out, err error) {
		raw, err := c.ask(ctx, call.run.o, s, call, c.Do)
		if err == nil && len(raw) > 0 {
			if err = json.Unmarshal(raw, &out); err != nil {
				err = fmt.Errorf("reply to %s does not fit its type: %w", c.Do, err)
			}
		}
		return out, err
	}
	if c.Undo != "" {
		st.Undo = func(ctx context.Context, call *Call[In], _ Out) error {
			_, err := c.ask(ctx, call.run.o, s, call, c.Undo)
			return err
		}
	}
	return st
}

type replyKey struct {
	saga, step string
	dir        Direction
}

// inbox is the replies that steps wait for.
type inbox struct {
	mu sync.Mutex
	m  map[replyKey]chan Reply
}

func (b *inbox) expect(k replyKey) chan Reply {
	ch := make(chan Reply, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[replyKey]chan Reply{}
	}
	b.m[k] = ch
	return ch
}

func (b *inbox) cancel(k replyKey, ch chan Reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m[k] == ch {
		delete(b.m, k)
	}
}

// Deliver hands a participant's reply to the step that waits for it. It reports
// whether one did: a late or repeated reply is dropped, and may be acknowledged
// to the bus all the same. Replies must reach the process that drives the saga:
// let each process have a reply topic of its own, or every one read them all.
func (o *Orchestrator) Deliver(r Reply) bool {
	o.inbox.mu.Lock()
	defer o.inbox.mu.Unlock()
	k := replyKey{r.Saga, r.Step, r.Direction}
	ch, ok := o.inbox.m[k]
	if ok {
		delete(o.inbox.m, k)
		ch <- r // its buffer holds the one reply
	}
	return ok
}
