package consulreg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// service is the body of /v1/agent/service/register.
type service struct {
	ID        string            `json:"ID"`
	Name      string            `json:"Name"`
	Tags      []string          `json:"Tags,omitempty"`
	Address   string            `json:"Address,omitempty"`
	Port      int               `json:"Port,omitempty"`
	Meta      map[string]string `json:"Meta,omitempty"`
	Weights   *weights          `json:"Weights,omitempty"`
	Namespace string            `json:"Namespace,omitempty"`
	Partition string            `json:"Partition,omitempty"`
	Checks    []check           `json:"Checks,omitempty"`
}

type weights struct {
	Passing int `json:"Passing"`
	Warning int `json:"Warning"`
}

type check struct {
	CheckID       string              `json:"CheckID"`
	Name          string              `json:"Name"`
	HTTP          string              `json:"HTTP,omitempty"`
	Method        string              `json:"Method,omitempty"`
	Header        map[string][]string `json:"Header,omitempty"`
	TCP           string              `json:"TCP,omitempty"`
	GRPC          string              `json:"GRPC,omitempty"`
	GRPCUseTLS    bool                `json:"GRPCUseTLS,omitempty"`
	TLSSkipVerify bool                `json:"TLSSkipVerify,omitempty"`
	TTL           string              `json:"TTL,omitempty"`
	Interval      string              `json:"Interval,omitempty"`
	Timeout       string              `json:"Timeout,omitempty"`
	// Consul removes the whole service when this check is critical for so long.
	DeregisterCriticalServiceAfter string `json:"DeregisterCriticalServiceAfter,omitempty"`
}

// checkID is unique on the agent: check names repeat among services.
func checkID(id, check string) string { return id + ":" + check }

// Register enters a service with the agent, its checks replaced whole.
func (r *Registry) Register(ctx context.Context, reg driver.Registration) error {
	if err := validate(reg); err != nil {
		return err
	}
	s := service{
		ID: reg.ID, Name: reg.Service, Tags: reg.Tags, Address: reg.Address, Port: reg.Port, Meta: reg.Meta,
		Namespace: r.opts.Namespace, Partition: r.opts.Partition,
	}
	if reg.Weight > 0 {
		s.Weights = &weights{Passing: reg.Weight, Warning: 1}
	}
	if reg.Zone != "" {
		s.Meta = maps.Clone(reg.Meta)
		if s.Meta == nil {
			s.Meta = map[string]string{}
		}
		s.Meta[zoneMeta] = reg.Zone
	}
	for _, c := range reg.Checks {
		s.Checks = append(s.Checks, wire(reg, c.WithDefaults()))
	}
	_, err := r.call(ctx, http.MethodPut, "/v1/agent/service/register", url.Values{"replace-existing-checks": {"true"}}, s, nil)
	return err
}

func wire(reg driver.Registration, c driver.Check) check {
	w := check{
		CheckID: checkID(reg.ID, c.Name), Name: c.Name, HTTP: c.HTTP, Method: c.Method, Header: c.Header,
		TCP: c.TCP, GRPC: c.GRPC, GRPCUseTLS: c.TLS, TLSSkipVerify: c.SkipVerify,
	}
	if c.TTL > 0 {
		w.TTL = c.TTL.String()
	} else {
		w.Interval, w.Timeout = c.Interval.String(), c.Timeout.String()
	}
	if reg.DeregisterAfter > 0 {
		w.DeregisterCriticalServiceAfter = reg.DeregisterAfter.String()
	}
	return w
}

// validate refuses what Consul would bend without a word.
func validate(reg driver.Registration) error {
	errs := []error{reg.Validate()}
	if d := reg.DeregisterAfter; d > 0 && d < MinDeregisterAfter {
		errs = append(errs, &driver.InvalidError{Field: "DeregisterAfter", Fault: fmt.Sprintf("%s is shorter than a minute, which is the least that Consul takes; it would wait a minute without saying so", d)})
	}
	if reg.DeregisterAfter > 0 && len(reg.Checks) == 0 {
		errs = append(errs, &driver.InvalidError{Field: "DeregisterAfter", Fault: "has no effect without a check"})
	}
	for i, c := range reg.Checks {
		if c.TTL == 0 && c.Interval > 0 && c.Interval < MinInterval {
			errs = append(errs, &driver.InvalidError{Field: fmt.Sprintf("Checks[%d].Interval", i), Fault: fmt.Sprintf("%s is shorter than a second, which is the least that Consul takes", c.Interval)})
		}
	}
	if z, ok := reg.Meta[zoneMeta]; ok && reg.Zone != "" && z != reg.Zone {
		errs = append(errs, &driver.InvalidError{Field: "Zone", Fault: fmt.Sprintf("is %q and Meta[zone] is %q; they are one in Consul", reg.Zone, z)})
	}
	return errors.Join(errs...)
}

// Beat updates a TTL check.
func (r *Registry) Beat(ctx context.Context, id, name string, s driver.Status, note string) error {
	in := struct {
		Status string `json:"Status"`
		Output string `json:"Output"`
	}{s.String(), note}
	_, err := r.call(ctx, http.MethodPut, "/v1/agent/check/update/"+url.PathEscape(checkID(id, name)), r.home(), in, nil)
	return err
}

// Known asks the agent for the service.
func (r *Registry) Known(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err := r.call(ctx, http.MethodGet, "/v1/agent/service/"+url.PathEscape(id), r.home(), nil, nil)
	if errors.Is(err, driver.ErrUnknown) {
		return false, nil
	}
	return err == nil, err
}

// Deregister removes the service and its checks from the agent.
func (r *Registry) Deregister(ctx context.Context, id string) error {
	_, err := r.call(ctx, http.MethodPut, "/v1/agent/service/deregister/"+url.PathEscape(id), r.home(), nil, nil)
	if errors.Is(err, driver.ErrUnknown) {
		return nil
	}
	return err
}

// home is the scope of the agent's own endpoints, which have no datacenter.
func (r *Registry) home() url.Values {
	q := r.scope(url.Values{})
	q.Del("dc")
	return q
}
