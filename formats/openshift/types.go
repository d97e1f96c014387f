package openshift

import (
	"encoding/json"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ashlar-dev/ashlar/formats/doc"
)

// Route leads a host and path to Services.
type Route struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              RouteSpec `json:"spec"`
	Status            *doc.Node `json:"status"`
}

// RouteSpec is what a Route asks for.
type RouteSpec struct {
	Host              string        `json:"host"`
	Subdomain         string        `json:"subdomain"`
	Path              string        `json:"path"`
	To                RouteTarget   `json:"to"`
	AlternateBackends []RouteTarget `json:"alternateBackends"`
	Port              *struct {
		TargetPort intstr.IntOrString `json:"targetPort"`
	} `json:"port"`
	TLS            *RouteTLS `json:"tls"`
	WildcardPolicy string    `json:"wildcardPolicy"`
	HTTPHeaders    *doc.Node `json:"httpHeaders"`
}

// RouteTarget is a backend; the share of a backend is its weight of all weights.
type RouteTarget struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Weight *int32 `json:"weight"`
}

// RouteTLS says where TLS ends. Certificates and keys are not kept.
type RouteTLS struct {
	Termination                   string    `json:"termination"`
	InsecureEdgeTerminationPolicy string    `json:"insecureEdgeTerminationPolicy"`
	Certificate                   *doc.Node `json:"certificate"`
	Key                           *doc.Node `json:"key"`
	CACertificate                 *doc.Node `json:"caCertificate"`
	DestinationCACertificate      *doc.Node `json:"destinationCACertificate"`
	ExternalCertificate           *doc.Node `json:"externalCertificate"`
}

// DeploymentConfig is OpenShift's workload from before Deployment.
type DeploymentConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              DeploymentConfigSpec `json:"spec"`
	Status            *doc.Node            `json:"status"`
}

// DeploymentConfigSpec is what a DeploymentConfig asks for.
type DeploymentConfigSpec struct {
	Strategy             DeploymentStrategy      `json:"strategy"`
	MinReadySeconds      int32                   `json:"minReadySeconds"`
	Triggers             []Trigger               `json:"triggers"`
	Replicas             *int32                  `json:"replicas"`
	RevisionHistoryLimit *int32                  `json:"revisionHistoryLimit"`
	Test                 bool                    `json:"test"`
	Paused               bool                    `json:"paused"`
	Selector             map[string]string       `json:"selector"`
	Template             *corev1.PodTemplateSpec `json:"template"`
}

// DeploymentStrategy is how pods are replaced: Rolling (the default), Recreate or
// Custom.
type DeploymentStrategy struct {
	Type                  string                      `json:"type"`
	CustomParams          *doc.Node                   `json:"customParams"`
	RecreateParams        *doc.Node                   `json:"recreateParams"`
	RollingParams         *doc.Node                   `json:"rollingParams"`
	Resources             corev1.ResourceRequirements `json:"resources"`
	Labels                map[string]string           `json:"labels"`
	Annotations           map[string]string           `json:"annotations"`
	ActiveDeadlineSeconds *int64                      `json:"activeDeadlineSeconds"`
}

// Trigger starts a deployment: ConfigChange or ImageChange.
type Trigger struct {
	Type              string       `json:"type"`
	ImageChangeParams *ImageChange `json:"imageChangeParams"`
}

// ImageChange follows a tag of an ImageStream into containers.
type ImageChange struct {
	Automatic          bool                   `json:"automatic"`
	ContainerNames     []string               `json:"containerNames"`
	From               corev1.ObjectReference `json:"from"`
	LastTriggeredImage string                 `json:"lastTriggeredImage"`
}

// ImageStream names images by tags.
type ImageStream struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ImageStreamSpec `json:"spec"`
	Status            *doc.Node       `json:"status"`
}

// ImageStreamSpec is what an ImageStream asks for.
type ImageStreamSpec struct {
	LookupPolicy struct {
		Local bool `json:"local"`
	} `json:"lookupPolicy"`
	DockerImageRepository string     `json:"dockerImageRepository"`
	Tags                  []ImageTag `json:"tags"`
}

// ImageTag is where a tag's image comes from; nil From: from a build.
type ImageTag struct {
	Name            string                  `json:"name"`
	Annotations     map[string]string       `json:"annotations"`
	From            *corev1.ObjectReference `json:"from"`
	Reference       bool                    `json:"reference"`
	Generation      *int64                  `json:"generation"`
	ImportPolicy    *doc.Node               `json:"importPolicy"`
	ReferencePolicy *doc.Node               `json:"referencePolicy"`
}

// Image is what a tag of the stream stands for; "" when a build makes it.
func (s *ImageStream) Image(tag string) string {
	for range len(s.Spec.Tags) { // a tag may follow another of the same stream
		next := ""
		for _, t := range s.Spec.Tags {
			if t.Name != tag || t.From == nil {
				continue
			}
			switch t.From.Kind {
			case "DockerImage":
				return t.From.Name
			case "ImageStreamTag":
				next = t.From.Name
			}
		}
		if next == "" || next == tag {
			break
		}
		tag = next
	}
	if r := s.Spec.DockerImageRepository; r != "" {
		return r + ":" + tag
	}
	return ""
}

// triggersAnnotation is how workloads that are not OpenShift's follow images.
const triggersAnnotation = "image.openshift.io/triggers"

// container is the field path of a container's image in a trigger.
var container = regexp.MustCompile(`^spec\.(?:job[Tt]emplate\.spec\.)?template\.spec\.(?:init[Cc]ontainers|containers)\[\?\(@\.name==["']([^"']+)["']\)\]\.image$`)

// AnnotatedTriggers reads the image triggers that annotations hold; nil when
// there are none or they cannot be read.
func AnnotatedTriggers(annotations map[string]string) []ImageChange {
	var ts []struct {
		From      corev1.ObjectReference `json:"from"`
		FieldPath string                 `json:"fieldPath"`
	}
	if err := json.Unmarshal([]byte(annotations[triggersAnnotation]), &ts); err != nil {
		return nil
	}
	var out []ImageChange
	for _, t := range ts {
		if m := container.FindStringSubmatch(t.FieldPath); m != nil && t.From.Kind == "ImageStreamTag" {
			out = append(out, ImageChange{Automatic: true, ContainerNames: []string{m[1]}, From: t.From})
		}
	}
	return out
}

// SecurityContextConstraints say what pods may ask for, and whose. They are plain
// fields of the object, without a spec.
type SecurityContextConstraints struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Users  []string `json:"users"`
	Groups []string `json:"groups"`

	Priority                        *int32    `json:"priority"`
	AllowPrivilegedContainer        bool      `json:"allowPrivilegedContainer"`
	DefaultAddCapabilities          *doc.Node `json:"defaultAddCapabilities"`
	RequiredDropCapabilities        *doc.Node `json:"requiredDropCapabilities"`
	AllowedCapabilities             *doc.Node `json:"allowedCapabilities"`
	AllowHostDirVolumePlugin        bool      `json:"allowHostDirVolumePlugin"`
	Volumes                         *doc.Node `json:"volumes"`
	AllowedFlexVolumes              *doc.Node `json:"allowedFlexVolumes"`
	AllowHostNetwork                bool      `json:"allowHostNetwork"`
	AllowHostPorts                  bool      `json:"allowHostPorts"`
	AllowHostPID                    bool      `json:"allowHostPID"`
	AllowHostIPC                    bool      `json:"allowHostIPC"`
	UserNamespaceLevel              string    `json:"userNamespaceLevel"`
	DefaultAllowPrivilegeEscalation *bool     `json:"defaultAllowPrivilegeEscalation"`
	AllowPrivilegeEscalation        *bool     `json:"allowPrivilegeEscalation"`
	SELinuxContext                  *doc.Node `json:"seLinuxContext"`
	RunAsUser                       *doc.Node `json:"runAsUser"`
	SupplementalGroups              *doc.Node `json:"supplementalGroups"`
	FSGroup                         *doc.Node `json:"fsGroup"`
	ReadOnlyRootFilesystem          bool      `json:"readOnlyRootFilesystem"`
	SeccompProfiles                 *doc.Node `json:"seccompProfiles"`
	AllowedUnsafeSysctls            *doc.Node `json:"allowedUnsafeSysctls"`
	ForbiddenSysctls                *doc.Node `json:"forbiddenSysctls"`
}

// For reports whether the users and groups hold a service account.
func (s *SecurityContextConstraints) For(namespace, account string) bool {
	return slices.Contains(s.Users, "system:serviceaccount:"+namespace+":"+account) || slices.Contains(s.Groups, "system:serviceaccounts:"+namespace) || slices.Contains(s.Groups, "system:serviceaccounts")
}

// SCCRole is what begins the names of the cluster roles that let their subjects
// use security context constraints: system:openshift:scc:anyuid.
const SCCRole = "system:openshift:scc:"
