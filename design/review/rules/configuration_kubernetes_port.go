package rules

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/review"
	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
)

var kubernetesPort = review.Rule{
	ID:    "configuration/kubernetes-port",
	Cure:  "fix",
	Title: "A probe or a Service names a port that no container has",
	Why:   "A probe at a port without a name always fails, so the pod never gets traffic or is restarted for ever; a Service without the port has no endpoints.",
	Bad:   "ports: [{name: http, containerPort: 8080}], readinessProbe: {httpGet: {port: htp}}",
	Good:  "readinessProbe: {httpGet: {port: http}}",
	Since: "0.1", Severity: review.High, Confidence: 1,
	Needs:   []review.Need{review.Manifests},
	Source:  "Kubernetes API reference, HTTPGetAction.port and ServicePort.targetPort (name of a container port)",
	Silent:  "GoogleCloudPlatform/microservices-demo@34ffea9 kubernetes-manifests/",
	Untried: "no public file on which it fires was at hand",
	Check: func(c *review.Case, r *review.Reporter) {
		all := workloads(c)
		for _, w := range all {
			for i, ct := range w.Pod.Spec.Containers {
				for _, p := range []struct {
					name  string
					probe *corev1.Probe
				}{{"livenessProbe", ct.LivenessProbe}, {"readinessProbe", ct.ReadinessProbe}, {"startupProbe", ct.StartupProbe}} {
					port, kind, ok := probePort(p.probe)
					names := portNames(ct)
					if !ok || names[port] {
						continue
					}
					f := review.Finding{Of: w.of(), Evidence: []review.Evidence{w.at("port "+port, "spec", "containers", strconv.Itoa(i), p.name, kind, "port")}}
					f.Title = fmt.Sprintf("%s of %s asks at port %q, which its container does not name", p.name, w.V, port)
					f.Fix, f.Edits = nearestPort(port, names, f.Evidence[0])
					r.Find(f, w.V.String(), p.name)
				}
			}
		}
		for _, o := range discover.Of[*kubernetes.Object](c.Documents) {
			if s, ok := o.V.Typed.(*corev1.Service); ok {
				servicePorts(r, o, s, all)
			}
		}
	},
}

func servicePorts(r *review.Reporter, o discover.Typed[*kubernetes.Object], s *corev1.Service, all []workload) {
	for i, p := range s.Spec.Ports {
		if p.TargetPort.Type != intstr.String || p.TargetPort.StrVal == "" {
			continue
		}
		names, selects := map[string]bool{}, false
		var of []arch.Ref
		for _, w := range all {
			if w.V.Namespace != o.V.Namespace || !kubernetes.Selects(s.Spec.Selector, w.Pod.Labels) {
				continue
			}
			selects, of = true, append(of, w.of()...)
			for _, ct := range append(w.Pod.Spec.Containers, w.Pod.Spec.InitContainers...) {
				for n := range portNames(ct) {
					names[n] = true
				}
			}
		}
		if !selects || names[p.TargetPort.StrVal] {
			continue
		}
		f := review.Finding{Of: of, Evidence: []review.Evidence{{Source: o.At(arch.Config, "spec", "ports", strconv.Itoa(i), "targetPort"), Note: "target port " + p.TargetPort.StrVal}}}
		f.Title = fmt.Sprintf("%s leads to port %q, which no container behind it names", o.V, p.TargetPort.StrVal)
		f.Fix, f.Edits = nearestPort(p.TargetPort.StrVal, names, f.Evidence[0])
		r.Find(f, o.V.String(), p.TargetPort.StrVal)
	}
}

func probePort(p *corev1.Probe) (port, kind string, ok bool) {
	switch {
	case p == nil:
	case p.HTTPGet != nil && p.HTTPGet.Port.Type == intstr.String:
		return p.HTTPGet.Port.StrVal, "httpGet", true
	case p.TCPSocket != nil && p.TCPSocket.Port.Type == intstr.String:
		return p.TCPSocket.Port.StrVal, "tcpSocket", true
	}
	return "", "", false
}

func portNames(ct corev1.Container) map[string]bool {
	m := map[string]bool{}
	for _, p := range ct.Ports {
		if p.Name != "" {
			m[p.Name] = true
		}
	}
	return m
}

func nearestPort(port string, names map[string]bool, at review.Evidence) (string, []review.Edit) {
	if near := doc.Nearest(port, arch.Sorted(names)); near != "" {
		return fmt.Sprintf("Did you mean %q?", near), review.EditAt(at.Source, review.Set, near)
	}
	return "Name the port at the container, or give its number.", nil
}
