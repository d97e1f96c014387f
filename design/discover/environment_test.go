package discover_test

import (
	"testing"

	"github.com/ashlar-dev/ashlar/design/discover"
)

func TestEnvironmentOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"values-prod.yaml": "prod", "values.staging.yaml": "staging", "values_DEV.yml": "dev", "prod-values.yaml": "prod-values", "prod": "prod",
		"values-prod-eu.yaml": "prod-eu", "values-small.yaml": "", "values.yaml": "", "product": "", "": "", "production": "production",
	} {
		if got := discover.EnvironmentOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !discover.SameEnvironment("prod", "Production") || discover.SameEnvironment("prod", "prod-eu") || !discover.SameEnvironment("eu-1", "EU-1") {
		t.Error("names of environments are told apart wrongly")
	}
}
