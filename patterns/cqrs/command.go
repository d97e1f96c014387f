package cqrs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Command is one thing that a service can be told to do: C says what, R is the
// result. Both travel and are recorded as JSON.
type Command[Tx, C, R any] struct {
	Name string // stays the same: it is part of what a key belongs to
	// Handle does it within tx. It turns the command down with a *Rejection;
	// any other error counts as a failure after which the command may be repeated.
	Handle func(ctx context.Context, tx Tx, command C) (R, error)
}

// Validator is a command that can tell its faults before anything is done.
type Validator interface{ Validate() error }

// Rejection turns a command down for good: it is recorded and repeats get it
// again, while the effects of the handler are undone.
type Rejection struct {
	Status int    `json:"status"` // HTTP, 400 to 499
	Code   string `json:"code"`   // for programs: "sold_out"
	Detail string `json:"detail"` // for people
}

func (r *Rejection) Error() string { return r.Code + ": " + r.Detail }

// Reject returns a Rejection.
func Reject(status int, code, format string, args ...any) error {
	return &Rejection{Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Receipt is the answer to a command.
type Receipt[R any] struct {
	Result   R
	Replayed bool // recorded by an earlier request with the same key
}

// Execute runs the command once for the caller and key. Errors are a
// *Rejection, ErrInFlight, *MismatchError, *KeyError, or what the handler or the
// database failed with.
func (c Command[Tx, C, R]) Execute(ctx context.Context, keys *Keys[Tx], caller, key string, command C) (receipt Receipt[R], err error) {
	body, err := json.Marshal(command)
	if err != nil {
		return receipt, fmt.Errorf("cqrs: command %s: %w", c.Name, err)
	}
	sum := sha256.Sum256(body)
	o, replayed, err := keys.Once(ctx, Request{Scope: c.Name + " " + caller, Key: key, Fingerprint: sum[:]}, func(ctx context.Context, tx Tx) (Outcome, error) {
		return c.outcome(ctx, tx, command)
	})
	if err != nil {
		return receipt, err
	}
	receipt.Replayed = replayed
	if o.Status >= 400 {
		var r Rejection
		if err := json.Unmarshal(o.Body, &r); err != nil {
			return receipt, fmt.Errorf("cqrs: command %s: recorded rejection: %w", c.Name, err)
		}
		return receipt, &r
	}
	if err := json.Unmarshal(o.Body, &receipt.Result); err != nil {
		return receipt, fmt.Errorf("cqrs: command %s: recorded result: %w", c.Name, err)
	}
	return receipt, nil
}

// outcome runs the handler and puts its answer into the form that is recorded.
func (c Command[Tx, C, R]) outcome(ctx context.Context, tx Tx, command C) (Outcome, error) {
	var result R
	var err error
	if v, ok := any(command).(Validator); ok {
		if verr := v.Validate(); verr != nil {
			err = &Rejection{Status: http.StatusBadRequest, Code: "invalid", Detail: verr.Error()}
		}
	}
	if err == nil {
		result, err = c.Handle(ctx, tx, command)
	}
	var rejection *Rejection
	if errors.As(err, &rejection) {
		r := *rejection
		if r.Status < 400 || r.Status > 499 {
			r.Status = http.StatusConflict
		}
		body, err := json.Marshal(r)
		return Outcome{Status: r.Status, Body: body, Undo: true, Header: map[string]string{"Content-Type": problemType}}, err
	}
	if err != nil {
		return Outcome{}, err
	}
	body, err := json.Marshal(result)
	return Outcome{Status: http.StatusOK, Body: body, Header: map[string]string{"Content-Type": "application/json"}}, err
}
