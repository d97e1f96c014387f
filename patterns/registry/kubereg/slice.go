package kubereg

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/patterns/registry/driver"
)

// The parts of discovery.k8s.io/v1 that matter here. Optional booleans are
// pointers: an unknown "ready" means ready.
type (
	slice struct {
		Metadata    metadata   `json:"metadata"`
		AddressType string     `json:"addressType"` // IPv4, IPv6, FQDN
		Endpoints   []endpoint `json:"endpoints"`
		Ports       []port     `json:"ports"`
	}
	metadata struct {
		Name            string `json:"name"`
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue"`
	}
	endpoint struct {
		Addresses  []string `json:"addresses"`
		Conditions struct {
			Ready *bool `json:"ready"`
		} `json:"conditions"`
		Hostname  string `json:"hostname"`
		NodeName  string `json:"nodeName"`
		Zone      string `json:"zone"`
		TargetRef *struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"targetRef"`
	}
	port struct {
		Name *string `json:"name"`
		Port *int    `json:"port"`
	}
	list struct {
		Metadata metadata `json:"metadata"`
		Items    []slice  `json:"items"`
	}
	event struct {
		Type   string          `json:"type"` // ADDED, MODIFIED, DELETED, BOOKMARK, ERROR
		Object json.RawMessage `json:"object"`
	}
	status struct {
		Code    int    `json:"code"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
)

const maxStatus = 64 << 10

func readStatus(resp *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxStatus)) // the code has the say
	e := &StatusError{Code: resp.StatusCode, Reason: http.StatusText(resp.StatusCode), Text: strings.TrimSpace(string(b[:min(len(b), 512)]))}
	var s status
	if json.Unmarshal(b, &s) == nil && s.Message != "" {
		e.Reason, e.Text = s.Reason, s.Message
	}
	return e
}

// name is what a service is called in queries, taken apart.
type name struct{ service, namespace, port string }

func (r *Registry) parse(s string) (name, error) {
	if err := driver.ValidName(s); err != nil {
		return name{}, &driver.InvalidError{Field: "service", Fault: err.Error()}
	}
	n := name{namespace: r.opts.Namespace}
	s, n.port, _ = strings.Cut(s, ":")
	var namespace string
	if n.service, namespace, _ = strings.Cut(s, "."); namespace != "" {
		n.namespace = strings.TrimSuffix(namespace, ".svc")
	}
	if n.service == "" || strings.Contains(n.namespace, ".") {
		return name{}, &driver.InvalidError{Field: "service", Fault: strconv.Quote(s) + " is not SERVICE[.NAMESPACE][:PORT]"}
	}
	return n, nil
}

// port picks the port of a slice; ok is false when it has none of that name.
func (s *slice) port(want string) (number int, ok bool) {
	if want == "" && len(s.Ports) == 0 {
		return 0, true // a headless service without ports
	}
	for _, p := range s.Ports {
		named := ""
		if p.Name != nil {
			named = *p.Name
		}
		if p.Port != nil && (want == "" || want == named) {
			return *p.Port, true
		}
	}
	return 0, false
}

// instances merges the slices of a service. While Kubernetes moves an endpoint
// from one slice to another it is in both, and a pod of a dual-stack service is
// in one slice of each family: one instance all the same.
func instances(slicesByName map[string]*slice, n name, ipv6 bool) []driver.Instance {
	preferred := "IPv4"
	if ipv6 {
		preferred = "IPv6"
	}
	found := map[string]driver.Instance{}
	for _, pass := range []bool{true, false} {
		for _, key := range slices.Sorted(maps.Keys(slicesByName)) {
			s := slicesByName[key]
			number, ok := s.port(n.port)
			if !ok || (s.AddressType == preferred) != pass {
				continue
			}
			for i := range s.Endpoints {
				e := &s.Endpoints[i]
				if len(e.Addresses) == 0 || (e.Conditions.Ready != nil && !*e.Conditions.Ready) {
					continue
				}
				in := e.instance(n.service, number)
				if _, twice := found[in.ID]; !twice {
					found[in.ID] = in
				}
			}
		}
	}
	out := make([]driver.Instance, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[id])
	}
	return out
}

// instance takes the first address: the others mean the same endpoint and
// consumers are told to use only it.
func (e *endpoint) instance(service string, number int) driver.Instance {
	in := driver.Instance{Service: service, Address: e.Addresses[0], Port: number, Zone: e.Zone, ID: net.JoinHostPort(e.Addresses[0], strconv.Itoa(number))}
	if e.TargetRef != nil && e.TargetRef.Name != "" {
		in.ID = e.TargetRef.Name
	}
	for k, v := range map[string]string{"node": e.NodeName, "hostname": e.Hostname} {
		if v != "" {
			if in.Meta == nil {
				in.Meta = map[string]string{}
			}
			in.Meta[k] = v
		}
	}
	return in
}
