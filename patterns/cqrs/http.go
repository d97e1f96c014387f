package cqrs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

// Headers of idempotent requests, after the IETF draft "The Idempotency-Key
// HTTP Header Field".
const (
	KeyHeader      = "Idempotency-Key"
	ReplayedHeader = "Idempotency-Replayed" // "true" on a recorded answer
)

const (
	problemType     = "application/problem+json" // RFC 9457
	defaultMaxBody  = 1 << 20
	defaultMaxReply = 1 << 20
)

// HTTPOptions of the HTTP side; nil or zero is the default.
type HTTPOptions struct {
	// Caller names whose keys these are, so that nobody is handed another's
	// answer. Default: a hash of the Authorization header; then a renewed token
	// makes another caller, so name the authenticated subject if you know it.
	Caller func(r *http.Request) string
	// Optional lets requests without a key through, unprotected; default: 400.
	Optional bool
	// MaxBody and MaxReply bound requests and recorded answers in bytes; default 1 MiB each.
	MaxBody, MaxReply int64
	// Headers of the answer to be recorded besides Content-Type, Content-Language,
	// Location and ETag. Cookies are never recorded.
	Headers []string
	// Log gets what a request failed with; its caller is only told that it failed.
	// Default: slog.Default().
	Log *slog.Logger
}

func (o *HTTPOptions) withDefaults() HTTPOptions {
	var d HTTPOptions
	if o != nil {
		d = *o
	}
	if d.Caller == nil {
		d.Caller = func(r *http.Request) string {
			sum := sha256.Sum256([]byte(r.Header.Get("Authorization")))
			return hex.EncodeToString(sum[:])
		}
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.MaxBody == 0 {
		d.MaxBody = defaultMaxBody
	}
	if d.MaxReply == 0 {
		d.MaxReply = defaultMaxReply
	}
	d.Headers = slices.Concat([]string{"Content-Type", "Content-Language", "Location", "ETag"}, d.Headers)
	for i, h := range d.Headers {
		d.Headers[i] = http.CanonicalHeaderKey(h)
	}
	d.Headers = slices.DeleteFunc(d.Headers, func(h string) bool { return h == "Set-Cookie" })
	return d
}

type txKey[Tx any] struct{}

// TxFrom returns the transaction that Middleware put into a request's context.
// Effects made in it and the recorded answer are committed together.
func TxFrom[Tx any](ctx context.Context) (Tx, bool) {
	tx, ok := ctx.Value(txKey[Tx]{}).(Tx)
	return tx, ok
}

// Middleware makes requests that change something run once per idempotency
// key. GET, HEAD, OPTIONS and TRACE pass untouched.
//
// next runs in a transaction, see [TxFrom], and its answer goes out after the
// commit; it cannot stream. An answer below 400 is committed and recorded; one
// of 400 to 499 is recorded and the effects undone, except 401, 403, 408, 425
// and 429, which say "not now" and, like 500 and above, leave nothing behind.
func (k *Keys[Tx]) Middleware(opts *HTTPOptions) func(next http.Handler) http.Handler {
	o := opts.withDefaults()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key := strings.Trim(r.Header.Get(KeyHeader), `"`) // the draft writes a quoted string, many clients a bare one
			switch r.Method {
			case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
				next.ServeHTTP(w, r)
				return
			}
			if key == "" && o.Optional {
				next.ServeHTTP(w, r)
				return
			}
			k.serve(w, r, next, key, o)
		})
	}
}

func (k *Keys[Tx]) serve(w http.ResponseWriter, r *http.Request, next http.Handler, key string, o HTTPOptions) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, o.MaxBody))
	if err != nil {
		status := http.StatusBadRequest
		if too := (*http.MaxBytesError)(nil); errors.As(err, &too) {
			status = http.StatusRequestEntityTooLarge
		}
		problem(w, status, "body", err.Error())
		return
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n", r.Method, r.URL.Path, r.URL.RawQuery) // a hash takes everything
	h.Write(body)
	req := Request{Scope: o.Caller(r), Key: key, Fingerprint: h.Sum(nil)}
	outcome, replayed, err := k.Once(r.Context(), req, func(ctx context.Context, tx Tx) (Outcome, error) {
		inner := r.WithContext(context.WithValue(ctx, txKey[Tx]{}, tx))
		inner.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recorder{header: http.Header{}, max: o.MaxReply}
		next.ServeHTTP(rec, inner)
		return rec.outcome(o.Headers)
	})
	var passing *passingAnswer
	switch {
	case errors.As(err, &passing):
		passing.rec.copyTo(w)
	case err != nil:
		fault(w, r, o.Log, err)
	default:
		for name, value := range outcome.Header {
			w.Header().Set(name, value)
		}
		if replayed {
			w.Header().Set(ReplayedHeader, "true")
		}
		w.WriteHeader(outcome.Status)
		_, _ = w.Write(outcome.Body) // the client is gone; it will repeat and get the record
	}
}

// fault answers with what went wrong before or instead of an outcome.
func fault(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	var mismatch *MismatchError
	var key *KeyError
	switch {
	case errors.Is(err, ErrInFlight):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusConflict, "in_flight", err.Error())
	case errors.As(err, &mismatch):
		problem(w, http.StatusUnprocessableEntity, "key_reused", err.Error())
	case errors.As(err, &key):
		problem(w, http.StatusBadRequest, "key", err.Error())
	default:
		log.ErrorContext(r.Context(), "cqrs: request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		problem(w, http.StatusInternalServerError, "failed", "the request failed and nothing was changed; repeat it with the same key")
	}
}

func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Rejection{Status: status, Code: code, Detail: detail}) // the client is gone
}

// recorder holds an answer back until the transaction is committed.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	max    int64
	over   bool
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if int64(r.body.Len()+len(p)) > r.max {
		r.over = true
		return 0, fmt.Errorf("cqrs: answer beyond %d bytes; raise HTTPOptions.MaxReply", r.max)
	}
	return r.body.Write(p)
}

// passingAnswer rolls back the transaction of an answer that is not recorded.
type passingAnswer struct{ rec *recorder }

func (p *passingAnswer) Error() string { return fmt.Sprint("cqrs: answer ", p.rec.status) }

func (r *recorder) outcome(headers []string) (Outcome, error) {
	r.WriteHeader(http.StatusOK)
	if r.over {
		return Outcome{}, fmt.Errorf("cqrs: answer beyond %d bytes; raise HTTPOptions.MaxReply", r.max)
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return Outcome{}, &passingAnswer{r}
	}
	if r.status >= 500 {
		return Outcome{}, &passingAnswer{r}
	}
	o := Outcome{Status: r.status, Header: map[string]string{}, Body: r.body.Bytes(), Undo: r.status >= 400}
	for _, name := range headers {
		if v := r.header.Get(name); v != "" {
			o.Header[name] = v
		}
	}
	return o, nil
}

func (r *recorder) copyTo(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()) // the client is gone
}

// Handler serves the command as JSON over HTTP: the body is the command, the
// answer its result; faults are problems (RFC 9457) with the rejection's status and code.
func (c Command[Tx, C, R]) Handler(keys *Keys[Tx], opts *HTTPOptions) http.Handler {
	d := opts.withDefaults()
	return keys.Middleware(opts)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost && r.Method != http.MethodPut && r.Method != http.MethodPatch && r.Method != http.MethodDelete {
			w.Header().Set("Allow", "POST")
			problem(w, http.StatusMethodNotAllowed, "method", "a command is sent with POST")
			return
		}
		var command C
		dec := json.NewDecoder(r.Body)
		dec.DisallowUnknownFields()
		if err := dec.Decode(&command); err != nil {
			problem(w, http.StatusBadRequest, "body", "the body is not this command: "+err.Error())
			return
		}
		tx, ok := TxFrom[Tx](r.Context())
		if !ok {
			problem(w, http.StatusBadRequest, "key", (&KeyError{}).Error())
			return
		}
		o, err := c.outcome(r.Context(), tx, command)
		if err != nil {
			fault(w, r, d.Log, err)
			return
		}
		for name, value := range o.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(o.Status)
		_, _ = w.Write(o.Body) // into the recorder
	}))
}
