package helm

import (
	"slices"
	"strings"
)

// The cluster that charts are rendered for: one of Kubernetes 1.33 with nothing
// added to it.
const (
	kubeVersion = "v1.33.0"
	helmVersion = "v3.22.0"
)

type kubeVersionView struct{ Version, Major, Minor string }

func (k kubeVersionView) String() string { return k.Version }

// GitVersion is the old name of Version.
func (k kubeVersionView) GitVersion() string { return k.Version }

type apiVersions []string

// Has reports whether the cluster knows a group's version, apps/v1, or a kind of
// one, apps/v1/Deployment.
func (a apiVersions) Has(v string) bool {
	if strings.Count(v, "/") == 2 || v == "v1/Service" {
		v = v[:strings.LastIndexByte(v, '/')]
	}
	return slices.Contains(a, v)
}

type capabilitiesView struct {
	KubeVersion kubeVersionView
	APIVersions apiVersions
	HelmVersion struct{ Version, GitCommit, GitTreeState, GoVersion string }
}

func capabilities() capabilitiesView {
	c := capabilitiesView{KubeVersion: kubeVersionView{kubeVersion, "1", "33"}, APIVersions: apiVersions{
		"v1", "admissionregistration.k8s.io/v1", "apiextensions.k8s.io/v1", "apiregistration.k8s.io/v1", "apps/v1", "authentication.k8s.io/v1",
		"authorization.k8s.io/v1", "autoscaling/v1", "autoscaling/v2", "batch/v1", "certificates.k8s.io/v1", "coordination.k8s.io/v1",
		"discovery.k8s.io/v1", "events.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1", "networking.k8s.io/v1", "node.k8s.io/v1", "policy/v1",
		"rbac.authorization.k8s.io/v1", "scheduling.k8s.io/v1", "storage.k8s.io/v1",
	}}
	c.HelmVersion.Version = helmVersion
	return c
}
