package kubernetes_test

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	networkingv1 "k8s.io/api/networking/v1"

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

// Objects of versions before the present one read as the present one.
func TestOlder(t *testing.T) {
	t.Parallel()
	f := doc.Read("o.yaml", []byte(`apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: order}
spec: {scaleTargetRef: {kind: Deployment, name: order}, minReplicas: 2, maxReplicas: 9, targetCPUUtilizationPercentage: 70}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: edge}
spec: {rules: [{host: h, http: {paths: [{path: /o, backend: {serviceName: order, servicePort: http}}]}}]}
---
apiVersion: autoscaling/v2beta1
kind: HorizontalPodAutoscaler
spec: {maxReplicas: 4, metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 50}}]}
`), nil)
	var os []kubernetes.Object
	for _, d := range f.Docs {
		os = append(os, kubernetes.Objects(d)...)
	}
	for _, o := range os {
		if len(o.Faults) > 0 {
			t.Error(o.Faults[0])
		}
	}
	hpa, in := os[0].Typed.(*autoscalingv2.HorizontalPodAutoscaler), os[1].Typed.(*networkingv1.Ingress)
	if hpa.Spec.MaxReplicas != 9 || *hpa.Spec.MinReplicas != 2 || hpa.Spec.ScaleTargetRef.Name != "order" || *hpa.Spec.Metrics[0].Resource.Target.AverageUtilization != 70 {
		t.Errorf("%+v", hpa.Spec)
	}
	if b := in.Spec.Rules[0].HTTP.Paths[0].Backend.Service; b.Name != "order" || b.Port.Name != "http" {
		t.Errorf("%+v", b)
	}
	if os[2].Typed.(*autoscalingv2.HorizontalPodAutoscaler).Spec.MaxReplicas != 4 {
		t.Errorf("%+v", os[2].Typed)
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
