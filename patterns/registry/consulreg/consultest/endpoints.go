package consultest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// definition is what a caller registers.
type definition struct {
	ID      string
	Name    string
	Tags    []string
	Address string
	Port    int
	Meta    map[string]string
	Weights *struct{ Passing, Warning int }
	Check   *checkDefinition
	Checks  []checkDefinition
}

type checkDefinition struct {
	CheckID, Name, HTTP, Method, TCP, GRPC, TTL, Interval, Timeout, Status string
	Header                                                                 map[string][]string
	GRPCUseTLS, TLSSkipVerify                                              bool
	DeregisterCriticalServiceAfter                                         string

	ttl, interval, timeout, after time.Duration
}

func (a *Agent) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.HandlerFunc{
		"PUT /v1/agent/service/register":        a.register,
		"PUT /v1/agent/service/deregister/{id}": a.deregister,
		"PUT /v1/agent/check/update/{id}":       a.update,
		"GET /v1/agent/service/{id}":            a.service,
		"GET /v1/health/service/{name}":         a.health,
	} {
		mux.HandleFunc(pattern, a.guard(h))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/agent/service/register" {
			w.Header().Set("Allow", "OPTIONS,PUT")
			fail(w, http.StatusMethodNotAllowed, "method GET not allowed")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// told is an error in Consul's words, capitals and all.
type told string

func (t told) Error() string { return string(t) }

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller is gone
}

func (a *Agent) register(w http.ResponseWriter, r *http.Request) {
	var d definition
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		fail(w, http.StatusBadRequest, "Request decode failed: "+err.Error())
		return
	}
	if d.Name == "" {
		fail(w, http.StatusBadRequest, "Missing service name")
		return
	}
	if d.ID == "" {
		d.ID = d.Name
	}
	if d.Check != nil {
		d.Checks = append(d.Checks, *d.Check)
	}
	for i := range d.Checks {
		if err := d.Checks[i].parse(d.ID, i, len(d.Checks)); err != nil {
			fail(w, http.StatusBadRequest, "Invalid check: "+err.Error())
			return
		}
	}
	replace := r.URL.Query().Has("replace-existing-checks")
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.services[d.ID]
	s := &service{def: d, checks: map[string]*check{}}
	s.ctx, s.stop = context.WithCancel(a.ctx)
	if old != nil {
		old.stop()
		if old.def.Name != d.Name {
			a.touchLocked(old.def.Name)
		}
		if !replace {
			d.Checks = append(slices.Clone(oldChecks(old)), d.Checks...)
		}
	}
	for _, cd := range d.Checks {
		c := &check{def: cd, status: "critical", critical: time.Now()}
		if cd.Status != "" {
			c.status = cd.Status
		}
		if old != nil && old.checks[cd.CheckID] != nil {
			// Registering again keeps what is known of a check.
			o := old.checks[cd.CheckID]
			o.halt()
			c.status, c.output, c.critical = o.status, o.output, o.critical
		}
		if s.checks[cd.CheckID] == nil {
			s.order = append(s.order, cd.CheckID)
		}
		s.checks[cd.CheckID] = c
	}
	if old != nil {
		for _, c := range old.checks {
			c.halt()
		}
	}
	a.services[d.ID] = s
	a.touchLocked(d.Name)
	for _, c := range s.checks {
		a.startLocked(s, c)
	}
}

func oldChecks(s *service) []checkDefinition {
	var out []checkDefinition
	for _, id := range s.order {
		out = append(out, s.checks[id].def)
	}
	return out
}

func (a *Agent) startLocked(s *service, c *check) {
	d := c.def
	if d.ttl > 0 {
		c.deadline = time.AfterFunc(d.ttl, func() { a.expire(s, c) })
		return
	}
	probed := driver.Check{HTTP: d.HTTP, Method: d.Method, Header: d.Header, TCP: d.TCP, GRPC: d.GRPC, TLS: d.GRPCUseTLS, SkipVerify: d.TLSSkipVerify, Interval: d.interval, Timeout: d.timeout}
	a.wg.Go(func() { a.run(s.ctx, s, c, probed) })
}

func (a *Agent) expire(s *service, c *check) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.ctx.Err() == nil {
		a.setLocked(s, c, "critical", "TTL expired")
	}
}

func (d *checkDefinition) parse(service string, i, n int) error {
	if d.CheckID == "" {
		d.CheckID = "service:" + service
		if n > 1 {
			d.CheckID += ":" + strconv.Itoa(i+1)
		}
	}
	for _, f := range []struct {
		text string
		to   *time.Duration
	}{{d.TTL, &d.ttl}, {d.Interval, &d.interval}, {d.Timeout, &d.timeout}, {d.DeregisterCriticalServiceAfter, &d.after}} {
		if f.text == "" {
			continue
		}
		v, err := time.ParseDuration(f.text)
		if err != nil {
			return err
		}
		*f.to = v
	}
	if d.HTTP == "" && d.TCP == "" && d.GRPC == "" {
		if d.ttl <= 0 {
			return errors.New("TTL must be > 0 for TTL checks")
		}
		return nil
	}
	if d.interval <= 0 {
		return told("Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks")
	}
	return nil
}

func (a *Agent) deregister(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.services[id] == nil {
		fail(w, http.StatusNotFound, fmt.Sprintf("Unknown service ID %q. Ensure that the service ID is passed, not the service name.", id))
		return
	}
	a.removeLocked(id)
}

func (a *Agent) update(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var in struct{ Status, Output string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, "Request decode failed: "+err.Error())
		return
	}
	if !slices.Contains([]string{"passing", "warning", "critical"}, in.Status) {
		fail(w, http.StatusBadRequest, fmt.Sprintf("Invalid check status: '%s'", in.Status))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.services {
		c := s.checks[id]
		if c == nil {
			continue
		}
		if c.deadline == nil {
			fail(w, http.StatusInternalServerError, fmt.Sprintf("CheckID %q does not have associated TTL", id))
			return
		}
		c.deadline.Reset(c.def.ttl)
		a.setLocked(s, c, in.Status, in.Output)
		return
	}
	fail(w, http.StatusNotFound, fmt.Sprintf("Unknown check ID %q. Ensure that the check ID is passed, not the check name.", id))
}

func (a *Agent) service(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.mu.Lock()
	s := a.services[id]
	a.mu.Unlock()
	if s == nil {
		fail(w, http.StatusNotFound, "unknown service ID: "+id)
		return
	}
	answer(w, s.view())
}

func (s *service) view() map[string]any {
	weights := map[string]int{"Passing": 1, "Warning": 1}
	if s.def.Weights != nil {
		weights["Passing"], weights["Warning"] = s.def.Weights.Passing, s.def.Weights.Warning
	}
	tags := s.def.Tags
	if tags == nil {
		tags = []string{}
	}
	return map[string]any{
		"ID": s.def.ID, "Service": s.def.Name, "Tags": tags, "Address": s.def.Address, "Port": s.def.Port,
		"Meta": s.def.Meta, "Weights": weights,
	}
}

func (a *Agent) health(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("name"), r.URL.Query()
	index, wait, err := blocking(q.Get("index"), q.Get("wait"))
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		a.mu.Lock()
		at := a.touched[name]
		if at == 0 {
			at = a.index // nobody has ever been here: any change might be the first
		}
		down, changed := a.down, a.changed
		list := a.listLocked(name, q.Get("passing") != "" && q.Get("passing") != "0" && q.Get("passing") != "false")
		a.mu.Unlock()
		if down {
			fail(w, http.StatusInternalServerError, "No cluster leader")
			return
		}
		send := func() {
			w.Header().Set("X-Consul-Index", strconv.FormatUint(at, 10))
			w.Header().Set("X-Consul-Knownleader", "true")
			w.Header().Set("X-Consul-Lastcontact", "0")
			answer(w, list)
		}
		// An index from the future belongs to another life of this agent.
		if index == 0 || at > index || a.lastIndex() < index {
			send()
			return
		}
		select {
		case <-changed:
		case <-over.C:
			send()
			return
		case <-r.Context().Done():
			return
		case <-a.ctx.Done():
			return
		}
	}
}

func (a *Agent) lastIndex() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.index
}

func blocking(index, wait string) (uint64, time.Duration, error) {
	var n uint64
	d := 5 * time.Minute
	if index != "" {
		var err error
		if n, err = strconv.ParseUint(index, 10, 64); err != nil {
			return 0, 0, told("Invalid index")
		}
	}
	if wait != "" {
		var err error
		if d, err = time.ParseDuration(wait); err != nil {
			return 0, 0, told("Invalid wait time")
		}
	}
	return n, min(d, 10*time.Minute), nil
}

func (a *Agent) listLocked(name string, passing bool) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(a.services)) {
		s := a.services[id]
		if s.def.Name != name {
			continue
		}
		checks := []map[string]any{{"Node": "fake", "CheckID": "serfHealth", "Name": "Serf Health Status", "Status": "passing", "Output": "Agent alive and reachable"}}
		ok := true
		for _, id := range s.order {
			c := s.checks[id]
			ok = ok && c.status == "passing"
			checks = append(checks, map[string]any{"Node": "fake", "CheckID": c.def.CheckID, "Name": c.def.Name, "Status": c.status, "Output": c.output, "ServiceID": s.def.ID, "ServiceName": name})
		}
		if passing && !ok {
			continue
		}
		list = append(list, map[string]any{
			"Node":    map[string]any{"Node": "fake", "Address": a.opts.NodeAddress, "Meta": a.opts.NodeMeta},
			"Service": s.view(), "Checks": checks,
		})
	}
	return list
}
