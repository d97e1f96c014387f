package linkerd_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/linkerd"
)

const profile = `apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: {name: order.shop.svc.cluster.local, namespace: shop}
spec:
  retryBudget: {retryRatio: 0.1, minRetriesPerSecond: 5, ttl: 10s}
  routes:
  - name: all
    condition: {method: GET, pathRegex: /v1/.*}
    isRetryable: true
    timeout: 300ms
  - {name: odd, condition: {not: {method: POST}}, timout: 1s, timeout: soon}
`

func read(src string) []*linkerd.Profile {
	var out []*linkerd.Profile
	for _, d := range doc.Read("p.yaml", []byte(src), nil).Docs {
		out = append(out, linkerd.Profiles(d)...)
	}
	return out
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	p := read(profile)[0]
	if len(p.Faults) != 2 || p.Faults[0].Pos.Line != 11 || p.Faults[0].Hint != `did you mean "timeout"?` {
		t.Errorf("%v", p.Faults)
	}
	if w, ok := p.Spec.Routes[0].Wait(); !ok || w != 300*time.Millisecond || p.Spec.Budget.Ratio != .1 || p.String() != "ServiceProfile shop/order.shop.svc.cluster.local" {
		t.Errorf("%+v", p.Spec)
	}
	if len(read("apiVersion: policy.linkerd.io/v1\nkind: ServiceProfile\n")) != 0 {
		t.Error("another group's kind")
	}
}

// What is written reads back equal.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	p := read(profile)[0]
	b, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if back := read(string(b)); len(back) != 1 || !reflect.DeepEqual(back[0].Spec, p.Spec) || back[0].Name != p.Name {
		t.Errorf("came back other:\n%s", b)
	}
}

func FuzzProfiles(f *testing.F) {
	f.Add([]byte(profile))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, p := range linkerd.Profiles(d) {
				if _, err := p.YAML(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
