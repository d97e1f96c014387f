package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

const list = `apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: order, namespace: shop}
  spec:
    replicas: two
    template:
      metadata: {labels: {app: order}}
      spec:
        containers:
        - name: main
          image: order:1
          readinesProbe: {}
          resources: {limits: {cpu: 500m}}
- apiVersion: example.com/v1
  kind: Other
  metadata: {name: x}
`

func TestObjects(t *testing.T) {
	t.Parallel()
	f := doc.Read("l.yaml", []byte(list), nil)
	os := kubernetes.Objects(f.Docs[0])
	if len(os) != 2 || os[0].String() != "Deployment shop/order" || os[1].Typed != nil {
		t.Fatalf("%+v", os)
	}
	var got []string
	for _, x := range os[0].Faults {
		got = append(got, x.Error())
	}
	want := "l.yaml:8:15: spec.replicas: want a whole number, got text\n" +
		`l.yaml:15:11: unknown field "spec.template.spec.containers.0.readinesProbe"; did you mean "readinessProbe"?`
	if strings.Join(got, "\n") != want {
		t.Fatalf("faults:\n%s", strings.Join(got, "\n"))
	}
	w, ok := os[0].AsWorkload()
	if !ok || w.Pod.Spec.Containers[0].Resources.Limits.Cpu().MilliValue() != 500 || !kubernetes.Selects(w.Selector, map[string]string{"app": "order", "x": "y"}) {
		t.Fatalf("%+v", w)
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte(list))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, o := range kubernetes.Objects(d) {
				_, _ = o.AsWorkload()
			}
		}
	})
}
