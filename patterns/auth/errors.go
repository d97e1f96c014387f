package auth

import (
	"errors"
	"fmt"
)

// Kinds of refusal; ask with errors.Is.
var (
	ErrMissing     = errors.New("no token")
	ErrTooLarge    = errors.New("token too large")
	ErrMalformed   = errors.New("token malformed")
	ErrAlgorithm   = errors.New("algorithm not allowed") // alg: none among them
	ErrKeyType     = errors.New("key does not fit the algorithm")
	ErrUnknownKey  = errors.New("unknown key")
	ErrSignature   = errors.New("signature wrong")
	ErrExpired     = errors.New("expired")
	ErrNotYetValid = errors.New("not yet valid")
	ErrIssuer      = errors.New("wrong issuer")
	ErrAudience    = errors.New("wrong audience")
	ErrClaims      = errors.New("claims missing or of the wrong type")
	// ErrKeysUnavailable: the issuer's keys cannot be had, so nothing can be said
	// about the token. It is our trouble, not the caller's: 503, not 401.
	ErrKeysUnavailable = errors.New("the issuer's keys are unavailable")
)

// TokenError is a token that was refused. It never holds the token.
type TokenError struct {
	Kind   error  // one of the above
	Alg    string // as the token says, when it could be read
	Key    string // kid, likewise
	Detail string // for logs, not for callers
	Err    error  // what is beneath, possibly nil
}

func (e *TokenError) Error() string {
	s := "auth: " + e.Kind.Error()
	if e.Alg != "" {
		s += fmt.Sprintf(" (alg %q, kid %q)", e.Alg, e.Key)
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the kind and what is beneath.
func (e *TokenError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// ErrorType names the kind for metrics: few and stable.
func (e *TokenError) ErrorType() string { return e.Kind.Error() }
