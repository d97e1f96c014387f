package gatewayapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/gatewayapi"
)

const sample = `apiVersion: v1
kind: List
items:
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {name: order, namespace: shop}
  spec:
    parentRefs: [{name: front}]
    rules:
    - matches: [{path: {type: Exact, value: orders}}]
      timeouts: {request: 3 seconds, backendRequest: 1s}
      backendRef: []
      backendRefs:
      - {name: order, port: "80", weight: -1}
- apiVersion: networking.istio.io/v1
  kind: Gateway
  metadata: {name: other}
`

func TestObjects(t *testing.T) {
	t.Parallel()
	os := gatewayapi.Objects(doc.Read("g.yaml", []byte(sample), nil).Docs[0])
	if len(os) != 1 || os[0].String() != "HTTPRoute shop/order" {
		t.Fatalf("%+v", os)
	}
	var got []string
	for _, x := range os[0].Faults {
		got = append(got, x.Error())
	}
	want := []string{
		`g.yaml:12:7: unknown field "spec.rules.0.backendRef"; did you mean "backendRefs"?`,
		`g.yaml:14:29: spec.rules.0.backendRefs.0.port: want a whole number, got text`,
		`g.yaml:11:27: spec.rules.0.timeouts.request: this is no time of the Gateway API; write a time such as 500ms, 2s or 1m30s, without sign or fraction`,
		`g.yaml:14:43: spec.rules.0.backendRefs.0.weight: a weight below zero`,
		`g.yaml:10:45: spec.rules.0.matches.0.path.value: a path begins with a slash`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults:\n%s", strings.Join(got, "\n"))
	}
	rule := os[0].Typed.(*gatewayapi.HTTPRoute).Spec.Rules[0]
	if d, ok := gatewayapi.ParseDuration(rule.Timeouts.BackendRequest); !ok || d != time.Second {
		t.Errorf("the rest does not count: %v %v", d, ok)
	}
	if _, ok := gatewayapi.ParseDuration(rule.Timeouts.Request); ok {
		t.Error("3 seconds is no time")
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, o := range gatewayapi.Objects(d) {
				_ = o.String()
			}
		}
	})
}
