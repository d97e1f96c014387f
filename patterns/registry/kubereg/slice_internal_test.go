package kubereg

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// Whatever slices say, each instance is there once, in order, with an address,
// and only if some slice has it ready.
func FuzzSlices(f *testing.F) {
	f.Add([]byte(`[{"metadata":{"name":"a"},"addressType":"IPv4","ports":[{"name":"http","port":80}],"endpoints":[{"addresses":["10.0.0.1"]},{"addresses":[]},{"addresses":["10.0.0.2"],"conditions":{"ready":false}}]}]`), "http", false)
	f.Add([]byte(`[{"metadata":{"name":"a"},"addressType":"IPv6","endpoints":[{"addresses":["::1"],"targetRef":{"kind":"Pod","name":"p"}}]},{"metadata":{"name":"b"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","name":"p"}}]}]`), "", true)
	f.Fuzz(func(t *testing.T, raw []byte, port string, ipv6 bool) {
		var all []slice
		if json.Unmarshal(raw, &all) != nil {
			return
		}
		by := map[string]*slice{}
		ready := map[string]bool{}
		for i := range all {
			by[all[i].Metadata.Name] = &all[i]
		}
		for _, s := range by {
			for _, e := range s.Endpoints {
				if len(e.Addresses) > 0 && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
					ready[e.Addresses[0]] = true
				}
			}
		}
		var ids []string
		for _, in := range instances(by, name{service: "s", port: port}, ipv6) {
			ids = append(ids, in.ID)
			if !ready[in.Address] {
				t.Errorf("%+v is not ready anywhere", in)
			}
		}
		if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%q", ids)
		}
	})
}

// A service's name is taken apart or refused, and put together again it is the same.
func FuzzName(f *testing.F) {
	for _, s := range []string{"payments", "payments.shop", "payments.shop.svc:http", ".shop", "a.b.c", "a:b:c", ""} {
		f.Add(s)
	}
	r := &Registry{opts: Options{Namespace: "default"}}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := r.parse(s)
		if err != nil {
			return
		}
		if n.service == "" || strings.ContainsAny(n.service, ".:") || strings.Contains(n.namespace, ".") {
			t.Fatalf("%q became %+v", s, n)
		}
		again := n.service + "." + n.namespace
		if n.port != "" {
			again += ":" + n.port
		}
		if n.namespace == "" {
			return // "a." asks for the empty namespace, which no API server has
		}
		if m, err := r.parse(again); err != nil || m != n {
			t.Fatalf("%q: %+v, then %+v, %v", s, n, m, err)
		}
	})
}
