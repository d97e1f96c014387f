package knative_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/knative"
)

const service = `apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: order, namespace: shop}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/min-scale: "2", autoscaling.knative.dev/maxScale: "9"}}
    spec:
      containerConcurrency: 5
      containers: [{image: order:1, envv: []}]
`

func TestRead(t *testing.T) {
	t.Parallel()
	o := knative.Read(doc.Read("s.yaml", []byte(service), nil).Docs[0])
	if o == nil || o.String() != "Service shop/order" || o.MinScale != 2 || o.MaxScale != 9 || o.Concurrency != 5 || o.Deployment.Spec.Template.Spec.Containers[0].Image != "order:1" || len(o.Faults) != 1 {
		t.Fatalf("%+v", o)
	}
	if knative.Read(doc.Read("s.yaml", []byte("apiVersion: v1\nkind: Service\n"), nil).Docs[0]) != nil {
		t.Error("a Service of Kubernetes is taken for Knative's")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(service))
	f.Add([]byte("apiVersion: eventing.knative.dev/v1\nkind: Trigger\nspec: {broker: x, subscriber: {ref: {name: y}}}"))
	f.Add([]byte("apiVersion: sources.knative.dev/v1\nkind: SinkBinding\nspec: {subject: {name: x}, sink: {uri: y}}"))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			_ = knative.Read(d)
		}
	})
}
