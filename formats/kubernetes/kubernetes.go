// Package kubernetes reads Kubernetes objects from documents into the API's own
// types, with the place of every field. It knows what objects look like and what
// the platform does by default; what they mean for an architecture is not its
// business.
//
// It only reads.
package kubernetes

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Object is one object of a document: the document's own, or an item of a List.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Labels, Annotations               map[string]string
	Doc                               *doc.Document
	Node                              *doc.Node
	Path                              []string // of Node in the document
	// Typed is a pointer to the API's type for the kinds in [Kinds], else nil.
	Typed  any
	Faults []*doc.Fault
}

// Kinds that are decoded, by kind; the group must fit too.
var types = map[string]struct {
	groups []string
	make   func() any
}{
	"Deployment":              {[]string{"apps", "extensions"}, func() any { return new(appsv1.Deployment) }},
	"StatefulSet":             {[]string{"apps"}, func() any { return new(appsv1.StatefulSet) }},
	"DaemonSet":               {[]string{"apps", "extensions"}, func() any { return new(appsv1.DaemonSet) }},
	"ReplicaSet":              {[]string{"apps", "extensions"}, func() any { return new(appsv1.ReplicaSet) }},
	"Job":                     {[]string{"batch"}, func() any { return new(batchv1.Job) }},
	"CronJob":                 {[]string{"batch"}, func() any { return new(batchv1.CronJob) }},
	"Pod":                     {[]string{""}, func() any { return new(corev1.Pod) }},
	"Service":                 {[]string{""}, func() any { return new(corev1.Service) }},
	"ConfigMap":               {[]string{""}, func() any { return new(corev1.ConfigMap) }},
	"Namespace":               {[]string{""}, func() any { return new(corev1.Namespace) }},
	"ServiceAccount":          {[]string{""}, func() any { return new(corev1.ServiceAccount) }},
	"Ingress":                 {[]string{"networking.k8s.io"}, func() any { return new(networkingv1.Ingress) }},
	"NetworkPolicy":           {[]string{"networking.k8s.io"}, func() any { return new(networkingv1.NetworkPolicy) }},
	"HorizontalPodAutoscaler": {[]string{"autoscaling"}, func() any { return new(autoscalingv2.HorizontalPodAutoscaler) }},
	"Role":                    {[]string{"rbac.authorization.k8s.io"}, func() any { return new(rbacv1.Role) }},
	"ClusterRole":             {[]string{"rbac.authorization.k8s.io"}, func() any { return new(rbacv1.ClusterRole) }},
	"RoleBinding":             {[]string{"rbac.authorization.k8s.io"}, func() any { return new(rbacv1.RoleBinding) }},
	"ClusterRoleBinding":      {[]string{"rbac.authorization.k8s.io"}, func() any { return new(rbacv1.ClusterRoleBinding) }},
	"PodDisruptionBudget":     {[]string{"policy"}, func() any { return new(policyv1.PodDisruptionBudget) }},
}

// Is reports whether a document looks like a Kubernetes object.
func Is(n *doc.Node) bool { return n.Str("apiVersion") != "" && n.Str("kind") != "" }

// Group is the API group of an apiVersion: "apps" of apps/v1, "" of v1.
func Group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// Objects returns the objects of a document; the items of a List each.
func Objects(d *doc.Document) []Object { return objects(d, d.Root, nil) }

func objects(d *doc.Document, n *doc.Node, path []string) []Object {
	if !Is(n) {
		return nil
	}
	if items := n.Get("items"); items != nil && items.Kind == doc.List && strings.HasSuffix(n.Str("kind"), "List") {
		var out []Object
		for i, it := range items.Items {
			if it.Kind == doc.Map && it.Str("kind") == "" { // kubectl leaves it out in typed lists
				continue
			}
			out = append(out, objects(d, it, append(path[:len(path):len(path)], "items", strconv.Itoa(i)))...)
		}
		return out
	}
	o := Object{
		APIVersion: n.Str("apiVersion"), Kind: n.Str("kind"), Doc: d, Node: n, Path: path,
		Namespace: n.Str("metadata", "namespace"), Name: n.Str("metadata", "name"),
		Labels: texts(n.Find("metadata", "labels")), Annotations: texts(n.Find("metadata", "annotations")),
	}
	if o.Name == "" {
		o.Name = n.Str("metadata", "generateName")
	}
	if typed, faults, ok := older(d, n, o.APIVersion, o.Kind); ok {
		o.Typed, o.Faults = typed, faults
	} else if t, ok := types[o.Kind]; ok {
		for _, g := range t.groups {
			if g == Group(o.APIVersion) {
				o.Typed = t.make()
				o.Faults = d.DecodeNode(n, o.Typed)
			}
		}
	}
	return []Object{o}
}

// String names the object for people: "Deployment shop/order".
func (o Object) String() string {
	if o.Namespace != "" {
		return o.Kind + " " + o.Namespace + "/" + o.Name
	}
	return o.Kind + " " + o.Name
}

// Workload is what runs pods, whatever its kind.
type Workload struct {
	Kind     string
	Replicas *int32 // nil: the platform's default, 1; of a DaemonSet: one a node
	Pod      *corev1.PodTemplateSpec
	Selector map[string]string // matchLabels; the pods' own labels where none is given
	Strategy string
	PodPath  []string // of the pod template in the object
}

// AsWorkload returns the workload that an object describes; ok is false for other
// objects.
func (o Object) AsWorkload() (w Workload, ok bool) {
	w.Kind = o.Kind
	w.PodPath = []string{"spec", "template"}
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		w.Replicas, w.Pod, w.Strategy = t.Spec.Replicas, &t.Spec.Template, string(t.Spec.Strategy.Type)
		if t.Spec.Selector != nil {
			w.Selector = t.Spec.Selector.MatchLabels
		}
	case *appsv1.StatefulSet:
		w.Replicas, w.Pod, w.Strategy = t.Spec.Replicas, &t.Spec.Template, string(t.Spec.UpdateStrategy.Type)
		if t.Spec.Selector != nil {
			w.Selector = t.Spec.Selector.MatchLabels
		}
	case *appsv1.DaemonSet:
		w.Pod, w.Strategy = &t.Spec.Template, string(t.Spec.UpdateStrategy.Type)
	case *appsv1.ReplicaSet:
		w.Replicas, w.Pod = t.Spec.Replicas, &t.Spec.Template
	case *batchv1.Job:
		w.Pod = &t.Spec.Template
	case *batchv1.CronJob:
		w.Pod, w.PodPath = &t.Spec.JobTemplate.Spec.Template, []string{"spec", "jobTemplate", "spec", "template"}
	case *corev1.Pod:
		w.Pod, w.PodPath = &corev1.PodTemplateSpec{ObjectMeta: t.ObjectMeta, Spec: t.Spec}, nil
	default:
		return w, false
	}
	if w.Selector == nil {
		w.Selector = w.Pod.Labels
	}
	return w, true
}

// Selects reports whether a label selector (of a Service, a budget) fits labels.
// An empty selector selects nothing, as for a Service.
func Selects(selector, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

func texts(n *doc.Node) map[string]string {
	if n == nil || len(n.Entries) == 0 {
		return nil
	}
	m := make(map[string]string, len(n.Entries))
	for _, e := range n.Entries {
		m[e.Key.Text] = e.Value.Text
	}
	return m
}
