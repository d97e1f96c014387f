// Package auth says who calls: it verifies JWTs against an issuer's published
// keys, carries identity and tenant over HTTP, gRPC and events, fetches tokens
// for the service itself, and keeps certificates and secrets fresh.
//
//	v, err := auth.NewVerifier("https://login.example", "payments", nil)
//	http.Handle("/", v.Handler(mux))                 // verifies, answers 401 and 503
//	...
//	id, ok := auth.From(ctx)                         // who, for which tenant
//
// Between services of one system a user's token should not travel: it could be
// used anywhere. [Sealer] carries the verified identity instead, signed with a
// key that the services share and bound to its purpose, so that one lifted from
// an event cannot be replayed against an API.
//
// Every refusal is a *TokenError whose Err tells the kind: [ErrExpired],
// [ErrAlgorithm], ... and [ErrKeysUnavailable], which is not the caller's fault.
package auth

import (
	"context"
	"slices"
	"time"
)

// Identity is who calls and on whose behalf, as far as it was verified.
type Identity struct {
	Subject  string    `json:"sub"`
	Tenant   string    `json:"tenant,omitempty"` // "": none was claimed
	Issuer   string    `json:"iss,omitempty"`
	Client   string    `json:"client,omitempty"` // the program that acts: azp or client_id
	Scopes   []string  `json:"scopes,omitempty"`
	Roles    []string  `json:"roles,omitempty"`
	IssuedAt time.Time `json:"iat,omitzero"`
	Expires  time.Time `json:"exp,omitzero"`
	// Claims are all claims of a token; they do not travel with a [Sealer].
	Claims map[string]any `json:"-"`
}

// HasScope reports whether the token was granted a scope.
func (id Identity) HasScope(s string) bool { return slices.Contains(id.Scopes, s) }

// HasRole reports whether the subject has a role.
func (id Identity) HasRole(r string) bool { return slices.Contains(id.Roles, r) }

type identityKey struct{}

// With returns a context that carries an identity. Only what has verified it
// should call this.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From returns the identity of a context; ok is false when nobody was verified.
func From(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// Tenant returns the tenant of a context's identity, "" without one.
func Tenant(ctx context.Context) string {
	id, _ := From(ctx)
	return id.Tenant
}
