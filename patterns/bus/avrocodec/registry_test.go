package avrocodec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/bus/avrocodec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeRegistry answers as Confluent's API reference says (docs.confluent.io,
// "Schema Registry API Reference"): its paths, bodies, media type and error codes.
type fakeRegistry struct {
	t   testing.TB
	url string

	mu       sync.Mutex
	schemas  []map[string]any // by number - 1
	subjects map[string][]int // numbers by version - 1
	asked    map[string]int
	down     bool
	breaks   string // registering a schema that contains this is a conflict
}

func newFakeRegistry(t testing.TB) *fakeRegistry {
	f := &fakeRegistry{t: t, subjects: map[string][]int{}, asked: map[string]int{}}
	s := httptest.NewServer(f)
	t.Cleanup(func() { s.Close(); http.DefaultClient.CloseIdleConnections() })
	f.url = s.URL
	return f
}

func (f *fakeRegistry) client(o *avrocodec.RegistryOptions) *avrocodec.Registry {
	f.t.Helper()
	if o == nil {
		o = &avrocodec.RegistryOptions{User: "key", Password: "secret"}
	}
	r, err := avrocodec.NewRegistry(f.url+"/", o)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *fakeRegistry) setDown(down bool) {
	f.mu.Lock()
	f.down = down
	f.mu.Unlock()
}

const mediaType = "application/vnd.schemaregistry.v1+json"

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[r.Method+" "+r.URL.EscapedPath()]++
	w.Header().Set("Content-Type", mediaType)
	refuse := func(status, code int, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error_code":%d,"message":%q}`, code, message)
	}
	user, password, _ := r.BasicAuth()
	var in map[string]any
	switch {
	case f.down:
		refuse(http.StatusInternalServerError, 50003, "Error while forwarding the request to the primary")
		return
	case user != "key" || password != "secret":
		refuse(http.StatusUnauthorized, 401, "Unauthorized")
		return
	case !strings.Contains(r.Header.Get("Accept"), mediaType):
		refuse(http.StatusNotAcceptable, 406, "HTTP 406 Not Acceptable")
		return
	case r.Method == http.MethodPost:
		if r.Header.Get("Content-Type") != mediaType || json.NewDecoder(r.Body).Decode(&in) != nil {
			refuse(http.StatusUnsupportedMediaType, 415, "HTTP 415 Unsupported Media Type")
			return
		}
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case r.Method == http.MethodGet && len(parts) == 3 && parts[0] == "schemas" && parts[1] == "ids":
		id, _ := strconv.Atoi(parts[2])
		if id < 1 || id > len(f.schemas) {
			refuse(http.StatusNotFound, 40403, "Schema not found")
			return
		}
		answer(f.schemas[id-1])
	case parts[0] == "subjects" && len(parts) >= 2:
		f.subject(r.Method, parts, in, refuse, answer)
	default:
		refuse(http.StatusNotFound, 404, "HTTP 404 Not Found")
	}
}

func (f *fakeRegistry) subject(method string, parts []string, in map[string]any, refuse func(int, int, string), answer func(any)) {
	name, _ := url.PathUnescape(parts[1])
	numbers, have := f.subjects[name]
	same := 0
	for i, s := range f.schemas {
		if in != nil && s["schema"] == in["schema"] {
			same = i + 1
		}
	}
	switch {
	case method == http.MethodPost && len(parts) == 3 && parts[2] == "versions":
		text, _ := in["schema"].(string)
		if !json.Valid([]byte(text)) {
			refuse(http.StatusUnprocessableEntity, 42201, "Invalid schema")
			return
		}
		if f.breaks != "" && strings.Contains(text, f.breaks) {
			refuse(http.StatusConflict, 409, "Schema being registered is incompatible with an earlier schema")
			return
		}
		if same == 0 {
			f.schemas = append(f.schemas, in)
			same = len(f.schemas)
		}
		f.subjects[name] = append(numbers, same)
		answer(map[string]int{"id": same})
	case method == http.MethodPost && len(parts) == 2:
		if !have {
			refuse(http.StatusNotFound, 40401, "Subject not found.")
			return
		}
		for version, id := range numbers {
			if id == same {
				answer(map[string]any{"subject": name, "id": id, "version": version + 1, "schema": in["schema"]})
				return
			}
		}
		refuse(http.StatusNotFound, 40403, "Schema not found")
	case method == http.MethodGet && len(parts) == 4:
		v, _ := strconv.Atoi(parts[3])
		if v < 1 || v > len(numbers) {
			refuse(http.StatusNotFound, 40402, "Version not found.")
			return
		}
		out := map[string]any{"subject": name, "version": v, "id": numbers[v-1]}
		for k, val := range f.schemas[numbers[v-1]-1] {
			out[k] = val
		}
		answer(out)
	default:
		refuse(http.StatusNotFound, 404, "HTTP 404 Not Found")
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	f := newFakeRegistry(t)
	r := f.client(nil)
	s := avrocodec.Schema{Text: `{"type":"record","name":"A","fields":[]}`}
	code := func(err error) int {
		var e *avrocodec.RegistryError
		if !errors.As(err, &e) {
			t.Fatalf("%v is no RegistryError", err)
		}
		if e.Temporary() || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
		return e.Code
	}
	if _, err := r.Find(t.Context(), "a/b value", s); code(err) != 40401 || !strings.Contains(err.Error(), "Options.Register") {
		t.Errorf("Find of nothing: %v", err)
	}
	id, err := r.Register(t.Context(), "a/b value", s)
	if err != nil || id != 1 {
		t.Fatalf("Register = %d, %v", id, err)
	}
	if found, err := r.Find(t.Context(), "a/b value", s); err != nil || found != id {
		t.Errorf("Find = %d, %v", found, err)
	}
	for range 3 {
		if got, err := r.Schema(t.Context(), id); err != nil || got.Text != s.Text {
			t.Errorf("Schema = %+v, %v", got, err)
		}
		if got, err := r.Version(t.Context(), "a/b value", 1); err != nil || got.Text != s.Text {
			t.Errorf("Version = %+v, %v", got, err)
		}
	}
	if f.asked["GET /schemas/ids/1"] != 1 || f.asked["GET /subjects/a%2Fb%20value/versions/1"] != 1 {
		t.Errorf("what never changes was asked again: %v", f.asked)
	}
	if _, err := r.Schema(t.Context(), 9); code(err) != 40403 {
		t.Errorf("Schema of an unknown number: %v", err)
	}
	if _, err := r.Version(t.Context(), "a/b value", 7); code(err) != 40402 {
		t.Errorf("Version that is not there: %v", err)
	}
	if _, err := r.Register(t.Context(), "x", avrocodec.Schema{Text: "{"}); code(err) != 42201 {
		t.Errorf("Register of no schema: %v", err)
	}
	f.breaks = "B"
	if _, err := r.Register(t.Context(), "x", avrocodec.Schema{Text: `"B"`}); code(err) != 409 || !strings.Contains(err.Error(), "compatibility") {
		t.Errorf("Register of an incompatible schema: %v", err)
	}
	if _, err := f.client(&avrocodec.RegistryOptions{User: "key", Password: "wrong"}).Schema(t.Context(), 1); code(err) != 401 || !strings.Contains(err.Error(), "Password") {
		t.Errorf("with a wrong password: %v", err)
	}
	for _, address := range []string{"", "registry:8081", "ftp://registry", "http://", "https://key:secret@registry"} {
		if _, err := avrocodec.NewRegistry(address, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("NewRegistry(%q): %v", address, err)
		}
	}
}

// An answer that did not come is asked for again, and says that it may come.
func TestRegistryDown(t *testing.T) {
	t.Parallel()
	f := newFakeRegistry(t)
	r := f.client(nil)
	if _, err := r.Register(t.Context(), "s", avrocodec.Schema{Text: `"int"`}); err != nil {
		t.Fatal(err)
	}
	f.setDown(true)
	var e *avrocodec.RegistryError
	if _, err := r.Schema(t.Context(), 1); !errors.As(err, &e) || !e.Temporary() || e.Code != 50003 {
		t.Errorf("a broken registry: %v", err)
	}
	f.setDown(false)
	if s, err := r.Schema(t.Context(), 1); err != nil || s.Text != `"int"` {
		t.Errorf("after it came back: %+v, %v", s, err)
	}
	gone, err := avrocodec.NewRegistry("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Schema(t.Context(), 1); !errors.As(err, &e) || !e.Temporary() || e.Status != 0 {
		t.Errorf("nothing at the address: %v", err)
	}
}
