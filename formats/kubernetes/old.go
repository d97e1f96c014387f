package kubernetes

import (
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// older decodes objects of versions that say the same in other fields into the
// present one's type; ok is false for all others.
func older(d *doc.Document, n *doc.Node, apiVersion, kind string) (typed any, faults []*doc.Fault, ok bool) {
	switch {
	case kind == "HorizontalPodAutoscaler" && apiVersion == "autoscaling/v1":
		var old autoscalingv1.HorizontalPodAutoscaler
		faults = d.DecodeNode(n, &old)
		x := &autoscalingv2.HorizontalPodAutoscaler{TypeMeta: old.TypeMeta, ObjectMeta: old.ObjectMeta}
		x.Spec.MinReplicas, x.Spec.MaxReplicas = old.Spec.MinReplicas, old.Spec.MaxReplicas
		x.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference(old.Spec.ScaleTargetRef)
		if t := old.Spec.TargetCPUUtilizationPercentage; t != nil {
			x.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: t},
			}}}
		}
		return x, faults, true
	case kind == "HorizontalPodAutoscaler" && (apiVersion == "autoscaling/v2beta1" || apiVersion == "autoscaling/v2beta2"):
		x := &autoscalingv2.HorizontalPodAutoscaler{}
		d.DecodeNode(n, x) // bounds and target are the same; metrics are written otherwise, which is no fault
		return x, nil, true
	case kind == "Ingress" && (apiVersion == "networking.k8s.io/v1beta1" || apiVersion == "extensions/v1beta1"):
		var old networkingv1beta1.Ingress
		faults = d.DecodeNode(n, &old)
		return ingress(&old), faults, true
	}
	return nil, nil, false
}

func ingress(old *networkingv1beta1.Ingress) *networkingv1.Ingress {
	x := &networkingv1.Ingress{TypeMeta: old.TypeMeta, ObjectMeta: old.ObjectMeta}
	x.Spec.IngressClassName = old.Spec.IngressClassName
	backend := func(b networkingv1beta1.IngressBackend) networkingv1.IngressBackend {
		port := networkingv1.ServiceBackendPort{Number: b.ServicePort.IntVal, Name: b.ServicePort.StrVal}
		return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: b.ServiceName, Port: port}}
	}
	if b := old.Spec.Backend; b != nil {
		v := backend(*b)
		x.Spec.DefaultBackend = &v
	}
	for _, r := range old.Spec.Rules {
		rule := networkingv1.IngressRule{Host: r.Host}
		if r.HTTP != nil {
			rule.HTTP = &networkingv1.HTTPIngressRuleValue{}
			for _, p := range r.HTTP.Paths {
				path := networkingv1.HTTPIngressPath{Path: p.Path, Backend: backend(p.Backend)}
				if p.PathType != nil {
					t := networkingv1.PathType(*p.PathType)
					path.PathType = &t
				}
				rule.HTTP.Paths = append(rule.HTTP.Paths, path)
			}
		}
		x.Spec.Rules = append(x.Spec.Rules, rule)
	}
	return x
}
