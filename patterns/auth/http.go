package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Bearer returns the token of an Authorization header, "" without one.
func Bearer(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Handler lets only requests with a valid token through to next, which finds
// the [Identity] in the request's context. Others are answered by RFC 6750: 401
// with WWW-Authenticate, and 503 with Retry-After when the issuer's keys cannot
// be had. The reason is the class of it, never more.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := len(r.Header.Values("Authorization")); n > 1 {
			challenge(w, http.StatusBadRequest, "invalid_request", fmt.Sprintf("%d Authorization headers", n))
			return
		}
		id, err := v.Verify(r.Context(), Bearer(r.Header.Get("Authorization")))
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(With(r.Context(), id)))
		case errors.Is(err, ErrMissing):
			challenge(w, http.StatusUnauthorized, "", "")
		case errors.Is(err, ErrKeysUnavailable):
			w.Header().Set("Retry-After", "5")
			http.Error(w, ErrKeysUnavailable.Error(), http.StatusServiceUnavailable)
		default:
			var t *TokenError
			_ = errors.As(err, &t) // Verify returns nothing else
			challenge(w, http.StatusUnauthorized, "invalid_token", t.Kind.Error())
		}
	})
}

// RequireScope lets only identities with a scope through; others get 403.
func RequireScope(scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := From(r.Context())
		switch {
		case !ok:
			challenge(w, http.StatusUnauthorized, "", "")
		case !id.HasScope(scope):
			challenge(w, http.StatusForbidden, "insufficient_scope", "needs scope "+scope)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// preparer is a RoundTripper that writes into headers too, such as telemetry's;
// it is asked while a copy is there to write into.
type preparer interface {
	Prepare(ctx context.Context, h http.Header) context.Context
}

// copied is r with headers that may be written, for base to send.
func copied(r *http.Request, base http.RoundTripper) *http.Request {
	ctx, h := r.Context(), r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if p, ok := base.(preparer); ok {
		ctx = p.Prepare(ctx, h)
	}
	out := r.WithContext(ctx)
	out.Header = h
	return out
}

func challenge(w http.ResponseWriter, status int, code, text string) {
	h := "Bearer"
	if code != "" {
		h += fmt.Sprintf(" error=%q, error_description=%q", code, text)
	}
	w.Header().Set("WWW-Authenticate", h)
	if text == "" {
		text = http.StatusText(status)
	}
	http.Error(w, text, status)
}
