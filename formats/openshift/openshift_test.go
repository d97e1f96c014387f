package openshift_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/formats/openshift"
)

const template = `kind: Template
apiVersion: template.openshift.io/v1
parameters:
- {name: NAME, value: order}
- {name: COUNT, value: "2"}
- {name: HOST}
objects:
- apiVersion: apps.openshift.io/v1
  kind: DeploymentConfig
  metadata: {name: "${NAME}"}
  spec:
    replicas: ${{COUNT}}
    paussed: true
    triggers:
    - {type: ImageChanged}
    template: {spec: {containers: [{name: main, args: ["${OTHER}"]}]}}
- apiVersion: v1
  kind: Route
  metadata: {name: "${NAME}"}
  spec: {host: "${HOST}", to: {kind: Service, name: "${NAME}", weight: 300}}
- apiVersion: image.openshift.io/v1
  kind: ImageStream
  metadata: {name: base}
  spec:
    tags:
    - {name: latest, from: {kind: ImageStreamTag, name: "9"}}
    - {name: "9", from: {kind: DockerImage, name: "example.org/base:9"}}
    - {name: built}
`

func TestTemplate(t *testing.T) {
	t.Parallel()
	var objects []*openshift.Object
	var faults []string
	for _, d := range openshift.Expand(doc.Read("t.yaml", []byte(template), nil).Docs[0], nil) {
		for _, o := range openshift.Objects(d) {
			objects = append(objects, o)
			for _, f := range o.Faults {
				faults = append(faults, f.Error())
			}
		}
	}
	want := []string{
		`t.yaml:13:5: unknown field "spec.paussed"; did you mean "paused"?`,
		`t.yaml:15:14: spec.triggers.0.type: "ImageChanged" is neither ConfigChange nor ImageChange`,
		`t.yaml:20:72: spec.to.weight: a weight is 0 to 256`,
	}
	if strings.Join(faults, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults:\n%s", strings.Join(faults, "\n"))
	}
	if len(objects) != 3 || objects[0].String() != "DeploymentConfig order" {
		t.Fatalf("%v", objects)
	}
	dc := objects[0].Typed.(*openshift.DeploymentConfig)
	if *dc.Spec.Replicas != 2 || dc.Spec.Template.Spec.Containers[0].Args[0] != "${OTHER}" {
		t.Errorf("%+v", dc.Spec)
	}
	if r := objects[1].Typed.(*openshift.Route); r.Spec.Host != "" || r.Spec.To.Name != "order" {
		t.Errorf("%+v", r.Spec)
	}
	is := objects[2].Typed.(*openshift.ImageStream)
	if is.Image("latest") != "example.org/base:9" || is.Image("built") != "" {
		t.Errorf("%q %q", is.Image("latest"), is.Image("built"))
	}
}

func TestParseTimeout(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"5s": 5 * time.Second, "300": 300 * time.Millisecond, "1d": 24 * time.Hour, "1.5s": -1, "": -1, "-1s": -1, "9999999999d": -1} {
		d, ok := openshift.ParseTimeout(in)
		if !ok {
			d = -1
		}
		if d != want {
			t.Errorf("%q: %v, want %v", in, d, want)
		}
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte(template))
	f.Fuzz(func(_ *testing.T, src []byte) {
		for _, d := range doc.Read("f.yaml", src, &doc.Limits{Bytes: 1 << 16}).Docs {
			for _, o := range openshift.Objects(d) {
				if s, ok := o.Typed.(*openshift.ImageStream); ok {
					_ = s.Image("latest")
				}
				_, _ = openshift.ParseTimeout(o.Annotations[openshift.TimeoutAnnotation])
			}
			for _, x := range openshift.Expand(d, nil) {
				_ = openshift.Objects(x)
			}
		}
	})
}
