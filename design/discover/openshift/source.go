// Package openshift discovers what OpenShift adds to Kubernetes: Routes with
// their shares and timeouts as routes of the cluster's router, DeploymentConfigs
// as workloads whose images follow ImageStreams, and what is inside Templates.
//
// A Template is filled in with its own parameters' values. An ImageStream is
// looked up in the file of the DeploymentConfig that follows it; elsewhere the
// stream's name stands for the image.
package openshift

import (
	"context"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/formats/kubernetes"
	"github.com/ashlar-dev/ashlar/formats/openshift"
)

// Name of the source, as it stands in the ledger.
const Name = "openshift"

// Source reads OpenShift's resources.
type Source struct{}

// New returns the source.
func New() *Source { return &Source{} }

func (*Source) Name() string        { return Name }
func (*Source) Origin() arch.Origin { return arch.Config }

// Match takes every YAML file, since the resource may stand behind others, and
// JSON that shows an apiVersion.
func (*Source) Match(h discover.Head) bool {
	if h.Ext == ".json" {
		return h.Has(`"apiVersion"`)
	}
	return h.YAML()
}

// Read puts out every resource; what a Template holds of Kubernetes too, and a
// DeploymentConfig as the workload that it is.
func (*Source) Read(_ context.Context, in *discover.Input, out discover.Sink) error {
	f, err := in.Docs()
	if err != nil {
		return err
	}
	var objects []*openshift.Object
	var plain []discover.Document
	for _, d := range f.Docs {
		if !openshift.IsTemplate(d.Root) {
			objects = append(objects, openshift.Objects(d)...)
			continue
		}
		for _, x := range openshift.Expand(d, nil) {
			objects = append(objects, openshift.Objects(x)...)
			for _, o := range kubernetes.Objects(x) {
				if o.Typed != nil {
					plain = append(plain, discover.Document{Doc: x, Node: o.Node, Kind: "kubernetes " + o.Kind, Name: o.String(), Value: &o, Faults: o.Faults})
				}
			}
		}
	}
	streams := map[string]*openshift.ImageStream{}
	for _, o := range objects {
		if s, ok := o.Typed.(*openshift.ImageStream); ok {
			streams[o.Name] = s
		}
	}
	for _, d := range plain {
		annotated(d.Value.(*kubernetes.Object), streams)
		out.Document(d)
	}
	for _, o := range objects {
		d := discover.Document{Doc: o.Doc, Node: o.Node, Kind: "openshift " + o.Kind, Name: o.String(), Value: o, Faults: o.Faults}
		if dc, ok := o.Typed.(*openshift.DeploymentConfig); ok {
			d.Value = workload(o, dc, streams)
		}
		out.Document(d)
	}
	return nil
}

// workload writes a DeploymentConfig as the Deployment that it amounts to, under
// its own kind.
func workload(o *openshift.Object, dc *openshift.DeploymentConfig, streams map[string]*openshift.ImageStream) *kubernetes.Object {
	d := &appsv1.Deployment{ObjectMeta: dc.ObjectMeta}
	d.Spec.Replicas = dc.Spec.Replicas
	d.Spec.Strategy.Type = appsv1.DeploymentStrategyType(dc.Spec.Strategy.Type)
	if dc.Spec.Template != nil {
		d.Spec.Template = *dc.Spec.Template
	}
	if len(dc.Spec.Selector) > 0 {
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: dc.Spec.Selector}
	}
	for _, t := range dc.Spec.Triggers {
		if p := t.ImageChangeParams; p != nil && p.From.Kind == "ImageStreamTag" {
			follow(d.Spec.Template.Spec.Containers, p, streams)
			follow(d.Spec.Template.Spec.InitContainers, p, streams)
		}
	}
	return &kubernetes.Object{
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, Labels: dc.Labels, Annotations: dc.Annotations,
		Doc: o.Doc, Node: o.Node, Typed: d,
	}
}

// annotated follows the triggers that a Template's plain Deployment or
// StatefulSet has in an annotation.
func annotated(o *kubernetes.Object, streams map[string]*openshift.ImageStream) {
	w, ok := o.AsWorkload()
	if !ok {
		return
	}
	for _, p := range openshift.AnnotatedTriggers(o.Annotations) {
		follow(w.Pod.Spec.Containers, &p, streams)
		follow(w.Pod.Spec.InitContainers, &p, streams)
	}
}

// follow sets the image that a trigger will put into containers.
func follow(cs []corev1.Container, p *openshift.ImageChange, streams map[string]*openshift.ImageStream) {
	image := p.From.Name
	stream, tag, _ := strings.Cut(p.From.Name, ":")
	if s := streams[stream]; s != nil {
		if known := s.Image(tag); known != "" {
			image = known
		}
	}
	for i := range cs {
		if image != "" && slices.Contains(p.ContainerNames, cs[i].Name) {
			cs[i].Image = image
		}
	}
}

var (
	_ discover.Source  = (*Source)(nil)
	_ discover.Relater = (*Source)(nil)
)
