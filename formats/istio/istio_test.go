package istio_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/istio"
)

const sample = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: order, namespace: shop}
spec:
  hosts: [order]
  http:
  - timeout: 3 seconds
    retry: {attempts: 2}
    retries: {attempts: two, perTryTimeout: 1s}
    route:
    - destination: {host: order, subset: v1}
      weight: 100
---
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: order}
spec:
  host: order
  trafficPolicy:
    loadBalancer: {simple: FASTEST}
    outlierDetection: {consecutiveErrors: 3, interval: 10s}
`

func TestRead(t *testing.T) {
	t.Parallel()
	f := doc.Read("i.yaml", []byte(sample), nil)
	var got []string
	var objects []*istio.Object
	for _, d := range f.Docs {
		for _, o := range istio.Specs(d) {
			objects = append(objects, o)
			for _, x := range o.Faults {
				got = append(got, x.Error())
			}
		}
	}
	for i, want := range []string{
		`i.yaml:8:5: unknown field "spec.http.0.retry"; did you mean "retries"?`,
		`i.yaml:7:14: spec.http.0.timeout: `,
		`i.yaml:9:25: spec.http.0.retries.attempts: `,
		`i.yaml:20:28: spec.trafficPolicy.loadBalancer.simple: "FASTEST" is none of`,
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("want %s\nin\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 4 {
		t.Errorf("%d faults:\n%s", len(got), strings.Join(got, "\n"))
	}
	vs := objects[0].Spec.(*istio.VirtualService)
	if len(vs.GetHttp()) != 1 || vs.GetHttp()[0].GetRoute()[0].GetWeight() != 100 || vs.GetHttp()[0].GetRetries().GetPerTryTimeout().AsDuration().Seconds() != 1 {
		t.Errorf("the rest does not count: %v", vs)
	}
	if ig := objects[1].Ignored(); len(ig) != 1 || ig[0].Node.Line != 21 {
		t.Errorf("ignored: %+v", ig)
	}
}

func FuzzSpecs(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, o := range istio.Specs(d) {
				_ = o.Ignored()
			}
		}
	})
}

// Istio reads times as Go does; protojson alone knows seconds only.
func TestDurations(t *testing.T) {
	t.Parallel()
	f := doc.Read("a.yaml", []byte("apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a, trafficPolicy: {outlierDetection: {baseEjectionTime: 1m30s, interval: nonsense}}}\n"), nil)
	specs := istio.Specs(f.Docs[0])
	if len(specs) != 1 || len(specs[0].Faults) != 1 || !strings.Contains(specs[0].Faults[0].What, "interval") {
		t.Fatalf("%+v", specs)
	}
	dr, ok := specs[0].Spec.(*istio.DestinationRule)
	if !ok || dr.GetTrafficPolicy().GetOutlierDetection().GetBaseEjectionTime().AsDuration().Seconds() != 90 {
		t.Fatalf("%v", specs[0].Spec)
	}
}
