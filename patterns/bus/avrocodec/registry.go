package avrocodec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// RegistryOptions configure a Registry. The zero value is the default.
type RegistryOptions struct {
	// Client makes the requests: for TLS, proxies, tokens. Default
	// http.DefaultClient; the codec limits the time of each.
	Client *http.Client
	// User and Password for HTTP's basic authentication; an API key and its secret.
	User, Password string
}

// Registry is a client of a schema registry's HTTP API. What a number or a
// subject's version means never changes, so it is asked once. Its methods may be
// called concurrently.
type Registry struct {
	base     string
	o        RegistryOptions
	schemas  memo[uint32, Schema]
	versions memo[Reference, Schema]
}

// Schema is a schema's text, and the other ones that its names come from.
type Schema struct {
	Text       string
	References []Reference
}

// Reference names a schema of the registry that another one uses.
type Reference struct {
	Name    string `json:"name"` // the full name of the type
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// RegistryError is a registry's refusal, or its silence.
type RegistryError struct {
	Do      string // what was asked: "GET https://…"
	Status  int    // HTTP's; 0: no answer
	Code    int    // the registry's own: 40401 no such subject, 40403 no such schema, 42201 not a schema; 0: none
	Message string
	Err     error // with Status 0
}

func (e *RegistryError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("avrocodec: schema registry: %s: %v", e.Do, e.Err)
	}
	s := fmt.Sprintf("avrocodec: schema registry: %s: status %d, code %d: %s", e.Do, e.Status, e.Code, e.Message)
	switch {
	case e.Code == 40401 || e.Code == 40402 || e.Code == 40403:
		s += "; register the schema there, set Options.Register, or check that this is the registry of the data's writer"
	case e.Status == http.StatusConflict:
		s += "; the subject's compatibility level forbids this change of the schema"
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		s += "; check RegistryOptions.User and Password"
	}
	return s
}

// Unwrap returns why there was no answer.
func (e *RegistryError) Unwrap() error { return e.Err }

// Temporary reports that the registry may answer later: package bus tries the
// event again and does not give it up at once.
func (e *RegistryError) Temporary() bool {
	return e.Status == 0 || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// NewRegistry returns a client of the registry at base, "https://host:8081".
func NewRegistry(base string, o *RegistryOptions) (*Registry, error) {
	r := &Registry{}
	if o != nil {
		r.o = *o
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("avrocodec: the registry's address must be a URL of http or https") // err may show a password
	}
	if u.User != nil {
		return nil, errors.New("avrocodec: the registry's address holds credentials; put them into RegistryOptions, since addresses are logged")
	}
	r.base = strings.TrimSuffix(u.String(), "/")
	if r.o.Client == nil {
		r.o.Client = http.DefaultClient
	}
	return r, nil
}

// Schema returns the schema of a number.
func (r *Registry) Schema(ctx context.Context, id uint32) (Schema, error) {
	return r.schemas.get(ctx, id, func(ctx context.Context) (Schema, error) {
		var a answer
		if err := r.ask(ctx, http.MethodGet, "/schemas/ids/"+strconv.FormatUint(uint64(id), 10), nil, &a); err != nil {
			return Schema{}, err
		}
		return a.schema()
	})
}

// Version returns a version of a subject.
func (r *Registry) Version(ctx context.Context, subject string, version int) (Schema, error) {
	return r.versions.get(ctx, Reference{Subject: subject, Version: version}, func(ctx context.Context) (Schema, error) {
		var a answer
		if err := r.ask(ctx, http.MethodGet, subjectPath(subject)+"/versions/"+strconv.Itoa(version), nil, &a); err != nil {
			return Schema{}, err
		}
		return a.schema()
	})
}

// Find returns the number of a schema that the subject has.
func (r *Registry) Find(ctx context.Context, subject string, s Schema) (uint32, error) {
	return r.number(ctx, subjectPath(subject), s)
}

// Register puts a schema into the subject, if it is not there, and returns its number.
func (r *Registry) Register(ctx context.Context, subject string, s Schema) (uint32, error) {
	return r.number(ctx, subjectPath(subject)+"/versions", s)
}

func subjectPath(subject string) string { return "/subjects/" + url.PathEscape(subject) }

func (r *Registry) number(ctx context.Context, path string, s Schema) (uint32, error) {
	var a answer
	// No schemaType: Avro is the default, and old registries know no other.
	err := r.ask(ctx, http.MethodPost, path, answer{Text: s.Text, References: s.References}, &a)
	if err == nil && a.ID == nil {
		err = errors.New("avrocodec: schema registry: its answer has no id")
	}
	if err != nil {
		return 0, err
	}
	return *a.ID, nil
}

// answer holds what the API's bodies have in common, both ways.
type answer struct {
	ID         *uint32     `json:"id,omitempty"`
	Text       string      `json:"schema,omitempty"`
	Type       string      `json:"schemaType,omitempty"` // "": AVRO
	References []Reference `json:"references,omitempty"`
}

func (a *answer) schema() (Schema, error) {
	if a.Type != "" && a.Type != "AVRO" {
		return Schema{}, fmt.Errorf("avrocodec: the data's schema is of type %s, this codec reads AVRO", a.Type)
	}
	return Schema{Text: a.Text, References: a.References}, nil
}

const (
	mediaType = "application/vnd.schemaregistry.v1+json"
	maxAnswer = 8 << 20 // bytes; no schema is as large
)

func (r *Registry) ask(ctx context.Context, method, path string, in, out any) error {
	fail := &RegistryError{Do: method + " " + r.base + path}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", mediaType+", application/json")
	if in != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	if r.o.User != "" || r.o.Password != "" {
		req.SetBasicAuth(r.o.User, r.o.Password)
	}
	res, err := r.o.Client.Do(req)
	if err != nil {
		fail.Err = err
		return fail
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		fail.Err = err
		return fail
	}
	if res.StatusCode/100 != 2 {
		fail.Status = res.StatusCode
		var e struct {
			Code    int    `json:"error_code"`
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &e) != nil {
			e.Message = "an answer that is not the registry's" // a proxy's page
		}
		fail.Code, fail.Message = e.Code, e.Message
		return fail
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("avrocodec: schema registry: %s: its answer: %w", fail.Do, err)
	}
	return nil
}
